"""A scheduler over fake engines, and callers that come when a test wants them to."""

import asyncio
from contextlib import contextmanager

import numpy as np
from prometheus_client import CollectorRegistry

from service.metrics import Metrics
from service.scheduling.order import Order
from service.scheduling.scheduler import Scheduler
from tests.fakes import Clock


@contextmanager
def scheduling(*engines, limit=100.0, clock=None):
    """A scheduler, a queue for each engine, and the registry of its metrics."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    scheduler = Scheduler(engines[0].lanes, limit, metrics, clock or Clock())
    try:
        yield scheduler, *(scheduler.add(e, metrics.meters(f"g{i}", 1, "cpu")) for i, e in enumerate(engines)), registry
    finally:
        for engine in engines:
            engine.free()
        scheduler.close()


async def submit(scheduler, *order, **options):
    return await asyncio.wrap_future(scheduler.submit(*order, **options))


def order(n, start=0, label=0):
    return Order(np.full(n, label, np.int64), 7, start, 1.0)


async def started(engine, batches=1):
    for _ in range(batches):
        assert await asyncio.to_thread(engine.started.acquire, timeout=60)


async def settle():
    """Let tasks that were just created get as far as they can."""
    for _ in range(5):
        await asyncio.sleep(0)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 120))
