"""What a scheduler refuses at once, and what it finishes nevertheless."""

import asyncio

import pytest

from service.errors import DeadlineExceeded, Draining, Overloaded
from tests.fakes import Clock, Engine
from tests.service.scheduling.scenes import order, run, scheduling, settle, started, submit


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back():
    async def scene():
        engine = Engine(best_batch=8, held=True)
        with scheduling(engine, limit=3) as (scheduler, queue, registry):
            accepted = [asyncio.create_task(submit(scheduler, queue, order(8), "first"))]
            await started(engine)
            accepted += [asyncio.create_task(submit(scheduler, queue, order(8), str(k))) for k in range(3)]
            await settle()
            with pytest.raises(
                Overloaded, match=r"3.00 s of work wait and this call adds 1.00 s; at most 3 s"
            ) as refusal:
                await submit(scheduler, queue, order(8), "late")
            assert refusal.value.retry_after_seconds == pytest.approx(1)
            assert registry.get_sample_value("augmint_refused_total", {"reason": "queue_full"}) == 1
            assert registry.get_sample_value("augmint_queued_work_seconds") == pytest.approx(3)
            offered = {"generator": "g0", "version": "1"}
            assert registry.get_sample_value("augmint_offered_work_seconds_total", offered) == pytest.approx(5)
            engine.free()
            await asyncio.gather(*accepted)

    run(scene())


def test_a_request_larger_than_the_limit_is_welcome_when_nothing_waits():
    async def scene():
        with scheduling(Engine(best_batch=8), limit=1) as (scheduler, queue, _):
            assert len(await submit(scheduler, queue, order(80), "a")) == 80

    run(scene())


def test_a_deadline_that_cannot_be_met_is_refused_before_it_costs_anything():
    async def scene():
        engine = Engine(best_batch=8)
        with scheduling(engine) as (scheduler, queue, _):
            with pytest.raises(
                DeadlineExceeded, match=r"n 80 would be ready in 10.000 s, and the deadline is in 9.900 s"
            ):
                await submit(scheduler, queue, order(80), "a", seconds_left=9.9)
            assert len(await submit(scheduler, queue, order(80), "a", seconds_left=10.1)) == 80

    run(scene())


def test_a_deadline_that_passes_in_the_queue_costs_no_batch():
    async def scene():
        engine, clock = Engine(best_batch=8, held=True), Clock()
        with scheduling(engine, clock=clock) as (scheduler, queue, _):
            first = asyncio.create_task(submit(scheduler, queue, order(8), "a"))
            await started(engine)
            second = asyncio.create_task(submit(scheduler, queue, order(8, 100), "b", seconds_left=3))
            third = asyncio.create_task(submit(scheduler, queue, order(1, 200), "c", seconds_left=30))
            await settle()
            clock.now += 5
            engine.free()
            with pytest.raises(DeadlineExceeded, match="passed while the call was waiting"):
                await second
            await asyncio.gather(first, third)
            assert engine.batches == [list(range(8)), [200]]

    run(scene())


def test_draining_refuses_newcomers_and_finishes_what_was_accepted():
    async def scene():
        engine = Engine(best_batch=8, held=True)
        with scheduling(engine) as (scheduler, queue, _):
            accepted = [asyncio.create_task(submit(scheduler, queue, order(20, 100 * k), str(k))) for k in range(3)]
            await started(engine)
            drained = asyncio.create_task(asyncio.to_thread(scheduler.drain, 20))
            while scheduler.quiet_seconds() == float("inf"):  # it has not begun to refuse
                await asyncio.sleep(0.001)
            with pytest.raises(Draining):
                await submit(scheduler, queue, order(1), "late")
            assert not drained.done()
            engine.free()
            assert await drained
            assert [len(task.result()) for task in accepted] == [20, 20, 20]

    run(scene())
