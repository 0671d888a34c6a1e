"""A real data set for the tests of mixtures."""

import numpy as np
import torch
from torch.utils.data import Dataset

from augmint.torch import mix

# Real samples are constant images: 40 "ankle boot", 10 "bag", 4 "coat", none of "3".
TARGETS = [0] * 40 + [1] * 10 + [2] * 4


class Real(Dataset):
    """float32 [3, 4, 5] of value position / 100; counts how often samples are loaded."""

    def __init__(self, own=TARGETS, form=lambda value: torch.full((3, 4, 5), value), **attributes):
        self._targets, self._form, self.loaded = own, form, 0
        self.__dict__.update(attributes)

    def __len__(self):
        return len(self._targets)

    def __getitem__(self, index):
        self.loaded += 1
        return self._form(index / 100), self._targets[index]


def content(items):
    """Every sample as bytes, with its label."""
    return [(np.asarray(sample).tobytes(), int(label)) for sample, label in items]


def mixture(client, real=None, **options):
    """Of a Real with the client's generator, topped up to balance unless told otherwise."""
    options = options if {"ratio", "top_up", "per_real"} & set(options) else {"top_up": "balance", **options}
    return mix(Real(targets=TARGETS) if real is None else real, client, **{"seed": 7, "labels": TARGETS, **options})
