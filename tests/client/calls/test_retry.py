"""client/augmint/calls/retry.py, with a clock moved by hand."""

import pytest

import augmint
from augmint.calls.retry import FIRST_DELAY_S, LONGEST_DELAY_S, Retry
from augmint.calls.steps import Ask, Walk


class Clock:
    def __init__(self):
        self.now = 100.0
        self.waits = []

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.waits.append(seconds)
        self.now += seconds


class Failing:
    """A service that raises the given errors in turn, then answers 42; each call takes `takes` seconds."""

    def __init__(self, clock, *errors, takes=0.0):
        self.clock, self.errors, self.takes, self.left = clock, list(errors), takes, []

    def __call__(self, left):
        self.left.append(left)
        self.clock.now += self.takes
        if self.errors:
            raise self.errors.pop(0)
        return 42


@pytest.fixture
def clock():
    return Clock()


class Driven:
    """Retry, whose steps are performed on the spot: pauses by the clock, calls by a Failing."""

    def __init__(self, clock, uniform=lambda low, high: high):
        self.clock = clock
        self.rules = Retry(connect_timeout_s=5.0, clock=clock, uniform=uniform)

    def run(self, call, timeout):
        walk = Walk(self.rules.steps(lambda left: Ask("generate", None, left), timeout))
        while not walk.done:
            try:
                answer = call(walk.step.seconds) if isinstance(walk.step, Ask) else self.clock.wait(walk.step.seconds)
            except augmint.AugmintError as error:
                walk.failed(error)
            else:
                walk.answered(answer)
        return walk.result


@pytest.fixture
def retry(clock):
    return Driven(clock)


def unavailable():
    return augmint.Unavailable("draining")


def nobody():
    return augmint.Unavailable("no service", connected=False)


def test_passing_failures_are_repeated_with_growing_delays(retry, clock):
    call = Failing(clock, *[unavailable() for _ in range(7)])
    assert retry.run(call, 60.0) == 42
    assert clock.waits[:3] == pytest.approx([FIRST_DELAY_S, 2 * FIRST_DELAY_S, 4 * FIRST_DELAY_S])
    assert max(clock.waits) == LONGEST_DELAY_S


def test_delays_are_spread_over_the_upper_half(clock):
    bounds = []
    spread = Driven(clock, lambda low, high: bounds.append((low, high)) or low)
    spread.run(Failing(clock, unavailable()), 60.0)
    assert bounds == [(FIRST_DELAY_S / 2, FIRST_DELAY_S)]


def test_each_attempt_gets_only_the_time_that_is_left(retry, clock):
    call = Failing(clock, unavailable(), takes=10.0)
    retry.run(call, 60.0)
    assert call.left == pytest.approx([60.0, 50.0 - FIRST_DELAY_S])


def test_pushback_of_the_service_is_honoured(retry, clock):
    retry.run(Failing(clock, augmint.Overloaded("full", retry_after_s=3.0)), 60.0)
    assert 3.0 <= clock.waits[0] <= 3.3 + 1e-9


def test_negative_pushback_means_do_not_ask_again(retry, clock):
    with pytest.raises(augmint.Overloaded, match="full"):
        retry.run(Failing(clock, augmint.Overloaded("full", retry_after_s=-1.0)), 60.0)
    assert clock.waits == []


def test_a_wait_beyond_the_deadline_is_not_begun(retry, clock):
    with pytest.raises(augmint.Overloaded, match="full"):
        retry.run(Failing(clock, augmint.Overloaded("full", retry_after_s=90.0)), 60.0)
    assert clock.now == 100.0


def test_the_last_reason_survives_when_time_runs_out(retry, clock):
    with pytest.raises(augmint.Unavailable, match=r"draining; gave up after \d+ attempts"):
        retry.run(Failing(clock, *[unavailable() for _ in range(1000)]), 60.0)
    assert 150.0 < clock.now <= 160.0


def test_a_deadline_hit_after_failures_tells_of_them(retry, clock):
    with pytest.raises(augmint.DeadlineExceeded, match=r"no answer; before that: draining"):
        retry.run(Failing(clock, unavailable(), augmint.DeadlineExceeded("no answer")), 60.0)


def test_nobody_there_at_first_contact_is_told_soon(retry, clock):
    with pytest.raises(augmint.Unavailable, match="no service"):
        retry.run(Failing(clock, *[nobody() for _ in range(1000)]), 60.0)
    assert clock.now <= 105.0


def test_nobody_there_later_is_a_restart_to_sit_out(retry, clock):
    retry.run(Failing(clock), 60.0)
    assert retry.run(Failing(clock, *[nobody() for _ in range(20)]), 60.0) == 42
    assert clock.now > 110.0


def test_a_service_that_answers_unavailable_was_met(retry, clock):
    assert retry.run(Failing(clock, *[unavailable() for _ in range(20)]), 60.0) == 42
    assert clock.now > 110.0


@pytest.mark.parametrize(
    "error", [augmint.InvalidRequest, augmint.GeneratorNotFound, augmint.DigestMismatch, augmint.ServiceFault]
)
def test_what_repeating_cannot_mend_is_raised_at_once(retry, clock, error):
    call = Failing(clock, error("no"))
    with pytest.raises(error):
        retry.run(call, 60.0)
    assert len(call.left) == 1


def test_closing_ends_the_wait(retry, clock):
    def closed(seconds):
        raise augmint.ClientClosed("closed")

    clock.wait = closed
    with pytest.raises(augmint.ClientClosed):
        retry.run(Failing(clock, unavailable()), 60.0)


def test_no_time_at_all_is_a_deadline(retry, clock):
    with pytest.raises(augmint.DeadlineExceeded):
        retry.run(Failing(clock), 0.0)
