"""client/augmint/reading/prefetch.py"""

import os
import threading

import pytest

import augmint
from augmint.reading.prefetch import PATIENCE, THREADS, Distance, Meter, Prefetch


class Clock:
    """Moved by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def prefetch():
    """Makes Prefetch objects and closes them."""
    made = []

    def make(*arguments, **options):
        made.append(Prefetch(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_results_come_in_order_however_long_each_takes(prefetch):
    events = [threading.Event() for _ in range(20)]

    def fetch(number):
        if number % 2:
            assert events[number].wait(60)
        else:
            events[min(number + 1, 19)].set()  # an odd one ends after the even one before it has begun
        return number * 10

    assert list(prefetch(iter(range(20)), fetch, limit=8)) == [number * 10 for number in range(20)]


def test_fetching_goes_on_while_the_consumer_works(prefetch):
    begun = [threading.Event() for _ in range(10)]
    ahead = prefetch(iter(range(10)), lambda number: begun[number].set(), limit=8)
    next(ahead)
    assert begun[2].wait(60)  # nobody asked for these yet
    assert not begun[5].is_set()  # but not without end


def test_no_more_is_held_than_allowed(prefetch):
    begun = []
    ahead = prefetch(iter(range(100)), begun.append, limit=3)
    for taken in range(1, 50):
        next(ahead)
        assert len(begun) <= taken + 3


def test_an_error_comes_where_its_result_would_have_come(prefetch):
    def fetch(number):
        if number == 3:
            raise augmint.Unavailable("gone")
        return number

    ahead = prefetch(iter(range(10)), fetch, limit=8)
    assert [next(ahead) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(augmint.Unavailable, match="gone"):
        next(ahead)


def test_after_closing_no_thread_is_left(prefetch):
    before = set(threading.enumerate())
    ahead = prefetch(iter(range(1000)), lambda number: number, limit=8)
    for _ in range(20):
        next(ahead)
    started = set(threading.enumerate()) - before
    assert 1 <= len(started) <= THREADS
    ahead.close()
    for thread in started:
        thread.join(60)
        assert not thread.is_alive()
    assert list(ahead) == []


def test_a_forked_child_is_told_to_make_its_own(prefetch, monkeypatch):
    ahead = prefetch(iter(range(10)), lambda number: number, limit=8)
    next(ahead)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(augmint.InvalidRequest, match="begun before a fork"):
        next(ahead)


def test_a_consumer_that_waits_gets_more_ahead_up_to_the_limit():
    distance = Distance(20)
    seen = [distance.value]
    for _ in range(8):
        distance.observe(waited=True, ready=0)
        seen.append(distance.value)
    assert seen == [2, 3, 4, 6, 9, 13, 19, 20, 20]


def test_what_always_lies_idle_is_given_up_slowly():
    distance = Distance(20)
    for _ in range(5):
        distance.observe(waited=True, ready=0)
    assert distance.value == 13
    for _ in range(PATIENCE):
        distance.observe(waited=False, ready=12)
    assert distance.value == 12
    for _ in range(100 * PATIENCE):
        distance.observe(waited=False, ready=distance.value - 1)
    assert distance.value == 2


def test_a_distance_that_is_used_now_and_then_is_kept():
    distance = Distance(20)
    for _ in range(3):
        distance.observe(waited=True, ready=0)
    for take in range(10 * PATIENCE):
        distance.observe(waited=False, ready=1 if take % PATIENCE == 7 else 5)
    assert distance.value == 6


def test_a_late_result_widens_the_distance(prefetch):
    """Every fetch ends only after the consumer has begun to wait for it."""
    waited_for = [threading.Event() for _ in range(100)]
    now, calls = [0], [0]

    def clock():
        time = now[0]
        if calls[0] % 2 == 0:  # the first of two looks at the clock per take
            waited_for[calls[0] // 2].set()
        calls[0] += 1
        return time

    def fetch(number):
        assert waited_for[number].wait(60)
        now[0] += 1

    ahead = prefetch(iter(range(100)), fetch, limit=8, clock=clock)
    for _ in range(3):
        next(ahead)
    assert ahead.distance.value == 4
    for event in waited_for:
        event.set()


def test_the_stall_share_is_waiting_over_all_time_after_the_first_batch():
    clock = Clock()
    meter = Meter(clock)
    for _ in range(2):  # two passes
        meter.begin()
        for wait in (5, 1, 1, 2):
            with meter.waiting():
                clock.now += wait
            meter.delivered(16)
            clock.now += 3  # the training step
        clock.now += 1000  # between the passes: validation, say
    stats = meter.stats()
    assert (stats.batches, stats.samples) == (8, 128)
    assert stats.startup_seconds == 10
    assert stats.waited_seconds == 8
    assert stats.seconds == 8 + 2 * 9
    assert stats.stall_share == pytest.approx(8 / 26)


def test_before_anything_happened_nobody_waited():
    assert Meter().stats().stall_share == 0
