"""client/augmint/async_client.py, over a real socket: the same answers as the blocking client gives."""

import asyncio
import inspect
import threading

import numpy as np
import pytest

import augmint
from tests.client.fakes import Cancelled


def run(scene, target, **settings):
    async def whole():
        async with augmint.AsyncClient(target, **settings) as client:
            return await scene(client)

    return asyncio.run(asyncio.wait_for(whole(), 60))


def test_it_offers_what_the_blocking_client_offers():
    def signatures(kind):
        members = inspect.getmembers(kind, inspect.isfunction)
        return {name: str(inspect.signature(member)) for name, member in members if not name.startswith("_")}

    assert signatures(augmint.AsyncClient) == signatures(augmint.Client)
    first, second = (inspect.signature(kind).parameters for kind in (augmint.Client, augmint.AsyncClient))
    assert list(first) == list(second)
    assert {name: one.default for name, one in first.items()} == {name: one.default for name, one in second.items()}


def test_the_answers_are_those_of_the_blocking_client(target):
    async def scene(client):
        return [
            await client.generate(classes=["coat", "3", "bag"] * 9, seed=7, start_index=3, truncation=0.7),
            await client.fetch([9, 3, 2**48 - 1], [0, 1, 2], seed=9),
            await client.generate("3", 20, seed=7, keep=2, of=4),
            (await client.describe("fake")).labels,
            await client.generators(),
        ]

    found = run(scene, target)
    with augmint.Client(target) as client:
        wanted = [
            client.generate(classes=["coat", "3", "bag"] * 9, seed=7, start_index=3, truncation=0.7),
            client.fetch([9, 3, 2**48 - 1], [0, 1, 2], seed=9),
            client.generate("3", 20, seed=7, keep=2, of=4),
        ]
        assert found[3:] == [client.describe("fake").labels, client.generators()]
    for one, other in zip(found[:3], wanted, strict=True):
        assert np.array_equal(one.array, other.array)
        assert one.addresses == other.addresses


def test_replay_gives_the_same_bytes(target):
    async def scene(client):
        samples = await client.generate("bag", 30)
        return samples, await client.replay(str(samples.address))

    samples, again = run(scene, target)
    assert np.array_equal(samples.array, again.array)


def test_pages_in_flight_are_bounded_for_the_whole_client(fake, target):
    async def scene(client):
        await client.describe()
        fake.gate.clear()
        tasks = [asyncio.create_task(client.generate("bag", 40, seed=seed)) for seed in range(3)]
        while fake.in_flight < 3:
            await asyncio.sleep(0.001)
        fake.gate.set()
        return await asyncio.gather(*tasks)

    found = run(scene, target, pages_in_flight=3)
    assert fake.most_in_flight == 3
    for seed, samples in enumerate(found):
        assert np.array_equal(samples.array, fake.expected(seed, np.arange(40), np.ones(40)))


def test_failures_in_passing_are_repeated(fake, target):
    async def scene(client):
        fake.faults = [None, augmint.Unavailable("killed"), augmint.Overloaded("full", 0.01), Cancelled("stopping")]
        return await client.generate("bag", 30, seed=7)

    samples = run(scene, target)
    assert np.array_equal(samples.array, fake.expected(7, np.arange(30), np.ones(30)))


def test_the_first_error_ends_the_call(fake, target):
    async def scene(client):
        await client.describe()
        before = asyncio.all_tasks()
        fake.faults = [None, augmint.ServiceFault("broken")]
        with pytest.raises(augmint.ServiceFault, match="broken"):
            await client.generate("bag", 64)
        assert asyncio.all_tasks() == before
        return await client.generate("bag", 8, seed=7)  # and the client goes on

    assert len(run(scene, target)) == 8


def test_a_version_change_between_pages_never_mixes_two_files(fake, target):
    answer, lock, calls = fake.generate, threading.Lock(), [0]

    def generate(request, timeout):
        with lock:
            calls[0] += 1
            if calls[0] == 4:
                fake.version = 2
        return answer(request, timeout)

    async def scene(client):
        await client.describe()
        fake.generate = generate
        return await client.generate("bag", 64, seed=7)

    samples = run(scene, target)
    assert np.array_equal(samples.array, fake.expected(7, np.arange(64), np.ones(64), version=2))


def test_a_cancelled_task_stays_cancelled_and_leaves_none_behind(fake, target):
    async def scene(client):
        await client.describe()
        before = asyncio.all_tasks()
        fake.gate.clear()
        task = asyncio.create_task(client.generate("bag", 40))
        while not fake.in_flight:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == before
        fake.gate.set()
        return await client.generate("bag", 8)

    assert len(run(scene, target)) == 8


def test_closing_ends_calls_in_progress_and_later_ones(fake, target):
    async def scene(client):
        await client.describe()
        fake.gate.clear()
        tasks = [asyncio.create_task(client.generate("bag", n)) for n in (1, 40)]
        while fake.in_flight < 2:
            await asyncio.sleep(0.001)
        await client.close()
        fake.gate.set()
        for task in tasks:
            with pytest.raises(augmint.ClientClosed):
                await task
        with pytest.raises(augmint.ClientClosed):
            await client.generate("bag")

    run(scene, target)
