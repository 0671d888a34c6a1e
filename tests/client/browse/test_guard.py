"""Who may ask, what is said with every answer, and names that would be more than names."""

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest

from augmint import browse
from augmint.browse.guard import host_of
from augmint.v1 import generator_pb2 as pb
from tests.client.browse.serving import OWN, TYPED, browsed, get
from tests.client.fakes import FakeService, served

# Marks the places that an address of this page may come from; whoever asks is another page of the same browser.
FOREIGN_PICTURE = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
FOREIGN_SCRIPT = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
FOREIGN_FRAME = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
NEIGHBOUR = {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
FOREIGN_LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
DRAWS = [
    "/g/fake/1",
    "/g/fake/1/compare",
    "/g/fake/1/download/npz",
    "/sample.png?address=ADDRESS",
    "/sample?address=ADDRESS",
]
ADDRESS = quote(f"augmint:fake/1?digest={1:064x}&seed=1&start=0&n=1&classes=0&truncation=1.0")

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "\u202eright to left\u202c",
    "שלום עולם",
    "a\nb\tc\0d",
    "$(touch /tmp/x)`id`; rm -rf /",
    "x" * 500,
    "--out=/etc/passwd",
    "../../etc/passwd",
    "&amp;<!--",
    "🐈‍⬛",
]


class Hostile(FakeService):
    """Every name of it would be more than a name, if it could."""

    name = "<b onclick=alert(1)>" + HOSTILE[4] + "y" * 500

    def __init__(self):
        super().__init__(labels=HOSTILE)
        self.quality = pb.QualityCard(
            real_samples=1,
            synthetic_samples=1,
            verdict=pb.VERDICT_WITHHELD,
            reasons=HOSTILE[:3],
            warnings=HOSTILE[:3],
            classes=[pb.ClassQuality(label=label) for label in HOSTILE],
            findings=[pb.Finding(kind="<i>", label=HOSTILE[0], text=HOSTILE[1], advice=HOSTILE[2], severity=3)],
            measurements=[pb.Measurement(name="<u>", detail=HOSTILE[0])],
        )

    def get_generator(self, request, timeout):
        assert request.generator == self.name
        request.generator = "fake"
        answer = super().get_generator(request, timeout)
        answer.generator.name = answer.status.name = self.name
        answer.generator.provenance.data_name = answer.generator.provenance.preset = HOSTILE[0]
        answer.generator.provenance.configuration_json = json.dumps({HOSTILE[0]: HOSTILE[1]})
        answer.generator.provenance.libraries[HOSTILE[0]] = HOSTILE[1]
        return answer

    def generate(self, request, timeout):
        answer = super().generate(request, timeout)
        answer.generator = self.name
        return answer

    def _status(self):
        status = super()._status()
        status.name, status.reason = self.name, HOSTILE[0]
        status.channels[:] = HOSTILE[:3]
        return status


TAGS = """html head meta title link script body svg symbol rect path use a header span button div p main footer dialog
    h1 h2 h3 dl dt dd kbd label input form nav ul li code small section bdi select option figure img figcaption pre
    article table thead tbody tr th td details summary strong fieldset legend"""


class Reader(HTMLParser):
    """Tags of a page with their attributes, and its text; refuses markup that no template has."""

    def __init__(self, page):
        super().__init__()
        self.text, self.tags = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        assert tag in TAGS.split(), tag
        assert not [name for name, _ in attributes if name.startswith("on") or name == "style"], attributes
        if tag == "script":
            assert re.fullmatch(r"/static/[0-9a-f]{12}/(htmx\.min|browse)\.js", dict(attributes)["src"])
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def fake():
    return FakeService()


@pytest.fixture(scope="module")
def home(fake):
    with served(fake) as target, browsed(target, hosts=["browse.example"]) as site:
        yield site


@pytest.fixture(scope="module")
def hostile():
    with served(Hostile()) as target, browsed(target) as site:
        yield site


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::2]", "a b", "0x7f.1"]
)
def test_another_name_reads_nothing(home, fake, host):
    before = fake.described
    for path in ("/", "/g/fake/1", "/static/x/browse.css", "/waiting"):
        assert get(f"{home}{path}", {"host": host}).status == 421
    assert fake.described == before


@pytest.mark.parametrize(
    "host", ["localhost:1", "LOCALHOST", "127.0.0.1", "[::1]:8421", "browse.example:80", "localhost."]
)
def test_names_of_this_machine_and_those_that_are_allowed_may_ask(home, host):
    assert get(f"{home}/", {"host": host}).status == 200


def test_a_host_is_what_stands_before_the_port():
    assert [host_of(one) for one in ("[::1]:80", "A.b:80", "a", "a:b:c", "[x")] == ["::1", "a.b", "a", "a:b:c", "[x"]


