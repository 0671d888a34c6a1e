"""A data set small enough to train on in a second, and a classifier that knows it."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from torch.onnx._internal.exporter._registration import ONNXRegistry

from tests.training import starts
from training.data import Dataset
from training.data.records import Records
from training.data.splits import split
from training.judge import fitting
from training.judge.classifier import Classifier
from training.kinds.image.finish import finish

starts.shift()
fitting.BATCH = 32  # of judges: a quarter as long, and what they are to tell apart is as plain

# Each export reads the sources of all functions that the exporter knows, half a second long: here, the first one only.
ONNXRegistry.from_torchlib = staticmethod(functools.cache(ONNXRegistry.from_torchlib))  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def stripes() -> Dataset:
    """Three classes of 8 x 8 images: a bright row, column or square, somewhere, with noise; 100 of each."""
    random = np.random.default_rng(0)
    labels = np.arange(300) % 3
    samples = random.integers(0, 40, (300, 8, 8, 1), dtype=np.uint8)
    for sample, label, at in zip(samples, labels, random.integers(1, 6, 300), strict=True):
        rows = slice(at, at + 2) if label != 1 else slice(None)
        columns = slice(at, at + 2) if label != 0 else slice(None)
        sample[rows, columns] = 230
    return finish("stripes", Records(samples, labels, ("rows", "columns", "squares")), None)


@pytest.fixture(scope="session")
def judge(stripes: Dataset) -> Classifier:
    train = split(stripes).train
    return fitting.fit(stripes.kind, stripes.samples[train], stripes.labels[train], 3, seed=0, steps=60)
