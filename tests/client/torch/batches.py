"""Batches as they are read, and as they should be."""

import numpy as np
import torch

from tests.client.fakes import FakeService


def expected(start, end, seed=7):
    """float32 [n, channels, height, width] and int64 [n] at these positions, computed without the stream."""
    where = np.arange(start, end)
    samples = FakeService().expected(seed, where, where % 4)
    return torch.from_numpy(samples.transpose(0, 3, 1, 2) / np.float32(255)), torch.from_numpy(where % 4)


def joined(batches):
    images, labels = zip(*batches, strict=True)
    return torch.cat(images), torch.cat(labels)


def same(read, want):
    return torch.equal(read[0], want[0]) and torch.equal(read[1], want[1])


def first(loader, count):
    """The next batches; the loop is left with `break`, as a training script would."""
    taken = []
    for batch in loader:
        taken.append(batch)
        if len(taken) == count:
            break
    return taken
