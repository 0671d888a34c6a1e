"""A page of a stranger in the same real browser can draw nothing by the page of somebody's machine."""

import http.server
import threading
from contextlib import contextmanager

from tests.browser import until
from tests.client.browse.serving import browsed
from tests.client.fakes import FakeService, served


@contextmanager
def another_origin(site):
    """A page that tries to have something drawn by the page of somebody's machine."""
    body = f"""<!doctype html><title>evil</title><img src="{site}/g/fake/1"><iframe src="{site}/g/fake/1"></iframe>
        <audio src="{site}/sample.wav?address=x" autoplay></audio><link rel=prefetch href="{site}/g/fake/1?seed=2">
        <script src="{site}/g/fake/1/download/npz"></script>
        <form id=f method=post action="{site}/g/fake/1" target=frame></form><iframe name=frame></iframe>
        <a id=go href="{site}/g/fake/1">go</a><script>f.submit(); Promise.allSettled([fetch("{site}/g/fake/1"),
        fetch("{site}/g/fake/1", {{mode: "no-cors"}})]).then(() => {{ document.title = "tried" }})</script>"""

    class Evil(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("referrer-policy", "no-referrer")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *given):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Evil) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_a_page_from_another_origin_cannot_draw(browser):
    fake = FakeService()
    with served(fake) as target, browsed(target) as site, another_origin(site) as evil:
        context = browser.new_context()  # not of `visit`: this page is meant to ask another host
        page = context.new_page()
        answers = []
        page.on("response", lambda response: answers.append(response.status) if site in response.url else None)
        page.goto(evil)
        until(page, "document.title == 'tried'")
        page.wait_for_load_state("networkidle")
        assert answers
        assert set(answers) <= {403, 405}
        assert fake.requests == []
        page.locator("#go").click()
        page.get_by_role("link", name="Draw these samples").wait_for()
        assert fake.requests == []
        page.locator("#ask").click()
        page.locator(".tile").first.wait_for()
        assert len(fake.requests) > 0
        context.close()
