"""A classifier of real samples: the judge of others, and the space in which distances between them are measured."""

from __future__ import annotations

import copy
import hashlib
import math

import numpy as np
import torch
from torch import nn

from training.data import Samples
from training.data.kind import FEATURES, Kind

_PREDICT_BATCH, _PREDICT_ELEMENTS = 1024, 2**20  # at most; activations take about 300 bytes an element of a channel


class Scorer(nn.Module):
    """Raw [n, *shape], int64 [n] -> confidence in that label, float32 [n] in [0, 1]: softmax of the logits."""

    def __init__(self, network: nn.Module, kind: Kind) -> None:
        super().__init__()
        self.network = network
        self._kind = kind

    def forward(self, samples: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        probabilities = self.network(self._kind.encode(samples))[1].softmax(1)
        return probabilities.gather(1, labels[:, None])[:, 0]


class Classifier:
    """A fitted network. All samples are raw, [n, *shape], of the kind that it was fitted on.

    One class alone is always recognised; the features are then those of the kind's pretext task (self-supervised).
    """

    def __init__(
        self, network: nn.Module, kind: Kind, classes: int, device: torch.device, scale: float, steps: int
    ) -> None:
        self._network = network
        self._kind = kind
        self._classes = classes
        self._device = device
        self._scale = scale
        self.steps = steps  # optimiser steps that it was fitted with

    def predict_proba(self, samples: Samples) -> np.ndarray:
        """Probability of each class, float32 [n, classes]; rows sum to 1."""
        return self._run(samples)[1]

    def predict(self, samples: Samples) -> np.ndarray:
        """The most probable class, int64 [n]."""
        return self._run(samples)[1].argmax(1)

    def features(self, samples: Samples) -> np.ndarray:
        """Activations before the last layer, float32 [n, FEATURES].

        Scaled by one number so that, over the fitted samples, the mean variance of a feature is 1: distances then
        have one magnitude whatever the data set.
        """
        return self._run(samples)[0]

    def judge(self, samples: Samples) -> tuple[np.ndarray, np.ndarray]:
        """(features, predicted class) in one pass; see `features` and `predict`."""
        features, probabilities = self._run(samples)
        return features, probabilities.argmax(1)

    def scorer(self) -> Scorer:
        """A copy on the CPU, to be exported beside a generator."""
        return Scorer(self.network(), self._kind).eval()

    def network(self) -> nn.Module:
        """A copy on the CPU: float32 [n, *form] -> features and logits, in evaluation."""
        return copy.deepcopy(self._network).cpu().eval()

    @property
    def digest(self) -> str:
        """Lower-case hexadecimal SHA-256 of the weights, by name."""
        digest = hashlib.sha256(np.float64(self._scale).tobytes())
        for name, value in sorted(self._network.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @torch.inference_mode()
    def _run(self, samples: Samples) -> tuple[np.ndarray, np.ndarray]:
        self._network.eval()
        # Made before the pages: what is kept of each, between the large buffers that come and go, would keep the C
        # library from using those again (440 MiB for 100,000 images of 32 x 32).
        features = np.empty((len(samples), FEATURES), np.float32)
        probabilities = np.ones((len(samples), self._classes), np.float32)
        page = min(_PREDICT_BATCH, max(1, _PREDICT_ELEMENTS // math.prod(self._kind.form[1:])))
        for start in range(0, len(samples), page):
            here = slice(start, start + page)
            batch = torch.tensor(samples[here], device=self._device)
            # In float32: features are compared by their distances, which bfloat16's 8 bits would blur.
            hidden, logits = self._network(arranged(self._kind.encode(batch)))
            features[here] = (hidden * self._scale).cpu().numpy()
            if self._classes > 1:
                probabilities[here] = logits.softmax(1).cpu().numpy()
        return features, probabilities


def arranged(samples: torch.Tensor) -> torch.Tensor:
    """Float32 [n, *form], channels last in memory where there are two extents: convolutions are faster so."""
    return samples.to(memory_format=torch.channels_last) if samples.dim() == 4 else samples
