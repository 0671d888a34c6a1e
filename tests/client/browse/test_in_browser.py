"""The pages in a real browser: what people do, what they see, and that nothing else happens."""

import io
import re
import socket
from urllib.parse import quote

import numpy as np
import pytest

import augmint
from tests.browser import until
from tests.client.browse.serving import browsed
from tests.client.browse.test_guard import HOSTILE, Hostile
from tests.client.fakes import FakeService, served
from tests.k8s.tools import axe
from tests.processes import Service

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}


def pictures(page):
    """What is seen, whole and decoded."""
    until(page, "[...document.images].every(one => one.complete && one.naturalWidth)")
    return page.locator(".tile img").evaluate_all("found => found.map(one => one.src)")


def drawn(page, address):
    """Wait until the page is the one of an address."""
    page.wait_for_url(re.compile(address))
    until(page, "!document.querySelector('#main').hasAttribute('aria-busy')")


def test_a_person_finds_a_generator_draws_turns_pages_and_goes_back(visit, site):
    page = visit(f"{site}/", permissions=["clipboard-read", "clipboard-write"])
    assert page.locator("article").count() == 5
    page.get_by_role("link", name="tiny", exact=True).click()
    drawn(page, "/g/tiny/2$")
    first = pictures(page)
    assert len(first) == 100
    page.locator("#after").click()
    drawn(page, "start=100")
    second = pictures(page)
    assert not set(first) & set(second)
    assert page.evaluate("document.activeElement.id") == "after"  # so that Enter turns another page
    page.keyboard.press("ArrowLeft")
    drawn(page, r"/g/tiny/2\?seed=0$")
    assert pictures(page) == first
    page.go_back()
    drawn(page, "start=100")
    assert pictures(page) == second
    page.reload()
    assert pictures(page) == second


def test_a_seed_is_changed_by_keyboard_and_the_focus_stays(visit, site):
    page = visit(f"{site}/g/tiny/2?label=7&n=3&seed=18446744073709551613")
    first = pictures(page)
    page.keyboard.press("s")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")  # there is none above
    page.keyboard.press("Enter")
    drawn(page, "seed=18446744073709551615")
    assert page.evaluate("document.activeElement.id") == "seed"
    second = pictures(page)
    assert len(second) == 3
    assert not set(first) & set(second)
    until(page, "document.getElementById('said').textContent.startsWith('3 samples of 7, seed 18446744073709551615')")
    page.get_by_role("heading", name="tiny").click()
    page.keyboard.press("r")
    page.wait_for_url(lambda address: "18446744073709551615" not in address)
    drawn(page, r"label=7&seed=\d+&n=3")
    assert not set(second) & set(pictures(page))


def test_a_class_that_is_chosen_is_drawn_at_once(visit, site):
    page = visit(f"{site}/g/tiny/2?seed=3")
    page.locator("#label").select_option("5")
    drawn(page, r"/g/tiny/2\?label=5&seed=3$")
    assert len(pictures(page)) == 48
    assert page.title() == "tiny 2 · augmint"


def test_keys_are_told_and_can_be_switched_off(visit, site):
    page = visit(f"{site}/g/tiny/2")
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.get_by_label("single letters and arrows work").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    assert page.evaluate("document.activeElement.id") != "seed"


def test_two_versions_stand_side_by_side(visit, site):
    page = visit(f"{site}/g/tiny/1?label=7&n=4&seed=5")
    page.get_by_role("navigation", name="Pages of this generator").get_by_text("Compare").click()
    drawn(page, r"/compare\?label=7&seed=5&n=4")
    assert page.locator(".side h2").first.text_content() == "version 1, truncation 1"
    page.locator("#to").select_option("1")
    drawn(page, "to=1")
    page.locator("#to_truncation").fill("0.5")
    page.keyboard.press("Enter")
    drawn(page, "to_truncation=0.5")
    assert page.locator(".side h2").all_text_contents() == ["version 1, truncation 1", "version 1, truncation 0.5"]
    left, right = (page.locator(".side").nth(side).locator("img").first for side in (0, 1))
    assert left.get_attribute("src") != right.get_attribute("src")
    assert left.bounding_box()["y"] == right.bounding_box()["y"]


