"""A small image classifier: the judge of samples, and the space in which distances between them are measured."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.data import Rows, Samples

FEATURES = 128
BATCH = 128
_PREDICT_BATCH, _PREDICT_PIXELS = 1024, 2**20  # at most; activations take about 300 bytes a pixel
_CALIBRATE = 2048
_QUARTERS = 4


class Network(nn.Module):
    """uint8-scaled images [n, c, side, side] -> (features [n, FEATURES], logits [n, classes]).

    Three or more 3x3 convolutions with batch norm, halving until 8 or fewer pixels a side remain; one hidden layer.
    """

    def __init__(self, side: int, channels: int, classes: int) -> None:
        super().__init__()
        halvings = max(1, (side - 1).bit_length() - 3)
        depth = max(3, halvings)
        layers: list[nn.Module] = []
        for layer in range(depth):
            width = (24, 48, 96)[min(layer, 2)]
            stride = 2 if layer >= depth - halvings else 1
            layers += [nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels, side = width, (side + stride - 1) // stride
        self.trunk = nn.Sequential(*layers)
        self.hidden = nn.Linear(channels * side * side, FEATURES, bias=False)
        self.norm = nn.BatchNorm1d(FEATURES)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = functional.relu(self.norm(self.hidden(self.trunk(images).flatten(1))))
        return features, self.head(self.dropout(features))


class Scorer(nn.Module):
    """uint8 [n, side, side, c], int64 [n] -> confidence in that label, float32 [n] in [0, 1]: softmax of the logits."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, samples: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        probabilities = self.network(_as_images(samples))[1].softmax(1)
        return probabilities.gather(1, labels[:, None])[:, 0]


