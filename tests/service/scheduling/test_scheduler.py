import asyncio
import gc
import threading
import time
import weakref

import pytest
from prometheus_client import CollectorRegistry

from service.errors import GeneratorNotReady
from service.metrics import Metrics
from tests.fakes import Engine
from tests.service.scheduling.scenes import order, run, scheduling, settle, started, submit


def test_each_caller_gets_its_own_rows_whatever_shares_the_batches():
    async def scene():
        with scheduling(Engine(best_batch=8, lanes=2)) as (scheduler, queue, _):
            sizes = [1, 2, 3, 7, 8, 9, 64, 100, 5]
            answers = await asyncio.gather(
                *(submit(scheduler, queue, order(n, 1000 * k, k), f"caller{k % 3}") for k, n in enumerate(sizes))
            )
            for k, (n, samples) in enumerate(zip(sizes, answers, strict=True)):
                assert samples.tolist() == [[1000 * k + i, k] for i in range(n)]

    run(scene())


def test_requests_that_come_during_a_batch_share_the_next():
    async def scene():
        engine = Engine(best_batch=8, held=True)
        with scheduling(engine) as (scheduler, queue, _):
            first = asyncio.create_task(submit(scheduler, queue, order(1), "a"))
            await started(engine)
            others = [asyncio.create_task(submit(scheduler, queue, order(2, 10 * k), str(k))) for k in range(1, 5)]
            await settle()
            engine.release(2)
            await asyncio.gather(first, *others)
            assert engine.batches == [[0], [10, 11, 20, 21, 30, 31, 40, 41]]

    run(scene())


def test_a_few_rows_are_left_to_the_lane_that_computes_their_generator():
    async def scene():
        engine, other = Engine(best_batch=8, lanes=2, held=True), Engine(best_batch=8, lanes=2, held=True)
        with scheduling(engine, other) as (scheduler, queue, others, _):
            waits = [asyncio.create_task(submit(scheduler, queue, order(3), "a"))]
            await started(engine)
            waits.append(asyncio.create_task(submit(scheduler, queue, order(1, 10), "b")))
            await settle()
            assert scheduler.queued_samples() == 1  # though a lane is idle
            waits.append(asyncio.create_task(submit(scheduler, others, order(1, 50), "c")))
            await started(other)  # another generator's rows would save nothing by waiting
            other.free()
            await waits.pop()
            waits.append(asyncio.create_task(submit(scheduler, queue, order(1, 20), "b")))
            await started(engine)  # two of eight rows are worth a batch
            engine.free()
            await asyncio.gather(*waits)
            assert sorted(engine.batches) == [[0, 1, 2], [10, 20]]

    run(scene())


def test_a_few_rows_that_were_left_to_a_lane_are_its_next_batch():
    async def scene():
        engine = Engine(best_batch=8, lanes=2, held=True)
        with scheduling(engine) as (scheduler, queue, _):
            first = asyncio.create_task(submit(scheduler, queue, order(3), "a"))
            await started(engine)
            second = asyncio.create_task(submit(scheduler, queue, order(1, 10), "b"))
            await settle()
            engine.release(1)
            await first
            await started(engine)
            engine.release(1)
            await second
            assert engine.batches == [[0, 1, 2], [10]]

    run(scene())


@pytest.mark.parametrize(("seconds_a_row", "thread"), [(1.0, "answers"), (1e-6, "lane-0")])
def test_a_lane_settles_requests_itself_if_that_takes_longer_than_what_waits(seconds_a_row, thread):
    async def scene():
        engine = Engine(best_batch=8, held=True)
        engine.seconds = lambda n: seconds_a_row * n
        with scheduling(engine) as (scheduler, queue, _):
            threads = []

            def noted(start):
                future = scheduler.submit(queue, order(8, start), "a")
                future.add_done_callback(lambda _: threads.append(threading.current_thread().name))
                return asyncio.wrap_future(future)

            first = noted(0)
            await started(engine)
            second = noted(100)
            engine.release()
            await first
            await started(engine)
            engine.release()
            await second
            # While the first was computed the second waited; after that nothing did.
            assert threads == [thread, "lane-0"]

    run(scene())


def test_abandoned_caller_leaves_its_neighbours_unharmed():
    async def scene():
        engine = Engine(best_batch=8, held=True)
        with scheduling(engine) as (scheduler, queue, registry):
            leaver = asyncio.create_task(submit(scheduler, queue, order(20), "leaver"))
            await started(engine)
            stayer = asyncio.create_task(submit(scheduler, queue, order(4, 100), "stayer"))
            await settle()
            leaver.cancel()  # in the middle of its first batch
            await settle()
            engine.free()
            assert (await stayer)[:, 0].tolist() == [100, 101, 102, 103]
            assert leaver.cancelled()
            assert engine.batches == [list(range(8)), [100, 101, 102, 103]]  # the rest was never computed
            assert scheduler.queued_samples() == 0
            assert registry.get_sample_value("augmint_cancelled_total", {"generator": "g0", "version": "1"}) == 1

    run(scene())


