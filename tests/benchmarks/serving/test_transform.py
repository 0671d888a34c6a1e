"""benchmarks/serving/transform.py: what it asks for is carried, and what it cannot ask for is said."""

import pytest

from benchmarks.faults.replica import Replica
from benchmarks.serving import transform
from tests import generators


@pytest.fixture(scope="module")
def replica(tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    generators.publish(models, transforms=True)
    generators.publish(models, "plain")
    with Replica(str(models)) as replica:
        yield replica


def test_each_load_is_drawn_and_carried_in_every_round(replica, monkeypatch):
    monkeypatch.setattr(transform, "LOADS", ((2, 256), (1, 1)))
    found = transform.measure(replica, "tiny", rounds=1, seconds=0.05)
    assert len(found) == 6
    assert all(value > 0 for values in found.values() for value in values)
    assert found["2 x 256: carried as a share of drawn"][0] == pytest.approx(
        found["2 x 256: carried, samples/s"][0] / found["2 x 256: drawn, samples/s"][0]
    )


def test_a_generator_that_cannot_ends_it_with_the_reason(replica):
    with pytest.raises(SystemExit, match=r"FAILED_PRECONDITION.*cannot transform"):
        transform.measure(replica, "plain", rounds=1, seconds=0.05)