def test_addresses_lines_and_links_are_copied(visit, site, service):
    page = visit(f"{site}/g/tiny/2?label=7&n=3&seed=5", permissions=["clipboard-read", "clipboard-write"])

    def copied(act):
        page.evaluate("navigator.clipboard.writeText('')")
        act()
        until(page, "document.getElementById('said').textContent == 'Copied'")
        return page.evaluate("navigator.clipboard.readText()")

    def by_key():
        page.get_by_role("link", name="7, position 1").focus()
        page.keyboard.press("c")

    with augmint.Client(service.target) as client:
        samples = client.generate("7", 3, seed=5, generator="tiny", version=2)
        assert copied(by_key) == str(samples[1].address)
        names = {}
        exec(copied(page.get_by_role("button", name="Copy the lines for Python").click), names)
        assert np.array_equal(names["samples"].array, samples.array)
    assert copied(page.locator("#copy-link").click) == f"{site}/g/tiny/2?label=7&seed=5&n=3"
    # Where the page is no secure one, as over a cluster's network.
    page.evaluate("Object.defineProperty(window, 'isSecureContext', {value: false})")
    assert copied(page.get_by_role("button", name="Copy the digest of the file").click) == samples.address.digest


def test_sounds_are_heard_one_at_a_time(visit, site):
    page = visit(f"{site}/g/tones/1?label=yes&n=2&seed=9")
    page.evaluate("window.heard = []; document.addEventListener('ended', event => heard.push(event.target.src), true)")
    assert page.evaluate("document.querySelector('audio').play()") is None
    until(page, "heard.length == 1")
    assert page.evaluate("document.querySelector('audio').duration") == pytest.approx(1024 / 8000)
    page.goto(f"{site}/g/tunes/1?n=1")
    assert len(pictures(page)) == page.locator("audio").count() > 1
    page.evaluate("[...document.querySelectorAll('audio')].forEach(one => { one.loop = true })")
    page.evaluate("document.querySelectorAll('audio')[0].play()")
    page.evaluate("document.querySelectorAll('audio')[1].play()")
    until(page, "document.querySelectorAll('audio')[0].paused && !document.querySelectorAll('audio')[1].paused")


def test_samples_are_downloaded(visit, site):
    page = visit(f"{site}/g/people/1?label=%3E50K&n=5&seed=5")

    def kept(name):
        with page.expect_download() as download:
            page.get_by_role("link", name=name, exact=True).click()
        return download.value.suggested_filename, download.value.path().read_bytes()

    name, content = kept("CSV")
    assert (name, content.decode().count("\n")) == ("people-1-seed5.csv", 6)
    name, content = kept("NPZ")
    assert np.load(io.BytesIO(content))["array"].shape == (5, 9)
    page.goto(f"{site}/g/tones/1?n=1")
    page.locator(".tile a").first.click()
    drawn(page, "/sample")
    name, content = kept("WAV")
    assert (name, content[:4]) == ("tones-1-seed0-0.wav", b"RIFF")
    page.goto(f"{site}/g/tiny/1?n=1")
    name, content = kept("PNG")
    assert (name, content[:4]) == ("tiny-1-seed0.png", b"\x89PNG")


def test_texts_and_rows_are_read(visit, site):
    page = visit(f"{site}/g/names/1?label=Greek&seed=3&n=7")
    assert page.locator(".lines li").count() == 7
    page.goto(f"{site}/g/people/1")
    assert page.locator("tbody tr").count() == 200
    assert page.locator(".spreads > li").count() == 9
    page.get_by_role("link", name="0", exact=True).click()
    drawn(page, "/sample")
    assert page.get_by_text("children").is_visible()


def test_while_it_draws_the_page_says_so(visit):
    fake = FakeService()
    with served(fake) as target, browsed(target) as site:
        page = visit(f"{site}/g/fake/1")
        fake.gate.clear()
        page.locator("#after").click()
        until(page, "getComputedStyle(document.querySelector('#progress span')).opacity == 1")
        assert page.locator("main[aria-busy]").count() == 1
        fake.gate.set()
        drawn(page, "start=40")
        until(page, "getComputedStyle(document.querySelector('#progress')).opacity == 0")


def test_who_goes_on_before_a_page_came_gets_the_page_of_the_last_click(visit):
    fake = FakeService()
    with served(fake) as target, browsed(target) as site:
        page = visit(f"{site}/g/fake/1")
        fake.gate.clear()
        page.locator("#after").click()
        until(page, "document.querySelector('#main').hasAttribute('aria-busy')")
        page.get_by_role("link", name="Quality and origin").click()
        page.get_by_role("heading", name="Where it comes from").wait_for()
        fake.gate.set()
        drawn(page, "/card")
        assert page.locator(".tile").count() == 0


