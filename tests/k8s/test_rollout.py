"""A version that cannot become ready goes no further: old pods serve on, as many as the chart's strategy says."""

import shutil
import time

import pytest

from benchmarks.fleet.cluster import free_port
from benchmarks.fleet.load import Readers
from tests.generators import publish
from tests.k8s.rendering import container, one
from tests.k8s.rollout import Rollout, bound, plan

REPLICAS = 2


@pytest.mark.parametrize(
    ("surge", "unavailable", "old", "new", "planned"),
    [
        # One more before one less.
        (1, 0, (2, 2), (0, 0), (1, 0)),
        (1, 0, (2, 2), (1, 0), (0, 0)),  # the new one is not ready: nothing goes on
        (1, 0, (2, 2), (1, 1), (0, 1)),
        (1, 0, (1, 1), (1, 1), (1, 0)),
        (1, 0, (1, 1), (2, 2), (0, 1)),
        # One less before one more.
        (0, 1, (2, 2), (0, 0), (0, 1)),
        (0, 1, (1, 1), (0, 0), (1, 0)),
        (0, 1, (1, 1), (1, 0), (0, 0)),
        (0, 1, (1, 1), (1, 1), (0, 1)),
        # An old pod that serves nobody is the first to go.
        (1, 0, (2, 1), (1, 1), (0, 1)),
    ],
)
def test_a_rollout_keeps_to_its_bounds(surge, unavailable, old, new, planned):
    assert plan(REPLICAS, surge, unavailable, old, new) == planned


def test_shares_are_rounded_for_safety():
    assert [bound("25%", 2, surge=True), bound("25%", 2, surge=False), bound(3, 2, surge=True)] == [1, 0, 3]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """A ready fleet, and readers who draw from it all the time."""
    folder = tmp_path_factory.mktemp("fleet")
    publish(folder / "models")
    rollout = Rollout(folder / "models", free_port(10), REPLICAS)
    readers = None
    try:
        rollout.until(lambda old, new: old == REPLICAS)
        readers = Readers(rollout.names.target(rollout.port), readers=4)
        readers.pace = 40
        yield rollout, readers, folder
    finally:
        if readers:
            readers.close()
        rollout.close()
    assert readers.errors == []


def whole(fleet, values):
    """The fleet, ready as it was before any test, and rolled out from now on as the chart does it with the values."""
    rollout, _, folder = fleet
    rollout.obey(
        one("Deployment", values)["spec"]["strategy"]["rollingUpdate"],
        container(values)["readinessProbe"]["grpc"]["service"],
    )
    rollout.give_up(folder / "models")
    rollout.until(lambda old, new: old == REPLICAS)
    return fleet


def serves_on(readers: Readers, pages: int = 40) -> None:
    """Returns once so many more pages were drawn."""
    wanted, end = len(readers.pages) + pages, time.monotonic() + 120
    while len(readers.pages) < wanted:
        assert time.monotonic() < end
        assert readers.errors == []
        time.sleep(0.05)


def test_files_that_are_refused_stop_the_rollout_and_a_mended_version_goes_through(fleet):
    """One more before one less."""
    rollout, readers, folder = whole(fleet, {"replicas": REPLICAS})
    shutil.copytree(folder / "models", folder / "broken")
    (file,) = (folder / "broken").glob("*/*/model.onnx")
    file.write_bytes(file.read_bytes()[:-100])
    bad = folder / "broken", {"start-empty": "true"}  # it runs, and is not ready
    rollout.until(lambda old, new: len(rollout.new) == 1, *bad)
    rollout.new[0].wait_ready()  # says that it listens; the probe says that it does not serve
    for _ in range(10):
        assert rollout.look(*bad) == (REPLICAS, 0)
    serves_on(readers)
    assert [pod.running for pod in [*rollout.old, *rollout.new]] == [True] * (REPLICAS + 1)

    rollout.give_up(folder / "models")
    rollout.until(lambda old, new: (old, new) == (0, REPLICAS), folder / "models", {"max-batch": 512})
    serves_on(readers)
    readers.check(next((folder / "models").glob("*/*/model.onnx")).read_bytes(), 5)
    rollout.settle()


def test_pods_that_find_no_gpu_stop_the_rollout_and_going_back_makes_the_fleet_whole(fleet):
    """One less before one more."""
    values = {"replicas": REPLICAS, "gpu": {"enabled": True}}
    rollout, readers, folder = whole(fleet, values)
    device = {each["name"]: each.get("value") for each in container(values)["env"]}["AUGMINT_DEVICE"]
    bad = folder / "models", {"device": device}  # there is none here, and the service does not fall back
    rollout.until(lambda old, new: len(rollout.new) == 1, *bad)
    end = time.monotonic() + 120
    while rollout.new[0].running:
        assert time.monotonic() < end
        time.sleep(0.1)
    for _ in range(10):
        assert rollout.look(*bad) == (REPLICAS - 1, 0)  # maxUnavailable, and no more
    serves_on(readers)

    rollout.give_up(folder / "models")
    rollout.until(lambda old, new: old == REPLICAS)
    serves_on(readers)
