import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from service import artifact
from service.metrics import Metrics
from service.repository.drift import Drift


class Noise:
    """Samples of class c: float32 [4, 4], normal with mean 10 c and deviation 1."""

    best_batch = 48
    capacity_samples_per_second = 1e6

    def run(self, rows):
        shape = (len(rows.label), 4, 4)
        noise = np.random.default_rng(int(rows.index[0])).standard_normal(shape)
        return (rows.label[:, None, None] * 10 + noise).astype(np.float32)


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def watch(registry):
    return Drift(Noise(), 3, Metrics(registry).outputs("g", 1), every=1)


def value(registry, name):
    return registry.get_sample_value(f"augmint_output_{name}", {"generator": "g", "version": "1"})


def rows(labels, truncation=1.0, start=10**6):
    n = len(labels)
    columns = (np.ones(n), np.arange(start, start + n), np.array(labels), np.full(n, truncation))
    return artifact.Rows(*(column.astype(kind) for column, kind in zip(columns, artifact.INPUTS.values(), strict=True)))


def test_samples_as_at_load_are_as_expected_whatever_classes_are_drawn(registry, watch):
    for labels in ([0] * 500, [2] * 500, [0, 1, 2] * 200):
        batch = rows(labels)
        watch(batch, Noise().run(batch))
        assert value(registry, "mean") == pytest.approx(value(registry, "expected_mean"), abs=0.3)
        assert value(registry, "deviation") == pytest.approx(value(registry, "expected_deviation"), abs=0.3)
    assert value(registry, "samples_total") == 1600
    assert value(registry, "nonfinite_samples_total") == 0


def test_other_samples_show(registry, watch):
    batch = rows([1] * 500)
    watch(batch, Noise().run(batch) * 2)
    assert value(registry, "mean") - value(registry, "expected_mean") == pytest.approx(10, abs=1)
    assert value(registry, "deviation") == pytest.approx(2 * value(registry, "expected_deviation"), abs=0.5)


def test_what_is_not_finite_is_counted_and_spoils_nothing(registry, watch):
    batch = rows([0] * 100)
    samples = Noise().run(batch)
    samples[3, 0, 0], samples[7, 1, 1] = np.nan, np.inf
    watch(batch, samples)
    assert value(registry, "nonfinite_samples_total") == 2
    assert abs(value(registry, "mean")) < 0.3


def test_truncated_samples_are_no_drift(registry, watch):
    batch = rows([0] * 100, truncation=0.5)
    watch(batch, Noise().run(batch) + 100)
    assert value(registry, "samples_total") == 100
    assert value(registry, "mean") == 0


def test_one_batch_in_a_hundred_is_looked_at(registry):
    watch = Drift(Noise(), 3, Metrics(registry).outputs("g", 1))
    batch = rows([0])
    for _ in range(250):
        watch(batch, Noise().run(batch))
    assert value(registry, "samples_total") == 2


@pytest.mark.parametrize("classes", [1, 1024, 3000])
def test_any_number_of_classes_has_an_expectation(registry, classes):
    watch = Drift(Noise(), classes, Metrics(registry).outputs("g", 1), every=1)
    batch = rows([classes - 1] * 4)
    watch(batch, Noise().run(batch))
    assert np.isfinite(value(registry, "expected_deviation"))
