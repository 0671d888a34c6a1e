"""A classifier of real samples: the judge of others, and the space in which distances between them are measured."""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.data import Rows, Samples
from training.data.kind import FEATURES, Kind, Recipe

BATCH = 128
_PREDICT_BATCH, _PREDICT_ELEMENTS = 1024, 2**20  # at most; activations take about 300 bytes an element of a channel
_CALIBRATE = 2048


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
        return Scorer(copy.deepcopy(self._network).cpu().eval(), self._kind).eval()

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
            hidden, logits = self._network(_arranged(self._kind.encode(batch)))
            features[here] = (hidden * self._scale).cpu().numpy()
            if self._classes > 1:
                probabilities[here] = logits.softmax(1).cpu().numpy()
        return features, probabilities


def default_steps(samples: int) -> int:
    """Optimiser steps for a training split of this size: 25 passes over small ones, fewer over large ones."""
    return int(min(max(25 * samples / BATCH, 300), 1000))


def fit(
    kind: Kind,
    samples: Samples,
    labels: np.ndarray,
    classes: int,
    *,
    seed: int,
    steps: int | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[float], None] | None = None,
    recipe: Recipe | None = None,
    mixup: float = 0.0,
    order: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Classifier:
    """Train a classifier for a fixed number of steps; nothing is chosen on other data.

    samples:  raw, of the kind, [n, *shape]; rows on disk are read batch by batch.
    labels:   int64 [n], each in [0, classes); a class without samples is never drawn.
    seed:     weights, draw and augmentation follow from it: on one device and thread count, the same classifier.
    steps:    optimiser steps of BATCH samples, at least 10; None: default_steps(n).
    progress: called with the share done, in (0, 1], about a hundred times.
    recipe:   how batches are varied; None: the kind's first, which the card's classifiers use.
    mixup:    Zhang et al. 2018: pairs are mixed by Beta(mixup, mixup); 0: not.
    order:    positions to draw, int64 [steps * BATCH], one batch after the other; None: classes in equal parts.
    weights:  of each class's loss, float [classes]; None: all alike.

    One class alone teaches nothing, so the network learns the kind's pretext task: features of what is in the samples,
    without a label.

    By default every batch holds the classes in equal parts. So a classifier fitted on synthetic samples and one fitted
    on real ones have seen the same mixture, whatever the sizes of the classes, and a scarce class is recognised too.
    """
    device = torch.device(device)
    steps = default_steps(len(samples)) if steps is None else steps
    recipe = kind.recipes()[0] if recipe is None else recipe
    if steps < 10:
        raise ValueError(f"steps {steps} is below 10, the fewest that the schedule can rise and fall in")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = kind.judge(classes if classes > 1 else kind.pretexts).to(device)
        if len(kind.form) == 3:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        drawn = torch.from_numpy(balanced_order(labels, classes, steps * BATCH, seed) if order is None else order)
        weight = None if weights is None else torch.from_numpy(weights).float().to(device)
        # Resident when a GPU can hold it easily; otherwise batches are copied as they are needed.
        held, targets = None if isinstance(samples, Rows) else torch.tensor(samples), torch.tensor(labels)
        if held is not None and held.nbytes <= 2**30:
            held, targets = held.to(device), targets.to(device)
        optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps, pct_start=0.2)
        network.train()
        for step in range(steps):
            rows = drawn[step * BATCH : (step + 1) * BATCH]
            batch = torch.tensor(samples[rows.numpy()]) if held is None else held[rows.to(held.device)]
            varied, target = _arranged(recipe.vary(batch.to(device))), targets[rows.to(targets.device)].to(device)
            if classes == 1:
                varied, target = kind.pretext(varied)
            share, partner = _mixing(len(rows), mixup, device)
            if partner is not None:
                varied = share * varied + (1 - share) * varied[partner]
            with _bfloat16(device):
                logits = network(varied)[1]
            loss = functional.cross_entropy(logits.float(), target, weight=weight, label_smoothing=0.05)
            if partner is not None:
                other = functional.cross_entropy(logits.float(), target[partner], weight=weight, label_smoothing=0.05)
                loss = share * loss + (1 - share) * other
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            if progress and (step + 1) % max(1, steps // 100) == 0:
                progress((step + 1) / steps)
    fitted = Classifier(network, kind, classes, device, 1.0, steps)
    some = np.random.default_rng(seed).permutation(len(samples))[:_CALIBRATE]
    variance = float(fitted.features(samples[some]).var(0, dtype=np.float64).mean())
    return Classifier(network, kind, classes, device, float(1 / np.sqrt(max(variance, 1e-12))), steps)


def _arranged(samples: torch.Tensor) -> torch.Tensor:
    """Float32 [n, *form], channels last in memory where there are two extents: convolutions are faster so."""
    return samples.to(memory_format=torch.channels_last) if samples.dim() == 4 else samples


def _mixing(count: int, mixup: float, device: torch.device) -> tuple[float, torch.Tensor | None]:
    """The first partner's share of a batch, and the second partners' places; none without mixup."""
    if not mixup:
        return 1.0, None
    share = float(torch.distributions.Beta(mixup, mixup).sample())
    return share, torch.randperm(count, device=device)


def balanced_order(labels: np.ndarray, classes: int, length: int, seed: int) -> np.ndarray:
    """Positions to draw, int64 [length]: classes in turn, each class in shuffled passes over its samples."""
    random = np.random.default_rng(seed)
    present = [members for members in (np.flatnonzero(labels == c) for c in range(classes)) if len(members)]
    rounds = -(-length // len(present))
    streams = []
    for members in present:
        passes = [random.permutation(members) for _ in range(-(-rounds // len(members)))]
        streams.append(np.concatenate(passes)[:rounds])
    return random.permuted(np.stack(streams, 1), axis=1).reshape(-1)[:length]


def _bfloat16(device: torch.device) -> AbstractContextManager[None]:
    # On CPUs, only with AVX-512 BF16 or AMX: elsewhere it is emulated and slower than float32.
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
        # Where oneDNN is told not to (ONEDNN_MAX_CPU_ISA), convolutions would be PyTorch's own, ten times slower.
        told = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        fast = told and any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))
    return torch.autocast(device.type, torch.bfloat16, enabled=bool(fast))