def test_a_failing_batch_fails_its_callers_and_nobody_else():
    async def scene():
        engine = Engine(best_batch=8, held=True)
        with scheduling(engine) as (scheduler, queue, _):
            engine.fault = RuntimeError("broken")
            unlucky = [asyncio.create_task(submit(scheduler, queue, order(n), str(n))) for n in (3, 20)]
            await started(engine)
            await settle()
            engine.free()
            for result in await asyncio.gather(*unlucky, return_exceptions=True):
                assert isinstance(result, RuntimeError)
            engine.fault = None
            assert len(await submit(scheduler, queue, order(5), "lucky")) == 5
            assert scheduler.queued_samples() == 0

    run(scene())


def test_two_generators_share_the_device_in_seconds():
    async def scene():
        fast, slow = Engine(best_batch=8, held=True), Engine(best_batch=2, held=True)
        with scheduling(fast, slow, limit=1000) as (scheduler, first, second, _):
            tasks = [
                asyncio.create_task(submit(scheduler, first, order(800), "a")),
                asyncio.create_task(submit(scheduler, second, order(200), "a")),
            ]
            await settle()
            for _ in range(40):
                fast.release()
                slow.release()
            await started(fast, 20)
            await started(slow, 20)
            assert abs(len(fast.batches) - len(slow.batches)) <= 2
            fast.free()
            slow.free()
            assert [len(samples) for samples in await asyncio.gather(*tasks)] == [800, 200]

    run(scene())


def test_a_removed_generator_answers_what_it_accepted_then_closes_its_engine():
    async def scene():
        old, new = Engine(best_batch=8, held=True), Engine(best_batch=8)
        with scheduling(old, new) as (scheduler, first, second, _):
            accepted = [asyncio.create_task(submit(scheduler, first, order(20, 100 * k), str(k))) for k in range(3)]
            await started(old)
            scheduler.remove(first)
            with pytest.raises(GeneratorNotReady, match="just been replaced"):
                await submit(scheduler, first, order(1), "late")
            assert not old.closed
            old.free()
            for k, samples in enumerate(await asyncio.gather(*accepted)):
                assert samples[:, 0].tolist() == list(range(100 * k, 100 * k + 20))
            while not old.closed:
                await asyncio.sleep(0.001)
            assert len(await submit(scheduler, second, order(5), "a")) == 5
            scheduler.remove(second)
            while not new.closed:  # idle, but for the lane's last lines after its answer
                await asyncio.sleep(0.001)

    run(scene())


def test_a_removed_generator_closes_when_its_last_caller_leaves():
    async def scene():
        engine = Engine(best_batch=8, held=True)
        with scheduling(engine) as (scheduler, queue, _):
            running = asyncio.create_task(submit(scheduler, queue, order(8), "a"))
            await started(engine)
            waiting = asyncio.create_task(submit(scheduler, queue, order(8), "b"))
            await settle()
            scheduler.remove(queue)
            waiting.cancel()
            engine.free()
            assert len(await running) == 8
            while not engine.closed:
                await asyncio.sleep(0.001)

    run(scene())


def test_who_has_the_device_alone_waits_for_the_running_batches_and_holds_the_next():
    async def scene():
        engine = Engine(best_batch=8, lanes=2, held=True)
        with scheduling(engine) as (scheduler, queue, _):
            calls = [asyncio.create_task(submit(scheduler, queue, order(8, k * 8), str(k))) for k in range(4)]
            await started(engine, 2)
            entered, leave = threading.Event(), threading.Event()

            def measure():
                with scheduler.alone():
                    entered.set()
                    assert leave.wait(60)

            alone = asyncio.create_task(asyncio.to_thread(measure))
            while not scheduler.held:
                await asyncio.sleep(0.001)
            engine.release()
            await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            assert not entered.is_set()  # one lane is still at work
            engine.free()
            assert await asyncio.to_thread(entered.wait, 20)
            assert len(engine.batches) == 2
            leave.set()
            await alone
            await asyncio.gather(*calls)
            assert len(engine.batches) == 4

    run(scene())


def test_what_was_computed_can_be_looked_at_after_it_was_answered():
    async def scene():
        seen = []
        with scheduling(Engine(best_batch=8)) as (scheduler, _, _):
            queue = scheduler.add(
                Engine(best_batch=8),
                Metrics(CollectorRegistry()).meters("looked-at", 1, "cpu"),
                lambda rows, samples: seen.append((rows.index.tolist(), samples[:, 0].tolist())),
            )
            await submit(scheduler, queue, order(12), "a")
            while len(seen) < 2:
                await asyncio.sleep(0.001)
            assert seen == [(indices, indices) for indices in (list(range(8)), list(range(8, 12)))]

    run(scene())


def test_a_lane_that_waits_holds_neither_answers_nor_an_engine_that_is_closed():
    with scheduling(Engine()) as (scheduler, _, _):
        gc.disable()  # nothing may wait for it
        try:
            engine = Engine()
            queue = scheduler.add(engine, Metrics(CollectorRegistry()).meters("leaves", 1, "cpu"))
            answer = scheduler.submit(queue, order(12), "a").result(60)
            scheduler.remove(queue)
            held = [weakref.ref(answer), weakref.ref(engine)]
            del answer, engine, queue
            end = time.monotonic() + 60
            while any(each() is not None for each in held) and time.monotonic() < end:
                time.sleep(0.001)
            assert [each() for each in held] == [None, None]
        finally:
            gc.enable()