@pytest.mark.parametrize("path", DRAWS)
@pytest.mark.parametrize(
    "headers",
    [
        FOREIGN_PICTURE,
        FOREIGN_SCRIPT,
        FOREIGN_FRAME,
        NEIGHBOUR,
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"referer": "http://evil.example/"},
    ],
)
def test_a_page_from_another_origin_cannot_draw(home, fake, path, headers):
    before = len(fake.requests)
    answer = get(home + path.replace("ADDRESS", ADDRESS), headers)
    assert answer.status == 403
    assert len(fake.requests) == before


@pytest.mark.parametrize("path", DRAWS)
def test_a_link_on_another_site_draws_only_when_the_person_says_so(home, fake, path):
    before = len(fake.requests)
    answer = get(home + path.replace("ADDRESS", ADDRESS), FOREIGN_LINK)
    assert len(fake.requests) == before
    if answer.status == 200:
        assert "Nothing is drawn yet" in answer.text
        again = re.search(r'id="ask" href="([^"]*)"', answer.text)[1].replace("&amp;", "&")
        assert get(home + again, OWN).status == 200
        assert len(fake.requests) > before
    else:
        assert (answer.status, "Open the page first" in answer.text) == (403, True)


@pytest.mark.parametrize("headers", [OWN, TYPED, {}])
def test_the_page_itself_typed_addresses_and_programs_may_draw(home, headers):
    assert get(f"{home}/g/fake/1", headers).status == 200
    assert get(f"{home}/g/fake/1/download/npz", headers).status == 200


def test_where_browsers_do_not_say_who_asks_only_the_pages_own_links_draw(home, fake):
    before, elsewhere = len(fake.requests), {"host": "browse.example"}
    assert "Nothing is drawn yet" in get(f"{home}/g/fake/1", elsewhere).text
    assert get(f"{home}/g/fake/1/download/npz", elsewhere).status == 403
    assert len(fake.requests) == before
    assert "<figure" in get(f"{home}/g/fake/1", {**elsewhere, "referer": "http://browse.example/"}).text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_is_sent(home, method):
    assert get(f"{home}/g/fake/1", method=method).status == 405


@pytest.mark.parametrize(
    "path",
    ["/", "/g/fake/1", "/g/fake/1/card", "/nothing", "/g/fake/1/download/npz", "/g/fake/1/download/no", "/alive"],
)
def test_every_answer_says_what_browsers_shall_not_do(home, path):
    headers = get(home + path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert headers["cache-control"] == "no-store"


def test_htmx_is_what_npm_has():
    # dist/htmx.min.js of htmx.org 2.0.11. To take another: `npm pack htmx.org@VERSION`, that file, its LICENSE, this.
    found = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
    static = Path(browse.__file__).parent / "static"
    assert hashlib.sha256((static / "htmx.min.js").read_bytes()).hexdigest() == found
    assert (static / "htmx.LICENSE.txt").read_text().startswith("Zero-Clause BSD")


def test_files_of_the_page_are_kept_by_browsers(home):
    page = get(f"{home}/").text
    for path in re.findall(r'(?:href|src)="(/static/[^"]*)"', page):
        answer = get(home + path)
        assert (answer.status, "immutable" in answer.headers["cache-control"]) == (200, True)


@pytest.mark.parametrize("page", ["", "/card", "/compare"])
def test_hostile_names_stand_on_the_page_as_text(hostile, page):
    found = Reader(get(f"{hostile}/g/{quote(Hostile.name, safe='')}/1{page}").text)
    text = "".join(found.text)
    assert Hostile.name in text
    for label in HOSTILE:
        assert label.replace("\0", "\ufffd")[:60] in text.replace("\0", "\ufffd"), label


def test_hostile_names_stand_in_the_list_as_text(hostile):
    text = "".join(Reader(get(f"{hostile}/").text).text)
    assert all(name in text for name in (Hostile.name, *HOSTILE[:3]))


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_class_can_be_looked_at(hostile, label):
    found = Reader(get(f"{hostile}/g/{quote(Hostile.name, safe='')}/1?label={quote(label)}&n=1").text)
    assert sum(tag == "figure" for tag, _ in found.tags) == 1


def test_what_an_address_asks_for_wrongly_stands_on_the_page_as_text(hostile):
    query = "&".join(
        f"{name}={quote(HOSTILE[1])}" for name in ("seed", "label", "truncation", "n", "to", "to_truncation")
    )
    for page in ("", "/compare"):
        answer = get(f"{hostile}/g/{quote(Hostile.name, safe='')}/1{page}?{query}")
        assert answer.status == 400
        Reader(answer.text)
    Reader(get(f"{hostile}/sample?address={quote(HOSTILE[1])}").text)
    Reader(get(f"{hostile}/{quote(HOSTILE[0])}").text)
