"""Samples to be carried wait in the same queue as those to be made, and pay for what they cost."""

import asyncio

import numpy as np
import pytest

from service import artifact
from service.errors import DeadlineExceeded, Overloaded
from service.scheduling.order import Carry
from tests.fakes import Clock, Engine
from tests.service.scheduling.scenes import order, run, scheduling, settle, started, submit


def carry(n, start=0, target=7):
    content = np.stack([np.arange(start, start + n), np.arange(n) + 1000], axis=1)
    return Carry(
        artifact.Originals(
            content, np.full(n, target, np.int64), np.arange(n, dtype=np.int64) % 3, np.ones(n, np.float32)
        )
    )


async def carried(scheduler, *arguments, **options):
    return await asyncio.wrap_future(scheduler.submit_transform(*arguments, **options))


def test_each_caller_gets_its_own_rows_and_no_batch_is_of_two_sorts():
    async def scene():
        engine = Engine(best_batch=8, lanes=2)
        with scheduling(engine) as (scheduler, queue, _):
            sizes = [1, 2, 3, 7, 8, 9, 64, 100, 5]
            made = [submit(scheduler, queue, order(n, 1000 * k, k), f"c{k % 3}") for k, n in enumerate(sizes)]
            moved = [carried(scheduler, queue, carry(n, 1000 * k + 1, k), f"c{k % 4}") for k, n in enumerate(sizes)]
            answers = await asyncio.gather(*made, *moved)
            for k, (n, samples) in enumerate(zip(sizes, answers[: len(sizes)], strict=True)):
                assert samples.tolist() == [[1000 * k + i, k] for i in range(n)]
            for k, (n, (samples, recognised)) in enumerate(zip(sizes, answers[len(sizes) :], strict=True)):
                assert samples.tolist() == [[1000 + i, k] for i in range(n)]
                assert recognised.tolist() == [i % 3 for i in range(n)]
            for batch in engine.batches:
                assert all(value >= 0 for value in batch) or all(value < 0 for value in batch)
                assert len(batch) <= (4 if batch[0] < 0 else 8)
        assert sorted(engine.learnt) == sorted(-len(b) if b[0] < 0 else len(b) for b in engine.batches)

    run(scene())


def test_the_price_is_that_of_the_work():
    async def scene():
        engine = Engine(best_batch=8, held=True)
        with scheduling(engine, limit=10.0) as (scheduler, queue, registry):
            first = asyncio.create_task(submit(scheduler, queue, order(1), "a"))
            await started(engine)
            second = asyncio.create_task(carried(scheduler, queue, carry(12), "b"))  # as 48 of 8 a second
            await settle()
            assert scheduler.queued_seconds() == pytest.approx(6.0)
            assert scheduler.queued_samples() == 12
            with pytest.raises(Overloaded, match=r"this call adds 5.00 s"):
                await carried(scheduler, queue, carry(10), "c")
            with pytest.raises(DeadlineExceeded, match="n 6 would be ready in"):
                await carried(scheduler, queue, carry(6), "c", seconds_left=2.9)
            offered = registry.get_sample_value(
                "augmint_offered_work_seconds_total", {"generator": "g0", "version": "1"}
            )
            assert offered == pytest.approx(1 / 8 + 6 + 5 + 3)
            engine.free()
            await asyncio.gather(first, second)
            assert scheduler.queued_seconds() == 0

    run(scene())


def test_a_row_of_another_sort_does_not_wait_for_a_bulk_reader_s_pages():
    async def scene():
        engine = Engine(best_batch=8, held=True)
        with scheduling(engine) as (scheduler, queue, _):
            bulk = [asyncio.create_task(submit(scheduler, queue, order(64, 100), "bulk"))]
            await started(engine)
            one = asyncio.create_task(carried(scheduler, queue, carry(1, 5), "one"))
            await settle()
            engine.release(2)
            await one
            assert engine.batches[1] == [-5]
            engine.free()
            await asyncio.gather(*bulk)

    run(scene())


def test_a_batch_that_fails_fails_its_own_requests_only():
    async def scene():
        engine = Engine(best_batch=8, held=True)
        with scheduling(engine) as (scheduler, queue, _):
            first = asyncio.create_task(submit(scheduler, queue, order(1), "a"))
            await started(engine)
            waits = [asyncio.create_task(carried(scheduler, queue, carry(2, 1), name)) for name in "bc"]
            await settle()
            engine.release(1)
            await first
            await started(engine)
            engine.fault = ValueError("broken")
            engine.release(1)
            outcomes = await asyncio.gather(*waits, return_exceptions=True)
            assert all(isinstance(outcome, ValueError) for outcome in outcomes)
            engine.fault = None
            engine.free()
            assert len((await carried(scheduler, queue, carry(3), "d"))[0]) == 3

    run(scene())


def test_what_waits_is_dropped_when_its_deadline_passes_or_its_caller_goes():
    async def scene():
        engine, clock = Engine(best_batch=8, held=True), Clock()
        with scheduling(engine, clock=clock) as (scheduler, queue, _):
            first = asyncio.create_task(submit(scheduler, queue, order(1), "a"))
            await started(engine)
            late = asyncio.create_task(carried(scheduler, queue, carry(4), "b", seconds_left=30.0))
            gone = scheduler.submit_transform(queue, carry(4), "c")
            await settle()
            gone.cancel()
            clock.now += 31
            engine.free()
            await first
            with pytest.raises(DeadlineExceeded, match="while the call was waiting"):
                await late
            assert scheduler.queued_samples() == 0
            assert engine.batches == [[0]]

    run(scene())
