"""Fitting the judge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from training.data import Samples, Subset
from training.data.kind import Kind, Recipe
from training.judge.classifier import Classifier, arranged
from training.precision import supports_bfloat16

BATCH = 128
_CALIBRATE = 2048


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
    bfloat16 = supports_bfloat16(device)
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
        held, targets = None if isinstance(samples, Subset) else torch.tensor(samples), torch.tensor(labels)
        if held is not None and held.nbytes <= 2**30:
            held, targets = held.to(device), targets.to(device)
        optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps, pct_start=0.2)
        network.train()
        for step in range(steps):
            rows = drawn[step * BATCH : (step + 1) * BATCH]
            batch = torch.tensor(samples[rows.numpy()]) if held is None else held[rows.to(held.device)]
            varied, target = arranged(recipe.vary(batch.to(device))), targets[rows.to(targets.device)].to(device)
            if classes == 1:
                varied, target = kind.pretext(varied)
            loss = _loss(network, varied, target, mixup, weight, bfloat16)
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


def _loss(
    network: torch.nn.Module,
    varied: torch.Tensor,
    target: torch.Tensor,
    mixup: float,
    weight: torch.Tensor | None,
    bfloat16: bool,
) -> torch.Tensor:
    """Of a batch, with mixup of the batch and itself in another order."""
    share, partner = 1.0, None
    if mixup:
        share = float(torch.distributions.Beta(mixup, mixup).sample())
        partner = torch.randperm(len(varied), device=varied.device)
        varied = share * varied + (1 - share) * varied[partner]
    with torch.autocast(varied.device.type, torch.bfloat16, enabled=bfloat16):
        logits = network(varied)[1]
    loss = functional.cross_entropy(logits.float(), target, weight=weight, label_smoothing=0.05)
    if partner is not None:
        other = functional.cross_entropy(logits.float(), target[partner], weight=weight, label_smoothing=0.05)
        loss = share * loss + (1 - share) * other
    return loss


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
