"""The generators of a study's repeats: what they learn from, how long, and what of it is kept."""

import numpy as np
import pytest
from lightning_fabric import Fabric

from training.config.presets import resolve
from training.data import Dataset
from training.kinds.image import Image
from training.kinds.table.columns import Column
from training.kinds.table.table import Table
from training.study import arms, generators
from training.study.generators import Generators, row_of


@pytest.fixture
def table() -> Dataset:
    """Incomes rise with the place of the row, so that what was learned from tells where it came from."""
    samples = np.stack([np.arange(1000.0), np.arange(1000) % 3], 1).astype(np.float32)
    columns = (Column("income"), Column("town", ("a", "b", "c")))
    kind = Table(columns, "moved").fitted(samples, np.arange(1000) % 2, 2)
    return Dataset("towns", samples, np.arange(1000) % 2, ("no", "yes"), "0" * 64, None, (), kind)


class Recorded(Exception):
    """Ends a training, for what is looked at is how it begins."""


@pytest.fixture
def began(monkeypatch):
    """(configuration, kind, samples, steps) of each training, which ends at once."""
    found = []

    class Spy:
        def __init__(self, fabric, config, kind, samples, labels, classes, seed):
            self._found, self._steps = (config, kind, samples), 0

        def step(self, progress):
            self._steps += 1

        def check_finite(self, losses):
            pass

        def settle(self):
            found.append((*self._found, self._steps))
            raise Recorded

    monkeypatch.setattr(generators, "Trainer", Spy)
    return found


def train(dataset, folder, real, steps=5000, passes=None, arm=arms.RAW):
    fabric = Fabric(accelerator="cpu", devices=1)
    config = resolve("rpgan", {"batch_size": 20})
    made = Generators(None, dataset, config, steps, passes, fabric, folder, lambda words: None)
    with pytest.raises(Recorded):
        made.trained("500 samples", 0, real, arm)


def test_what_a_kind_learns_of_encoding_it_learns_from_the_repeats_own_rows(table, began, tmp_path):
    train(table, tmp_path, np.arange(100, 200))
    config, kind, samples, _ = began[0]
    assert np.array_equal(samples, table.samples[100:200])
    assert (table.kind.columns[0].minimum, table.kind.columns[0].maximum) == (0, 999)
    assert (kind.columns[0].minimum, kind.columns[0].maximum) == (100, 199)
    assert config.batch_size == 20


def test_few_rows_are_not_learned_by_heart_in_thousands_of_passes(table, began, tmp_path):
    for passes in (None, 300, 10):
        train(table, tmp_path, np.arange(100, 200), passes=passes)
    assert [steps for *_, steps in began] == [5000, 1500, generators.FEWEST_STEPS]


def test_the_vae_is_the_kinds_own(table, began, tmp_path):
    assert row_of(table.kind, arms.VAE) == "tvae"
    assert row_of(Image(8, 8, 1), arms.VAE) == "vae"
    train(table, tmp_path, np.arange(100), arm=arms.VAE)
    assert began[0][0] == resolve("tvae")


def test_a_vae_of_the_generators_family_is_as_wide_as_the_generator(began, tmp_path):
    """Or what a CPU is spared by narrow networks and small batches would be spent on the baseline."""
    grays = np.zeros((4, 8, 8, 1), np.uint8)
    data = Dataset("grays", grays, np.arange(4) % 2, ("a", "b"), "0" * 64, None, (), Image(8, 8, 1))
    train(data, tmp_path, np.arange(4), arm=arms.VAE)
    assert began[0][0] == resolve("vae", {"batch_size": 20})


def test_the_likelihood_model_of_a_kind_is_compared_with_what_is_none(table):
    assert row_of(table.kind, arms.LIKELIHOOD) == "argn"
    assert row_of(Image(8, 8, 1), arms.LIKELIHOOD) is None
    assert generators.compared(table.kind, resolve("tabgan")) == [arms.VAE, arms.LIKELIHOOD]
    assert generators.compared(table.kind, resolve("argn")) == [arms.VAE]
    assert generators.compared(table.kind, resolve("tvae")) == [arms.LIKELIHOOD]
    assert generators.compared(Image(8, 8, 1), resolve("rpgan")) == [arms.VAE]
