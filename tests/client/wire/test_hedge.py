"""client/augmint/wire/hedge.py, and the second calls that it allows."""

import asyncio
import threading
import time

import numpy as np
import pytest

import augmint
from augmint.wire.hedge import MOST, SHARE, Ration
from tests.client.fakes import FakeService, served


def test_a_tenth_of_the_calls_may_be_repeated_early():
    ration = Ration()
    assert ration.take()
    assert not ration.take()
    for _ in range(round(1 / SHARE) + 1):
        ration.earn()
    assert ration.take()
    assert not ration.take()
    for _ in range(10_000):
        ration.earn()
    assert sum(ration.take() for _ in range(100)) == MOST


def test_a_second_call_that_was_worth_it_is_given_back():
    ration = Ration(2.0, 2.0)
    assert ration.take()
    assert ration.take()
    assert not ration.left
    ration.refund(1)
    assert ration.left
    ration.refund(5)
    assert sum(ration.take() for _ in range(100)) == 2  # no more than may be saved


class Stuck(FakeService):
    """Holds the first call of each index until somebody asks again."""

    def __init__(self):
        super().__init__()
        self.second = threading.Event()
        self.seen = []

    def generate(self, request, timeout):
        self.seen.append(request)
        if len(self.seen) == 1:
            self.second.wait(60)
        else:
            self.second.set()
        return super().generate(request, timeout)


def draw_blocking(target, **settings):
    with augmint.Client(target, **settings) as client:
        return client.generate("bag", 5, seed=7)


def draw_async(target, **settings):
    async def draw():
        async with augmint.AsyncClient(target, **settings) as client:
            return await client.generate("bag", 5, seed=7)

    return asyncio.run(draw())


@pytest.mark.parametrize("draw", [draw_blocking, draw_async])
def test_a_late_page_is_asked_for_again_and_the_first_answer_counts(draw):
    fake = Stuck()
    with served(fake) as target:
        samples = draw(target, hedge_after=0.05)
    assert np.array_equal(samples.array, fake.expected(7, np.arange(5), np.ones(5)))
    assert len(fake.seen) == 2
    assert fake.seen[0] == fake.seen[1]


@pytest.mark.parametrize("draw", [draw_blocking, draw_async])
def test_an_answer_in_time_is_asked_for_once(draw):
    fake = FakeService()
    with served(fake) as target:
        draw(target, hedge_after=30)
    assert len(fake.requests) == 1


@pytest.mark.parametrize("draw", [draw_blocking, draw_async])
def test_a_fault_of_both_is_the_typed_error(draw):
    fake = FakeService()
    fake.gate.clear()
    fake.faults = [augmint.ServiceFault("broken")] * 2

    def both_there():
        end = time.monotonic() + 60
        while len(fake.requests) < 2 and time.monotonic() < end:
            time.sleep(0.005)
        fake.gate.set()

    threading.Thread(target=both_there).start()
    with served(fake) as target, pytest.raises(augmint.ServiceFault, match="broken"):
        draw(target, hedge_after=0.05)
    assert len(fake.requests) == 2


@pytest.mark.parametrize("draw", [draw_blocking, draw_async])
def test_a_failure_in_passing_is_repeated_as_ever(draw):
    fake = FakeService()
    fake.faults = [augmint.Unavailable("killed"), augmint.Overloaded("full", 0.01)]
    with served(fake) as target:
        assert len(draw(target, hedge_after=30)) == 5


@pytest.mark.parametrize("draw", [draw_blocking, draw_async])
def test_both_calls_end_with_the_deadline(draw):
    fake = FakeService()
    with served(fake) as target:
        fake.gate.clear()
        with pytest.raises(augmint.DeadlineExceeded):
            draw(target, hedge_after=0.05, timeout=0.5)
        fake.gate.set()
