"""What an address of the page asks for comes back from the links that are made of it."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import augmint
from augmint.address import position_limit
from augmint.browse.asked import CLASSES, MOST, Asked, neighbours, place
from tests.client.fakes import FakeService

LABELS = ["a", "b c", "&=#?/%", "é\u202e", "x" * 500, *(str(number) for number in range(40))]

NAMES = ["label", "first", "seed", "start", "n", "truncation", "keep", "of"]


@pytest.fixture(scope="module")
def description():
    with augmint.Client(transport=FakeService(labels=LABELS)) as client:
        return client.describe()


def read(description, link):
    return Asked.read(description, dict(parse_qsl(urlsplit(link).query)))


@given(data=st.data())
def test_a_link_is_read_as_what_it_was_made_of(description, data):
    of = data.draw(st.sampled_from([0, 0, 1, 7, 64]))
    asked = Asked(
        description=description,
        label=data.draw(st.sampled_from([None, *LABELS])),
        seed=data.draw(st.integers(0, 2**64 - 1)),
        each=data.draw(st.integers(1, MOST // CLASSES)),
        truncation=data.draw(st.sampled_from([1.0, 0.5, 0.7, 2.0, 0.001])),
        keep=data.draw(st.integers(1, of)) if of else 0,
        of=of,
        first=data.draw(st.sampled_from([0, 20, 40, 44])),
        start=data.draw(st.integers(0, 2**20)),
    )
    found = read(description, asked.link())
    assert found.wrong == ()
    assert found.link() == asked.link()
    assert (found.indices, found.drawing["seed"], found.start) == (asked.indices, asked.seed, asked.start)
    assert (found.truncation, found.keep, found.of) == (asked.truncation, asked.keep, asked.of)


@settings(max_examples=30)
@given(query=st.dictionaries(st.sampled_from(NAMES), st.text(max_size=12)))
def test_no_query_is_too_wrong_for_a_page(description, query):
    asked = Asked.read(description, query)
    assert 1 <= asked.count <= MOST
    assert asked.start + asked.count <= position_limit(asked.keep, asked.of)
    assert read(description, asked.link()).wrong == ()


@given(start=st.integers(0, 2**48 - 100), each=st.integers(1, 50))
def test_pages_before_and_after_touch(description, start, each):
    asked = Asked(description, "a", start=start, each=each)
    if asked.after:
        assert asked.after.start == start + each
        assert asked.after.before.start == start
    assert (asked.before is None) == (start == 0)


def test_large_samples_are_fewer_on_a_page(description):
    large = FakeService()
    large.sample.shape[:] = [2048, 2048, 3]
    with augmint.Client(transport=large) as client:
        assert Asked.read(client.describe(), {}).each == 1
    assert Asked.read(description, {"label": "a"}).each == 48


def test_pages_of_classes_cover_all(description):
    asked, seen = Asked.read(description, {}), []
    while asked is not None:
        seen += asked.labels
        asked = asked.other_classes[1]
    assert seen == LABELS


def test_the_other_side_has_the_classes_that_both_have(description):
    with augmint.Client(transport=FakeService(labels=["9", "a", "other"])) as client:
        other = client.describe()
    asked = Asked(description, each=2)
    beside = asked.beside(other, 0.5)
    assert [other.labels[index] for index in beside.indices] == ["a", "a", "9", "9"]
    with augmint.Client(transport=FakeService(labels=["none of them"])) as client:
        assert asked.beside(client.describe(), 0.5) is None


def test_a_name_is_one_part_of_a_path():
    assert place("a/../b?c#d", 1) == "/g/a%2F..%2Fb%3Fc%23d/1"


def test_neighbours_end_with_the_stream():
    def ends(start, keep=0, of=0):
        address = augmint.Address("a", 1, "0" * 64, 0, start, (0,), 1.0, keep, of)
        return [one is not None for one in neighbours(address)]

    assert ends(0) == [False, True]
    assert ends(2**48 - 1) == [True, False]
    assert ends(2**48 // 4 - 1, 1, 4) == [True, False]
