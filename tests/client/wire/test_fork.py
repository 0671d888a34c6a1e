"""What a fork does to calls, without a fork: the hooks are called by hand."""

import threading

import pytest

from augmint.wire import fork
from augmint.wire.fork import Calls


@pytest.fixture
def calls():
    return Calls()


@pytest.fixture
def threads():
    """Start functions in threads, which have ended when the test ends."""
    started = []

    def start(*functions):
        for function in functions:
            started.append(threading.Thread(target=function))
            started[-1].start()

    yield start
    for thread in started:
        thread.join(60)
        assert not thread.is_alive()


def test_a_fork_waits_for_the_call_under_way_and_the_next_call_for_the_fork(calls, threads):
    events, inside, answered, waits, forked = [], *(threading.Event() for _ in range(4))

    def call():
        with calls:
            inside.set()
            assert answered.wait(60)
            events.append("answered")

    def fork():
        assert inside.wait(60)
        waits.set()
        calls.before_fork()
        events.append("forked")
        forked.set()
        calls.after_fork()

    def late():
        assert forked.wait(60)
        with calls:
            events.append("late")

    threads(call, fork, late)
    assert waits.wait(60)
    assert not forked.wait(0.05)
    answered.set()
    assert forked.wait(60)
    while len(events) < 3:
        pass
    assert events == ["answered", "forked", "late"]
    assert calls.under_way == 0


def test_a_fork_does_not_wait_for_ever(calls, threads, monkeypatch):
    monkeypatch.setattr(fork, "PATIENCE_S", 0.01)
    inside, answered = threading.Event(), threading.Event()

    def call():
        with calls:
            inside.set()
            assert answered.wait(60)

    threads(call)
    assert inside.wait(60)
    calls.before_fork()
    assert calls.under_way == 1
    calls.after_fork()
    answered.set()


def test_a_child_begins_with_no_calls(calls, monkeypatch):
    monkeypatch.setattr(fork, "PATIENCE_S", 0.01)
    calls.__enter__()  # in a thread that the child does not have
    calls.before_fork()
    calls.after_fork_in_child()
    assert calls.under_way == 0
    with calls:
        assert calls.under_way == 1


def test_a_call_that_fails_is_over(calls):
    with pytest.raises(ValueError, match="refused"), calls:
        raise ValueError("refused")
    assert calls.under_way == 0
