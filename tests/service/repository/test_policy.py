import math
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from service.repository.policy import RETRY_LIMIT_SECONDS, RETRY_SECONDS, Attempt, Keep
from service.repository.versions import Identity

KEYS = st.tuples(st.sampled_from("ab"), st.integers(1, 9))
FILES = st.sets(KEYS, max_size=14)


def retiring(name, pinned_at):
    return SimpleNamespace(identity=Identity(name, 1, ""), pinned_at=pinned_at)


def test_the_highest_good_versions_are_wanted_and_what_channels_lead_to():
    files = {("a", 1), ("a", 2), ("a", 3), ("a", 4), ("b", 7)}
    keep = Keep(versions=2)
    assert keep.wanted(files, {}, lambda key: True) == [("a", 4), ("a", 3), ("b", 7)]
    assert keep.wanted(files, {"a": {"stable": 1}}, lambda key: True) == [("a", 4), ("a", 3), ("a", 1), ("b", 7)]
    bad = {("a", 4)}
    assert keep.wanted(files, {}, lambda key: key not in bad) == [("a", 4), ("a", 3), ("a", 2), ("b", 7)]


@given(
    FILES,
    FILES,
    st.dictionaries(st.sampled_from("ab"), st.dictionaries(st.just("x"), st.integers(1, 9))),
    st.integers(1, 4),
)
def test_what_is_wanted_follows_from_the_rules(files, bad, channels, versions):
    wanted = Keep(versions=versions).wanted(files, channels, lambda key: key not in bad)
    for name, version in files:
        better = [key for key in files - bad if key[0] == name and key[1] > version]
        # A version that a channel leads to takes a place like any other.
        assert ((name, version) in wanted) == (len(better) < versions or version in channels.get(name, {}).values())
    assert wanted == sorted(wanted, key=lambda key: (key[0], -key[1]))


def test_files_without_readers_are_dismissed_and_those_beyond_the_bound_the_longest_unnamed_first():
    keep = Keep(retiring=2, retire_seconds=60)
    files = [retiring("a", 50), retiring("a", -math.inf), retiring("a", 90), retiring("a", 70), retiring("b", 30)]
    assert keep.dismissed(files, now=100) == [files[0], files[4], files[1]]
    assert keep.dismissed(files[3:4], now=130) == []
    assert keep.dismissed(files[3:4], now=131) == files[3:4]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 100)), max_size=9), st.integers(0, 3), st.floats(0, 100))
def test_what_stays_was_named_lately_and_is_within_the_bound(files, bound, seconds):
    files = [retiring(*facts) for facts in files]
    gone = Keep(retiring=bound, retire_seconds=seconds).dismissed(files, now=100)
    kept = [file for file in files if not any(file is other for other in gone)]
    assert all(100 - file.pinned_at <= seconds for file in kept)
    for name in "ab":
        mine = [file for file in kept if file.identity.name == name]
        lately = [file for file in files if file.identity.name == name and 100 - file.pinned_at <= seconds]
        assert len(mine) == min(bound, len(lately))


def test_a_file_is_tried_again_when_it_has_changed_and_later_each_time_when_it_could_not_be_fetched():
    attempt = Attempt("one")
    assert attempt.due("two", 0)
    assert not attempt.due("one", 1e9)
    waits = []
    for _ in range(8):
        attempt, last = Attempt("one"), attempt
        attempt.again(100, last)
        waits.append(attempt.wait)
        assert not attempt.due("one", 99 + attempt.wait)
        assert attempt.due("one", 100 + attempt.wait)
    assert waits == [min(RETRY_LIMIT_SECONDS, RETRY_SECONDS * 2**n) for n in range(8)]
    other = Attempt("two")
    other.again(0, attempt)
    assert other.wait == RETRY_SECONDS
