"""A small convolutional network over units as a classifier that people use beside counts of characters."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from training.kinds.text.form import encode
from training.kinds.text.judge import Network

_BATCH = 64
_PASSES, _FEWEST, _MOST = 10, 80, 400  # over the texts, in steps at least and at most
_RATE = 4e-3
_PAGE = 512


class Convolutions:
    """See training.data.kind.Pupil: the architecture of the judge, taught for a few passes, each with a new draw.

    The weight of a class is that of its samples.
    """

    def __init__(self, units: int, classes: int, seed: int) -> None:
        self._units, self._classes, self._seed = units, classes, seed

    def fit(self, samples: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> None:
        raw, targets = torch.from_numpy(samples), torch.from_numpy(labels)
        weight = torch.ones(len(labels)) if weights is None else torch.from_numpy(weights).float()
        steps = min(max(_FEWEST, _PASSES * len(labels) // _BATCH), _MOST)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            self._network = Network(self._units, self._classes).train()
            optimizer = torch.optim.AdamW(self._network.parameters(), weight_decay=0.05)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=_RATE, total_steps=steps, pct_start=0.2)
            passes = -(-steps * _BATCH // len(labels))
            order = torch.cat([torch.randperm(len(labels)) for _ in range(passes)])[: steps * _BATCH]
            for rows in order.split(_BATCH):
                logits = self._network(encode(raw[rows], self._units))[1]
                losses = functional.cross_entropy(logits, targets[rows], reduction="none", label_smoothing=0.05)
                optimizer.zero_grad(set_to_none=True)
                ((losses * weight[rows]).sum() / weight[rows].sum()).backward()
                optimizer.step()
                schedule.step()
        self._network.eval()

    @torch.no_grad()
    def predict_proba(self, samples: np.ndarray) -> np.ndarray:
        pages = torch.from_numpy(samples).split(_PAGE)
        found = [self._network(encode(page, self._units))[1].double().softmax(1) for page in pages]
        return torch.cat(found).numpy()
