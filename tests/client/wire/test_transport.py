"""client/augmint/wire/transport.py, over a real socket."""

import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

import augmint
from augmint.wire.channel import Channel
from augmint.wire.transport import GrpcTransport
from benchmarks.fleet.cluster import free_port
from tests.client.fakes import STATUS, Cancelled, FakeService, served


@pytest.fixture
def fake():
    return FakeService(max_samples=4096, preferred=8)


@pytest.fixture
def client(fake):
    with served(fake) as target, augmint.Client(target, connect_timeout=60) as client:
        yield client


def test_samples_cross_the_wire_unchanged(client, fake):
    samples = client.generate(classes=np.arange(50) % 4, seed=2**64 - 1, start_index=5, truncation=0.7)
    expected = fake.expected(2**64 - 1, np.arange(5, 55), np.arange(50) % 4, 0.7)
    assert np.array_equal(samples.array, expected)


def test_answers_above_the_default_limit_of_4_mib_arrive():
    fake = FakeService(max_samples=2**17, preferred=2**17)
    with served(fake) as target, augmint.Client(target) as client:
        samples = client.generate("bag", 2**17, seed=1)
    assert samples.array.nbytes > 7 * 2**20
    assert np.array_equal(samples.array[-3:], fake.expected(1, np.arange(2**17 - 3, 2**17), np.ones(3)))


PASSING = (augmint.Overloaded, augmint.Unavailable, Cancelled)


@pytest.mark.parametrize("kind", [kind for kind in STATUS if kind not in PASSING])
def test_every_status_is_a_typed_error_with_the_words_of_the_service(client, fake, kind):
    fake.faults = [kind("the reason"), kind("the reason")]
    with pytest.raises(kind, match="the reason") as raised:
        client.generate("bag")
    assert type(raised.value) is kind
    assert raised.value.__cause__ is None  # no gRPC traceback at a user


@pytest.mark.parametrize("kind", [augmint.Overloaded, augmint.Unavailable])
def test_passing_failures_are_repeated_after_the_pushback(client, fake, kind):
    fake.faults = [kind("full", 0.02)]
    assert len(client.generate("bag")) == 1
    assert len(fake.requests) == 2


def test_a_call_that_a_stopping_server_cancels_is_repeated(client, fake):
    fake.faults = [Cancelled("stopping"), None]
    assert len(client.generate("bag", seed=7)) == 1
    assert fake.requests[0] == fake.requests[1]


def test_pushback_is_read_from_the_trailer(client, fake):
    fake.faults = [augmint.Overloaded("full", 90.0)]
    with pytest.raises(augmint.Overloaded, match="full") as raised:
        client.generate("bag", timeout=60)
    assert raised.value.retry_after_s == 90.0


def test_a_service_that_hangs_meets_the_deadline(client, fake):
    client.describe()
    fake.gate.clear()
    try:
        with pytest.raises(augmint.DeadlineExceeded, match=r"no answer from 127.0.0.1:\d+ within 0.2 s"):
            client.generate("bag", timeout=0.2)
    finally:
        fake.gate.set()


def test_nobody_there_is_one_clear_sentence():
    target = f"127.0.0.1:{free_port()}"
    with augmint.Client(target, connect_timeout=0.2) as client, pytest.raises(augmint.Unavailable) as raised:
        client.generate("bag")
    assert str(raised.value).startswith(f"no service at {target} (Connection refused)")
    assert not raised.value.connected


def test_another_grpc_service_is_told_apart():
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with (
            augmint.Client(f"127.0.0.1:{port}") as client,
            pytest.raises(augmint.ServiceFault, match=r"offers no augmint\.v1 service"),
        ):
            client.generators()
    finally:
        server.stop(0).wait()


def test_a_reader_sits_out_a_restart_on_the_same_port(fake):
    port = free_port()
    with augmint.Client(f"127.0.0.1:{port}", connect_timeout=60) as client:
        with served(fake, port):
            first = client.generate("bag", 20, seed=7).array
        results = []
        reader = threading.Thread(target=lambda: results.append(client.generate("bag", 20, seed=7).array))
        reader.start()
        reader.join(0.5)
        assert reader.is_alive()  # nobody is there, and it waits
        with served(fake, port):
            reader.join(60)
    assert np.array_equal(results[0], first)


def test_closing_ends_calls_in_progress(client, fake):
    client.describe()
    fake.gate.clear()
    raised = []

    def draw():
        try:
            client.generate("bag", 20)
        except augmint.ClientClosed as error:
            raised.append(error)

    reader = threading.Thread(target=draw)
    reader.start()
    while not fake.in_flight:
        reader.join(0.001)
    client.close()
    reader.join(60)
    fake.gate.set()
    assert len(raised) == 1


def test_a_pickled_transport_connects_anew(fake):
    with served(fake) as target:
        transport = GrpcTransport(Channel(target))
        with augmint.Client(transport=transport) as client:
            client.describe()
            with augmint.Client(transport=pickle.loads(pickle.dumps(transport))) as again:
                assert again.describe().name == "fake"


FORKS = """
import os, sys, signal
import augmint
with augmint.Client(sys.argv[1]) as client:
    expected = client.generate("bag", 30, seed=7).array.tobytes()
    for _ in range(10):
        child = os.fork()
        if not child:
            signal.alarm(20)
            os._exit(0 if client.generate("bag", 30, seed=7).array.tobytes() == expected else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert client.generate("bag", 30, seed=7).array.tobytes() == expected
"""


def test_a_client_in_use_crosses_a_fork_in_both_directions(fake):
    # In a process of its own: this one runs a gRPC server, which cannot be forked.
    with served(fake) as target:
        done = subprocess.run([sys.executable, "-c", FORKS, target], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


BUSY = """
import os, sys, signal, threading

# Runs after what was registered later: what a fork found.
found = []
os.register_at_fork(before=lambda: found.append(CALLS.under_way))
import augmint
from augmint.wire.fork import CALLS

with augmint.Client(sys.argv[1]) as client:
    expected = client.generate("bag", 30, seed=7).array.tobytes()
    done = threading.Event()

    def read():
        while not done.is_set():
            assert client.generate("bag", 30, seed=7).array.tobytes() == expected

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for _ in range(10):
        while not CALLS.under_way:
            pass
        child = os.fork()
        if not child:
            signal.alarm(20)
            os._exit(0 if client.generate("bag", 30, seed=7).array.tobytes() == expected else 1)
        assert os.waitpid(child, 0)[1] == 0
    done.set()
    for reader in readers:
        reader.join()
print(*found)
"""


def test_a_fork_waits_until_no_thread_is_in_a_call(fake):
    with served(fake) as target:
        done = subprocess.run([sys.executable, "-c", BUSY, target], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0"] * 10
