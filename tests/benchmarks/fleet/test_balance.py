"""Client-side balancing: readers of a headless name find a new replica, and leave one that ends, without an error."""

import threading
import time
import urllib.request
from pathlib import Path

import augmint
from benchmarks.fleet.cluster import Names, Replica, free_port
from tests.generators import publish

FLAGS = {"lanes": 1, "connection-age-seconds": 3, "drain-seconds": 1}


def calls(replica: Replica) -> float:
    """Generate calls that a replica has answered."""
    address = f"{replica.metrics}?name[]=augmint_requests_total"
    text = urllib.request.urlopen(address, timeout=60).read().decode()
    found = [
        line for line in text.splitlines() if line.startswith('augmint_requests_total{code="OK",method="Generate"}')
    ]
    return float(found[0].split()[-1]) if found else 0.0


def wait_until(holds):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_new_replica_gets_its_share_and_a_drained_one_gets_none(tmp_path: Path):
    publish(tmp_path / "models")
    port = free_port(3)
    names = Names("augmint-headless.lab.svc")
    replicas = [Replica(tmp_path / "models", f"127.0.0.{2 + n}", port, f"r-{n}", FLAGS) for n in range(2)]
    errors, over = [], threading.Event()

    def read(client: augmint.Client) -> None:
        while not over.is_set():
            try:
                client.generate("3", 4, seed=7)
            except augmint.AugmintError as error:
                errors.append(error)
            time.sleep(0.05)

    threads = []
    try:
        first, second = (each.wait_ready() for each in replicas)
        names.addresses = [first.host]
        with augmint.Client(names.target(port)) as client:
            threads = [threading.Thread(target=read, args=(client,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            wait_until(lambda: calls(first) > 20)
            assert calls(second) == 0
            names.addresses = [first.host, second.host]
            # Connections end after 3 s, and a name is asked for again after 5 s.
            wait_until(lambda: calls(second) > 0)
            before = calls(first), calls(second)
            wait_until(lambda: calls(first) + calls(second) > sum(before) + 100)
            after = calls(first), calls(second)
            share = (after[1] - before[1]) / (sum(after) - sum(before))
            assert 0.3 < share < 0.7
            names.addresses = [second.host]
            first.stop()
            assert first.wait() == 0
            alone = calls(second)
            wait_until(lambda: calls(second) > alone + 100)
            over.set()
            for thread in threads:
                thread.join()
    finally:
        over.set()
        for thread in threads:
            thread.join()
        for each in replicas:
            each.kill()
        names.close()
    assert errors == []