def test_a_service_that_stops_in_the_middle_is_waited_for_and_the_page_goes_on(visit, forked, tmp_path):
    from tests import generators

    generators.publish(tmp_path, "tiny")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    visit.expect("status of 503")
    service = Service(tmp_path, "--port", port, start=forked)
    with browsed(service.target, timeout=1.0) as site:
        page = visit(f"{site}/g/tiny/1?seed=4")
        first = pictures(page)
        service.stop()
        page.locator("#after").click()
        page.get_by_role("heading", name="The service is away").wait_for()
        assert page.url.endswith("seed=4&start=100")
        with Service(tmp_path, "--port", port, start=forked):
            page.get_by_role("heading", name="tiny").wait_for()
            second = pictures(page)
            assert len(second) == 100
            assert not set(first) & set(second)
            assert page.url.endswith("seed=4&start=100")


def test_the_page_says_when_it_is_itself_gone(visit):
    visit.expect("ERR_CONNECTION_REFUSED|htmx:")
    with served(FakeService()) as target:
        with browsed(target) as site:
            page = visit(f"{site}/g/fake/1")
        page.locator("#after").click()
        page.get_by_role("alert").filter(has_text="does not answer any more").wait_for()


def test_under_a_name_of_a_cluster_it_asks_first_and_then_does_all_the_same(visit, service):
    with browsed(service.target, hosts=["look.example"]) as site:
        page = visit(f"{site.replace('127.0.0.1', 'look.example')}/g/tones/1?label=yes&n=2")
        assert page.evaluate("isSecureContext") is False
        page.get_by_role("link", name="Draw these samples").click()
        drawn(page, "label=yes")
        assert len(pictures(page)) == 2
        page.evaluate("document.querySelector('audio').play()")
        page.get_by_role("button", name="Copy the lines for Python").click()
        until(page, "document.getElementById('said').textContent == 'Copied'")
        page.locator("#after").click()
        drawn(page, "start=2")
        with page.expect_download() as download:
            page.get_by_role("link", name="NPZ", exact=True).click()
        assert len(np.load(download.value.path())["array"]) == 2


def test_without_scripts_links_and_forms_do(visit, site):
    page = visit(f"{site}/", java_script_enabled=False)
    page.get_by_role("link", name="tiny", exact=True).click()
    page.get_by_label("Seed").fill("7")
    page.get_by_role("button", name="Draw").click()
    assert "seed=7" in page.url
    assert page.locator(".tile").count() == 100


def test_hostile_names_are_read_and_do_nothing(visit):
    with served(Hostile()) as target, browsed(target) as site:
        page = visit(**PHONE)
        asked = []
        page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        for path in ("/", *(f"/g/{quote(Hostile.name, safe='')}/1{rest}" for rest in ("", "/card", "/compare"))):
            page.goto(f"{site}{path}")
            assert any(Hostile.name in text for text in page.locator("h1, h2").all_text_contents())
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        page.goto(f"{site}/g/{quote(Hostile.name, safe='')}/1?label={quote(HOSTILE[4])}&n=2")
        box = page.locator(".facts").bounding_box()
        assert page.locator(".facts li").first.bounding_box()["x"] - box["x"] < 1  # nothing turned the page around
        assert asked == []


PAGES = {
    "list": "/",
    "images": "/g/tiny/2?n=2&start=20",
    "one class": "/g/tiny/2?label=7&n=9",
    "rows": "/g/people/1?n=5",
    "sounds": "/g/tones/1?n=2",
    "music": "/g/tunes/1?n=2",
    "texts": "/g/names/1",
    "card": "/g/people/1/card",
    "compare": "/g/tiny/2/compare?n=3",
    "error": "/sample?address=augmint",
}


def barriers(page, script, rules):
    """What axe-core finds serious, and whether there is more than the width of the window. rules: [] for all."""
    page.evaluate(script)
    only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    result = page.evaluate("options => axe.run(document, options)", {"resultTypes": ["violations"], **only})
    found = [
        (one["id"], [node["html"][:200] for node in one["nodes"]][:3])
        for one in result["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return found if fits else [*found, "scrolls sideways"]


@pytest.mark.parametrize(
    ("look", "rules"),
    [({"color_scheme": "light"}, []), ({"color_scheme": "dark", **PHONE}, ["color-contrast", "target-size"])],
    ids=["desk", "phone, dark"],
)
def test_no_page_has_a_serious_barrier_or_scrolls_sideways(visit, site, look, rules):
    script = axe().read_text()
    visit.expect("status of 400")  # of the page that says what is wrong
    page, found = visit(**look), {}
    for name, path in PAGES.items():
        page.goto(f"{site}{path}")
        found[name] = barriers(page, script, rules)
    page.goto(f"{site}/g/tiny/2?label=7&n=1")
    page.locator(".tile a").click()
    drawn(page, "/sample")
    found["sample"] = barriers(page, script, rules)
    page.get_by_role("button", name="Keys").click()
    found["keys"] = barriers(page, script, rules)
    assert {name: what for name, what in found.items() if what} == {}