class Classifier:
    """A fitted network. All samples are uint8 [n, side, side, c] with the side and channels that it was fitted on.

    One class alone is always recognised; the features are then those of a network that tells which way up an image is.
    """

    def __init__(self, network: Network, classes: int, device: torch.device, scale: float, steps: int) -> None:
        self._network = network
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
        return Scorer(copy.deepcopy(self._network).cpu().eval()).eval()

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
        page = min(_PREDICT_BATCH, max(1, _PREDICT_PIXELS // samples.shape[1] ** 2))
        for start in range(0, len(samples), page):
            here = slice(start, start + page)
            batch = torch.tensor(samples[here], device=self._device)
            # In float32: features are compared by their distances, which bfloat16's 8 bits would blur.
            hidden, logits = self._network(_as_images(batch))
            features[here] = (hidden * self._scale).cpu().numpy()
            if self._classes > 1:
                probabilities[here] = logits.softmax(1).cpu().numpy()
        return features, probabilities


def default_steps(samples: int) -> int:
    """Optimiser steps for a training split of this size: 25 passes over small ones, fewer over large ones."""
    return int(min(max(25 * samples / BATCH, 300), 1000))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How batches are varied while a classifier learns; the card's classifiers use the default."""

    shift: float = 1 / 14  # reach of random shifts, share of the side; 0: none
    flip: bool = False  # mirror half of the images, left to right
    contrast: float = 0.0  # reach of random factors around 1 and offsets around 0
    mixup: float = 0.0  # Zhang et al. 2018: pairs are mixed by Beta(mixup, mixup); 0: not


def fit(
    samples: Samples,
    labels: np.ndarray,
    classes: int,
    *,
    seed: int,
    steps: int | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[float], None] | None = None,
    recipe: Recipe = Recipe(),
    order: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Classifier:
    """Train a classifier for a fixed number of steps; nothing is chosen on other data.

    samples:  uint8 [n, side, side, c], side at least 8, c 1 or 3; rows on disk are read batch by batch.
    labels:   int64 [n], each in [0, classes); a class without samples is never drawn.
    seed:     weights, draw and augmentation follow from it: on one device and thread count, the same classifier.
    steps:    optimiser steps of BATCH samples, at least 10; None: default_steps(n).
    progress: called with the share done, in (0, 1], about a hundred times.
    order:    positions to draw, int64 [steps * BATCH], one batch after the other; None: classes in equal parts.
    weights:  of each class's loss, float [classes]; None: all alike.

    One class alone teaches nothing, so the network learns by how many quarters an image was turned (Gidaris et al.
    2018, arXiv:1803.07728): features of what is in the images, without a label.

    By default every batch holds the classes in equal parts. So a classifier fitted on synthetic samples and one fitted
    on real ones have seen the same mixture, whatever the sizes of the classes, and a scarce class is recognised too.
    """
    device = torch.device(device)
    steps = default_steps(len(samples)) if steps is None else steps
    if steps < 10:
        raise ValueError(f"steps {steps} is below 10, the fewest that the schedule can rise and fall in")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = Network(samples.shape[1], samples.shape[3], classes if classes > 1 else _QUARTERS).to(device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        drawn = torch.from_numpy(balanced_order(labels, classes, steps * BATCH, seed) if order is None else order)
        weight = None if weights is None else torch.from_numpy(weights).float().to(device)
        # Resident when a GPU can hold it easily; otherwise batches are copied as they are needed.
        pixels, targets = None if isinstance(samples, Rows) else torch.tensor(samples), torch.tensor(labels)
        if pixels is not None and pixels.nbytes <= 2**30:
            pixels, targets = pixels.to(device), targets.to(device)
        optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps, pct_start=0.2)
        network.train()
        for step in range(steps):
            rows = drawn[step * BATCH : (step + 1) * BATCH]
            batch = torch.tensor(samples[rows.numpy()]) if pixels is None else pixels[rows.to(pixels.device)]
            images, target = _vary(batch.to(device), recipe), targets[rows.to(targets.device)].to(device)
            if classes == 1:
                images, target = _turned(images)
            share, partner = _mixing(len(rows), recipe.mixup, device)
            if partner is not None:
                images = share * images + (1 - share) * images[partner]
            with _bfloat16(device):
                logits = network(images)[1]
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
    fitted = Classifier(network, classes, device, 1.0, steps)
    some = np.random.default_rng(seed).permutation(len(samples))[:_CALIBRATE]
    variance = float(fitted.features(samples[some]).var(0, dtype=np.float64).mean())
    return Classifier(network, classes, device, float(1 / np.sqrt(max(variance, 1e-12))), steps)


def _as_images(batch: torch.Tensor) -> torch.Tensor:
    """uint8 [n, h, w, c] -> float32 [n, c, h, w] in [-1, 1], channels last in memory."""
    return batch.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.channels_last) / 127.5 - 1


def _vary(batch: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """uint8 [n, h, w, c] -> varied float32 [n, c, h, w], in [-1, 1] unless the contrast is raised."""
    count = len(batch)
    if recipe.shift:
        batch = _shift(batch, recipe.shift)
    images = _as_images(batch)
    if recipe.flip:
        mirrored = torch.rand(count, 1, 1, 1, device=batch.device) < 0.5
        images = torch.where(mirrored, images.flip(3), images)
    if recipe.contrast:
        factor, offset = (torch.rand(2, count, 1, 1, 1, device=batch.device) * 2 - 1) * recipe.contrast
        images = images * (1 + factor) + offset
    return images


def _turned(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Each of the images [n, c, side, side] turned by its own number of quarters, and the numbers: int64 [n]."""
    quarters = torch.randint(_QUARTERS, (len(images),), device=images.device)
    every = torch.stack([images.rot90(number, (2, 3)) for number in range(_QUARTERS)])
    return every[quarters, torch.arange(len(images), device=images.device)], quarters


def _mixing(count: int, mixup: float, device: torch.device) -> tuple[float, torch.Tensor | None]:
    """The first partner's share of a batch, and the second partners' places; none without mixup."""
    if not mixup:
        return 1.0, None
    share = float(torch.distributions.Beta(mixup, mixup).sample())
    return share, torch.randperm(count, device=device)


def reach(side: int, share: float) -> int:
    """The farthest that images of this side are moved by a shift of that share, in pixels, at least 1."""
    return max(1, int(side * share + 1e-9))


def _shift(batch: torch.Tensor, share: float) -> torch.Tensor:
    """Move each image of uint8 [n, side, side, c] by its own whole pixels, up to side * share; edges repeat."""
    count, side = batch.shape[:2]
    most = reach(side, share)
    offsets = torch.randint(-most, most + 1, (2, count, 1), device=batch.device)
    rows, columns = (offsets + torch.arange(side, device=batch.device)).clamp_(0, side - 1)
    return batch[torch.arange(count, device=batch.device)[:, None, None], rows[:, :, None], columns[:, None, :]]


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
