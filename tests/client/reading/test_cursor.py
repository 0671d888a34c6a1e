"""client/augmint/reading/cursor.py: whatever loops do, a pass is a pass, and a state is gone on with exactly."""

import itertools
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmint.errors import InvalidRequest
from augmint.reading.cursor import StreamCursor
from augmint.reading.partition import shares

LENGTH = 21


def source(limit=2**48):
    identity = {"seed": 7, "version": 1, "digest": "0"}
    return SimpleNamespace(seed=7, limit=limit, identity=lambda: identity, pin=lambda version, digest: None)


def stream(length=LENGTH, limit=2**48):
    return StreamCursor("a stream", source(limit), length, seed_given=True)


class Reader:
    """A loader in small: `loop` gives batches, as position of the first and behind the last of all ranks."""

    def __init__(self, batch_size, ranks, length=LENGTH):
        self.cursor, self._batch_size, self._ranks = stream(length), batch_size, ranks

    def loop(self):
        self.cursor.begin()
        return self._batches()

    def _batches(self):
        reading = self.cursor.enter(self._ranks)
        at = reading.first
        for share in shares(reading.first, reading.end, self._batch_size, 0, self._ranks):
            reading.delivered(share.after)
            yield at, share.after
            at = share.after
        reading.finished()


sizes = {"batch_size": st.integers(1, 9), "ranks": st.integers(1, 4)}


@given(
    loops=st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=12),
    iterators=st.integers(0, 2),
    **sizes,
)
def test_loops_of_any_length_read_passes_one_after_the_other_and_states_go_on_exactly(
    loops, iterators, batch_size, ranks
):
    reader, number = Reader(batch_size, ranks), 0
    for take, resume in loops:
        for _ in range(iterators):
            reader.loop()  # asked for, and not used
        taken = list(itertools.islice(reader.loop(), take))
        if not taken:
            continue
        assert taken[0][0] == number * LENGTH
        assert all(before[1] == after[0] for before, after in itertools.pairwise(taken))
        state, number = reader.cursor.state(), number + 1
        if not resume:
            continue
        other = Reader(batch_size, ranks)
        other.cursor.load_state(state)
        assert other.cursor.state() == state
        rest = list(other.loop())
        over = taken[-1][1] == number * LENGTH
        assert rest, "a pass without batches"
        assert rest[0][0] == taken[-1][1]
        assert rest[-1][1] == (number + over) * LENGTH
        reader.cursor = other.cursor
        number += over


@given(takes=st.lists(st.integers(1, 6), min_size=1, max_size=8), **sizes)
def test_without_a_length_nothing_comes_twice_and_nothing_is_left_out(takes, batch_size, ranks):
    reader, read = Reader(batch_size, ranks, None), []
    for take in takes:
        reader.cursor.go_to(0)
        read += list(itertools.islice(reader.loop(), take))
    assert read == [(step * batch_size * ranks, (step + 1) * batch_size * ranks) for step in range(sum(takes))]


def test_the_loop_that_began_last_says_where_the_state_is():
    reader = Reader(5, 1)
    outer, inner = reader.loop(), reader.loop()
    assert (next(outer), next(inner)) == ((0, 5), (21, 26))
    assert next(outer) == (5, 10)
    assert reader.cursor.position == 26
    reader.cursor.load_state(reader.cursor.state())
    next(inner)  # of before the state was loaded
    assert reader.cursor.position == 26
    assert next(reader.loop()) == (26, 31)


def test_a_state_within_a_pass_survives_its_own_epoch_and_no_other():
    reader = Reader(5, 1)
    reader.cursor.go_to(2)
    next(reader.loop())
    state = reader.cursor.state()
    for epoch, first in ((2, 47), (3, 63)):
        reader.cursor.load_state(state)
        reader.cursor.go_to(epoch)
        assert next(reader.loop())[0] == first
    reader.cursor.load_state(state)
    with pytest.warns(UserWarning, match=r"goes back to epoch 0, though a state in epoch 2 was loaded"):
        reader.cursor.go_to(0)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"position": -1}, "position is -1"),
        ({"position": 2.5}, "position is 2.5"),
        ({"seed": None}, "seed is None"),
        ({"length": 20}, "of a stream with length 20; this one has 21"),
        ({"end": 3}, r"end is 3; it must be a whole number in \[5"),
    ],
)
def test_a_state_that_cannot_be_is_refused_and_changes_nothing(change, named):
    reader = Reader(5, 1)
    next(reader.loop())
    state = reader.cursor.state()
    with pytest.raises(InvalidRequest, match=named):
        reader.cursor.load_state({**state, **change})
    with pytest.raises(InvalidRequest, match="no state of a stream: it lacks"):
        reader.cursor.load_state(None)
    assert reader.cursor.state() == state


def test_passes_that_there_are_not_are_refused():
    cursor = stream(limit=50)
    cursor.go_to(1)
    with pytest.raises(InvalidRequest, match="ends before this pass would"):
        cursor.go_to(2)
    assert cursor.number == 1
    with pytest.raises(InvalidRequest, match="a pass of 21 samples has none for some of the 22 ranks"):
        cursor.enter(22)
    with pytest.raises(InvalidRequest, match="length is 51"):
        stream(51, limit=50)
