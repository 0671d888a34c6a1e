"""A real browser for tests: Chromium, driven by Playwright.

`page` is a page to begin with, `visit` opens more, each as a visitor of its own. A test fails, when it is over, if a
page complained in its console, or asked anybody for anything but where it was opened.
"""

from __future__ import annotations

import base64
import importlib.util
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.k8s.tools import tool

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Route

# Chromium's sandbox needs rights that containers rarely give. No sound card is needed: what is played is not heard.
# Names that end in .example lead to this machine, which browsers trust less under these than as localhost.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--mute-audio", "--autoplay-policy=no-user-gesture-required"),
    "--host-resolver-rules=MAP *.example 127.0.0.1",
]
_TIMEOUT_MS = 60_000


# Each player of a page plays to its end, all at once and faster than anybody listens; and its sound as the browser
# decodes it.
_PLAYED = """async (rate) => Promise.all(Array.from(document.querySelectorAll("audio"), async (player) => {
    const over = new Promise((done, failed) => {
        player.onended = done;
        player.onerror = () => failed(player.error.message);
    });
    player.playbackRate = 8;
    await player.play();
    await over;
    const content = await (await fetch(player.src)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(content);
    let bytes = "";
    for (const byte of new Uint8Array(sound.getChannelData(0).buffer)) bytes += String.fromCharCode(byte);
    return [player.duration, player.played.end(0), sound.sampleRate, btoa(bytes)];
}))"""


def heard(page: Page, rate: int) -> list[tuple[float, float, int, np.ndarray]]:
    """Of each player of a page: seconds, seconds that it played, the rate, levels in [-1, 1]."""
    return [(*told, np.frombuffer(base64.b64decode(levels), "<f4")) for *told, levels in page.evaluate(_PLAYED, rate)]


class Visit:
    """Opens pages, and notes what they should not have done.

    complaints: errors and warnings of consoles, and exceptions. strangers: addresses of other hosts asked for.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._expected: list[str] = []
        self.complaints: list[str] = []
        self.strangers: list[str] = []

    def __call__(self, address: str | None = None, **options: Any) -> Page:
        """A page of a new visitor, at the address. options: of Playwright's new_context, e.g. color_scheme="dark"."""
        context = self._browser.new_context(accept_downloads=True, **options)
        context.set_default_timeout(_TIMEOUT_MS)
        self._contexts.append(context)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        homes: set[str] = set()
        context.on("request", lambda request: self._asked(request, homes))
        context.route(lambda address: _origin(address) not in homes, lambda route: self._guard(route, homes))
        page = context.new_page()
        if address is not None:
            page.goto(address)
        return page

    def expect(self, complaint: str) -> None:
        """Complaints that match the pattern are meant, e.g. of a status that is no success."""
        self._expected.append(complaint)

    def close(self) -> None:
        """No more pages; AssertionError if one did what it should not."""
        for context in self._contexts:
            context.close()
        unmeant = [one for one in self.complaints if not any(re.search(meant, one) for meant in self._expected)]
        assert not unmeant, unmeant
        assert not self.strangers, self.strangers

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request, homes: set[str]) -> None:
        origin = _origin(request.url)
        if not homes and request.is_navigation_request() and origin:
            homes.add(origin)  # where this visitor was sent first
        if origin and origin not in homes:
            self.strangers.append(request.url)

    def _guard(self, route: Route, homes: set[str]) -> None:
        """Nothing leaves for another host, though a page asks."""
        if not homes or not _origin(route.request.url) or _origin(route.request.url) in homes:
            route.continue_()
        else:
            route.abort()


def until(page: Page, holds: str) -> None:
    """Wait until an expression of JavaScript is true. Playwright's own way is eval, which strict pages do not allow."""
    from playwright.sync_api import Error

    script = f"""() => new Promise((done, never) => {{
        const look = () => ({holds}) ? done() : requestAnimationFrame(look);
        setTimeout(() => never(new Error("it never came true")), {_TIMEOUT_MS});
        look();
    }})"""
    while True:
        try:
            page.evaluate(script)
        except Error as error:
            if "context was destroyed" not in error.message:
                raise
        else:
            return


def _origin(address: str) -> str:
    """Scheme, host and port; "" of what asks nobody, e.g. data:."""
    parts = urlsplit(address)
    return "" if parts.scheme in ("data", "blob", "about") else f"{parts.scheme}://{parts.netloc}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of one file's tests: Playwright's event loop, while it runs, is in the way of asyncio in other files'."""
    program = tool("chromium")
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not here; `make setup` installs it where pip can")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=2 * _TIMEOUT_MS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """See Visit."""
    visit = Visit(browser)
    yield visit
    visit.close()


@pytest.fixture
def page(visit: Visit) -> Page:
    """An empty page of a visitor who has seen nothing."""
    return visit()
