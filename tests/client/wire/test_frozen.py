"""A replica that stops answering and keeps its connections (a paused machine, a driver that hangs) costs seconds.

Replicas are processes of their own: one is stopped by SIGSTOP, the other stays. What waits for the clock here waits for
the patience of the client alone, and never for its timeout, which is far beyond.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import augmint
from augmint.arrays import ArrayStream
from augmint.export import export
from augmint.torch import SyntheticStream
from augmint.wire.channel import Channel
from augmint.wire.transport import GrpcTransport
from tests.client.fakes import FakeService, served

# Longer than any test may take: who waits for it, fails.
TIMEOUT = 600.0


class Replica:
    """The fake service in a process of its own."""

    def __init__(self):
        command = [sys.executable, "-m", "tests.client.fakes"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.target = self.process.stdout.readline().strip()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def two():
    started = [Replica(), Replica()]
    yield started
    for one in started:
        one.end()


@pytest.fixture
def replicas(two):
    yield two
    for one in two:
        one.thaw()


@pytest.fixture
def target(replicas):
    return "ipv4:" + ",".join(one.target for one in replicas)


@pytest.fixture(params=[None, 0.2], ids=["plain", "hedged"])
def client(request, target):
    with augmint.Client(target, timeout=TIMEOUT, hedge_after=request.param) as client:
        yield client


def connect(client, replicas):
    """Its connection is to the first one, as the other says nothing while it is begun.

    gRPC would take the other one if the first needed longer than a quarter of a second, and its end would harm nobody.
    """
    replicas[1].freeze()
    client.generate("bag", 8)
    replicas[1].thaw()


def expected(start, n, seed=7):
    indices = np.arange(start, start + n)
    return FakeService().expected(seed, indices, indices % 4)


def frozen_after(some, replica, pages):
    """Pass the first so many on, then freeze the replica and pass on the rest."""
    for number, one in enumerate(pages):
        if number == some:
            replica.freeze()
        yield one


def test_a_stream_goes_on_with_the_other_replica_and_loses_and_repeats_nothing(client, replicas):
    stream = SyntheticStream(client, batch_size=8, length=400, seed=7, transform=None)
    batches = [images.numpy() for images, _ in frozen_after(10, replicas[0], stream)]
    assert np.array_equal(np.concatenate(batches), expected(0, 400).transpose(0, 3, 1, 2))


def test_workers_go_on_with_the_other_replica(client, replicas):
    stream = SyntheticStream(client, batch_size=8, length=400, seed=7, transform=None)
    loader = stream.loader(num_workers=2, multiprocessing_context="fork")
    batches = [images.numpy() for images, _ in frozen_after(10, replicas[0], loader)]
    assert np.array_equal(np.concatenate(batches), expected(0, 400).transpose(0, 3, 1, 2))


def test_arrays_go_on_with_the_other_replica(client, replicas):
    with ArrayStream(client, batch_size=8, length=400, seed=7) as stream:
        batches = [images for images, _ in frozen_after(10, replicas[1], stream)]
    assert np.array_equal(np.concatenate(batches), expected(0, 400))


def test_a_call_of_many_pages_goes_on_with_the_other_replica(client, replicas):
    connect(client, replicas)
    replicas[0].freeze()
    samples = client.generate(classes=np.arange(500) % 4, seed=7)
    assert np.array_equal(samples.array, expected(0, 500))


def test_descriptions_come_from_the_other_replica(client, replicas):
    connect(client, replicas)
    replicas[0].freeze()
    assert [client.describe().name for _ in range(6)] == ["fake"] * 6
    assert client.generators()


def test_an_export_goes_on_with_the_other_replica(client, replicas, tmp_path):
    connect(client, replicas)
    replicas[0].freeze()
    done = export(client, tmp_path, n=300, seed=7, format="npz")
    with np.load(tmp_path / done.files[0]) as file:
        assert np.array_equal(file["array"], expected(0, 300))


@pytest.mark.parametrize("hedge_after", [None, 0.2])
def test_asyncio_goes_on_with_the_other_replica(target, replicas, hedge_after):
    async def draw():
        async with augmint.AsyncClient(target, timeout=TIMEOUT, hedge_after=hedge_after) as client:
            await client.generate("bag", 8)
            replicas[0].freeze()
            pages = [client.generate(classes=np.arange(64) % 4, seed=7, start_index=64 * one) for one in range(6)]
            return [samples.array for samples in await asyncio.gather(*pages)]

    assert np.array_equal(np.concatenate(asyncio.run(draw())), expected(0, 384))


def test_calls_after_the_first_are_not_sent_to_it_again(target, replicas):
    """One connection is replaced, once: the second call and all after it find a replica that lives at once."""
    transport = GrpcTransport(Channel(target))
    with augmint.Client(transport=transport, timeout=TIMEOUT) as client:
        connect(client, replicas)
        replicas[0].freeze()
        lines = transport._lines.get()
        first = lines._current
        while lines._current is first:
            client.generate("bag", 8)
        second, saved = lines._current, lines.rescues._saved
        for _ in range(40):
            client.generate("bag", 8)
        assert lines._current is second
        assert lines._all == {second}  # the old one is closed
        assert lines.rescues._saved >= saved


@pytest.mark.parametrize("asked", ["before", "while"])
def test_a_single_replica_that_comes_back_is_gone_on_with(replicas, asked):
    """Also when the connection itself is begun while nobody accepts it."""
    with augmint.Client(replicas[0].target, timeout=TIMEOUT) as client:
        if asked == "before":
            client.generate("bag", 8)
        replicas[0].freeze()
        timer = threading.Timer(2.5, replicas[0].thaw)  # longer than the patience of one call
        timer.start()
        samples = client.generate(classes=np.arange(64) % 4, seed=7)
        timer.join()
    assert np.array_equal(samples.array, expected(0, 64))


def test_nobody_behind_an_open_port_is_a_sentence(replicas):
    """The kernel accepts, and nobody speaks HTTP/2."""
    replicas[0].freeze()
    with (
        augmint.Client(replicas[0].target, connect_timeout=1) as client,
        pytest.raises(augmint.Unavailable, match=f"no service at {replicas[0].target}"),
    ):
        client.describe()


def test_the_whole_time_is_the_users(replicas):
    with augmint.Client(replicas[0].target) as client:
        client.describe()
        replicas[0].freeze()
        with pytest.raises((augmint.DeadlineExceeded, augmint.Unavailable)):
            client.generate("bag", 8, timeout=3)


class Slow(FakeService):
    """Answers every page after so many seconds, one after the other; says what it was asked."""

    def __init__(self, seconds):
        super().__init__()
        self._seconds = seconds
        self._one = threading.Lock()

    def generate(self, request, timeout):
        end = time.monotonic() + timeout
        with self._one:
            if time.monotonic() < end:  # else its caller has gone, as the service sees, too
                time.sleep(self._seconds)
        return super().generate(request, timeout)


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_a_slow_and_healthy_service_is_not_asked_again_and_again(kind):
    """Pages take longer than the shortest patience: the first may be asked for twice, later ones are waited for."""
    fake = Slow(2.0)
    with served(fake) as target:
        if kind == "blocking":
            with augmint.Client(target, timeout=TIMEOUT, pages_in_flight=1) as client:
                array = client.generate(classes=np.arange(32) % 4, seed=7).array
        else:

            async def draw():
                async with augmint.AsyncClient(target, timeout=TIMEOUT, pages_in_flight=1) as client:
                    return (await client.generate(classes=np.arange(32) % 4, seed=7)).array

            array = asyncio.run(draw())
    assert np.array_equal(array, expected(0, 32))
    assert len(fake.requests) <= 4 + 2  # 4 pages


class Busy(FakeService):
    """Refuses, as the service does, what would not be ready before its deadline."""

    def generate(self, request, timeout):
        if timeout < 60:
            self.requests.append(request)
            raise augmint.DeadlineExceeded(f"n 8 would be ready in 60 s, and the deadline is in {timeout:.3f} s")
        return super().generate(request, timeout)


def test_a_queue_that_says_how_long_it_is_is_waited_in():
    fake = Busy()
    with served(fake) as target, augmint.Client(target, timeout=TIMEOUT) as client:
        assert len(client.generate("bag", 8)) == 8
    assert len(fake.requests) == 2


def test_second_calls_are_rationed_when_everything_is_late():
    """Nobody answers at all, so that nothing proves that asking again helps."""
    fake = FakeService()
    with served(fake) as target:
        transport = GrpcTransport(Channel(target))
        with augmint.Client(transport=transport, timeout=TIMEOUT) as client:
            client.describe()
            while transport._lines.get().rescues.take():
                pass
            fake.gate.clear()
            threading.Timer(4, fake.gate.set).start()  # longer than the patience of a call
            client.generate("bag", 8)
    assert len(fake.requests) == 1


def test_a_wrong_answer_of_the_other_replica_is_no_reason_to_wait(target, replicas):
    with augmint.Client(target, timeout=TIMEOUT, hedge_after=0.2) as client:
        client.describe()
        replicas[0].freeze()
        for _ in range(4):
            with pytest.raises(augmint.GeneratorNotFound):
                client.generate("bag", 8, version=9)


def test_a_ping_comes_before_the_timeout_of_a_page_and_not_more_often_than_the_service_allows():
    from service.rpc.ports import options
    from service.settings import Settings

    ours, theirs = dict(Channel("a:1")._options()), dict(options(Settings(models="models")))
    assert ours["grpc.keepalive_time_ms"] + ours["grpc.keepalive_timeout_ms"] < 60_000
    assert ours["grpc.keepalive_time_ms"] > theirs["grpc.http2.min_ping_interval_without_data_ms"]
