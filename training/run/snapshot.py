"""A look at the generator while it trains: a sheet of samples, and the numbers that the watchdog judges by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from training import networks, quality
from training.data import Dataset
from training.data.kind import Kind
from training.data.splits import Splits
from training.gan.trainer import Trainer
from training.judge.classifier import Classifier
from training.quality.findings.training import Look
from training.quality.measures.pairs import variance, won
from training.run.folder import Run

SHEET_COLUMNS = 16
SHEET_ROWS = 32

_HELD_OUT = 256  # most held-out samples that the discriminator is asked about
_FEWEST_HELD_OUT = 40  # for a share that means anything
_MOVED_PER_CLASS, _MOVED = 32, 1024
_REAL_MOVED = 4  # times as many real samples as generated ones
_FEWEST_REAL = 20  # above one of each class
_GROUPS = 8  # of samples that are left out in turn
_STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36)  # 97.5 % of Student's t, by groups less 1
_FAR = 2**20  # index of the first sample that no sheet shows


def recall(judge: Classifier, dataset: Dataset, splits: Splits) -> np.ndarray:
    """Share of each class's held-out real samples that the judge recognises, float64 [classes]; nan of one alone."""
    if dataset.classes == 1:
        return np.full(1, np.nan)
    labels = dataset.labels[splits.validation]
    right = judge.predict(dataset.part(splits.validation)) == labels
    return np.array([right[labels == label].mean() for label in range(dataset.classes)])


def take(run: Run, trainer: Trainer, judge: Classifier, dataset: Dataset, splits: Splits, share: float) -> Look | None:
    """Look at the averaged generator, and leave a sheet of its samples in the run's folder.

    share: of the run that is over, [0, 1].
    None:  its weights are not finite, so that there is nothing to see.
    """
    generator, config, device = trainer.settle(batches=16), run.order.config, trainer.fabric.device
    if not all(bool(parameter.isfinite().all()) for parameter in generator.parameters()):
        return None

    def draw(labels: np.ndarray, start: int) -> np.ndarray:
        return draw_samples(generator, dataset.kind, labels, config.latent_size, seed=start, device=device)

    shown = min(dataset.classes, SHEET_ROWS)
    labels = np.repeat(np.arange(shown), SHEET_COLUMNS)
    groups = np.split(draw(labels, 0), shown)
    sheet = dataset.kind.sheet(groups, dataset.class_names[:shown], SHEET_COLUMNS, run.folder.name)
    run.save_picture(trainer.steps, sheet)
    check = quality.quick(draw, judge, dataset, splits)
    ahead = _ahead(draw, trainer, dataset, splits)
    augmented = config.augmentation_for(len(splits.train))
    moved = _moved(draw, dataset, splits) if augmented else (np.nan, np.nan)
    return Look(
        step=trainer.steps,
        share=share,
        class_fidelity=check.class_fidelity.tolist(),
        spread_ratio=check.spread_ratio.tolist(),
        kernel_distance=float(check.kernel_distance),
        ahead_train=ahead[0],
        ahead_held_out=ahead[1],
        gap_low=ahead[2],
        moved=moved[0],
        moved_low=moved[1],
    )


def _ahead(
    draw: Callable[[np.ndarray, int], np.ndarray], trainer: Trainer, dataset: Dataset, splits: Splits
) -> tuple[float, float, float]:
    """How often a real sample's logit is above a generated one's of the same class: training samples, held-out ones.

    The third is the low end of the 95 % interval of the difference.
    """
    random = np.random.default_rng(0)
    held_out = random.permutation(splits.validation)[:_HELD_OUT]
    held_out = held_out[: len(held_out) // 4 * 4]
    if len(held_out) < _FEWEST_HELD_OUT or not trainer.config.competes:
        return np.nan, np.nan, np.nan
    labels = dataset.labels[held_out]
    train_labels = dataset.labels[splits.train]
    train = np.empty_like(held_out)
    for label in np.unique(labels):
        members, wanted = splits.train[train_labels == label], labels == label
        train[wanted] = random.choice(members, wanted.sum(), replace=wanted.sum() > len(members))
    made = trainer.logits(draw(labels, _FAR), labels)
    known, new = (trainer.logits(dataset.samples[positions], labels) for positions in (train, held_out))
    return _compared(known, new, made, labels)


def _compared(known: np.ndarray, new: np.ndarray, made: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Shares of pairs inside a class in which a real logit is above a generated one, and the low end of their gap.

    known, new, made: float32 [n], of training, held-out and generated samples; labels: int64 [n], of all three.
    The variance is that of DeLong et al. 1988: of each sample's own share of won pairs, over the samples of a kind.
    """
    known_won, made_known = won(known, made, labels)
    new_won, made_new = won(new, made, labels)
    gap = float(known_won.mean() - new_won.mean())
    error = variance(known_won, new_won, made_known - made_new) ** 0.5
    return float(known_won.mean()), float(new_won.mean()), gap - 1.96 * error


def _moved(draw: Callable[[np.ndarray, int], np.ndarray], dataset: Dataset, splits: Splits) -> tuple[float, float]:
    """How much what the augmentation changes varies inside classes, over the same of real samples; the worst.

    The second is the low end of its 95 % interval, by a jackknife: groups of samples are left out in turn. Both are nan
    where there are too few real samples to tell how much they vary, and of kinds that nothing may be varied of.
    """
    augmentation = dataset.kind.augmentation
    if augmentation is None:
        return np.nan, np.nan
    random = np.random.default_rng(0)
    per_class = max(2, min(_MOVED_PER_CLASS, _MOVED // dataset.classes))
    train_labels = dataset.labels[splits.train]
    # At random: the first ones of a class are alike where data lie in the order in which they were collected, as those
    # of a writer in scikit-learn's digits, and everything varies more than they do.
    chosen = [
        random.permutation(splits.train[train_labels == label])[: _REAL_MOVED * per_class]
        for label in range(dataset.classes)
    ]
    if sum(len(positions) - 1 for positions in chosen) < _FEWEST_REAL:
        return np.nan, np.nan
    real_labels = np.repeat(np.arange(dataset.classes), [len(positions) for positions in chosen])
    made_labels = np.repeat(np.arange(dataset.classes), per_class)
    real = augmentation.properties(dataset.samples[np.concatenate(chosen)]).T
    made = augmentation.properties(draw(made_labels, _FAR)).T
    unseen = augmentation.unseen(dataset.kind.form)
    made_log, made_error, made_groups = _variation(made, made_labels, unseen)
    real_log, real_error, real_groups = _variation(real, real_labels, unseen)
    ratio = made_log - real_log
    reach = _STUDENT[min(made_groups, real_groups) - 2] * (made_error + real_error) ** 0.5
    return float(np.exp(ratio.max())), float(np.exp((ratio - reach).max()))


def _variation(properties: np.ndarray, labels: np.ndarray, unseen: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Deviation inside classes, mean over them: its logarithm, the variance of that, and how many groups that is from.

    properties: float64 [k, n]; labels: int64 [n], each at least twice; unseen: float64 [k], see Augmentation.
    returns:    float64 [k], float64 [k] and a number in [2, _GROUPS].
    """
    floor = unseen[:, None]
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    squares, groups = np.empty_like(properties), np.empty(len(labels), np.int64)
    for number, count in enumerate(counts):
        members = classes == number
        own = properties[:, members]
        squares[:, members] = (own - own.mean(1, keepdims=True)) ** 2 * count / (count - 1)
        # By twos: of two samples each is as far from their mean as the other, and says nothing new.
        groups[members] = (np.arange(count) // 2 + number) % _GROUPS

    def logarithm(kept: np.ndarray) -> np.ndarray:
        sums = np.stack([np.bincount(classes[kept], row[kept], len(counts)) for row in squares])
        left = np.bincount(classes[kept], minlength=len(counts))
        deviations = np.sqrt(sums[:, left > 0] / left[left > 0])
        return np.log(np.maximum(deviations.mean(1, keepdims=True), floor))[:, 0]

    used = np.unique(groups)
    everything = logarithm(np.ones(len(labels), bool))
    if len(used) < 2:
        return everything, np.full(len(properties), np.inf), 2
    without = np.array([logarithm(groups != group) for group in used])
    return everything, (len(used) - 1) ** 2 / len(used) * without.var(0, ddof=1), len(used)


@torch.no_grad()
def draw_samples(
    module: torch.nn.Module,
    kind: Kind,
    labels: np.ndarray,
    latent_size: int,
    seed: int,
    device: torch.device,
    batch_size: int = 256,
) -> np.ndarray:
    """Raw samples of a generator in evaluation, decoded as the exported graph does.

    labels:  int64 [n].
    returns: dtype [n, *shape], of the kind.
    """
    sampler, taken = networks.Sampler(module, kind).to(device), networks.chance(module)
    random = torch.Generator(device).manual_seed(seed)
    pages = []
    for start in range(0, len(labels), batch_size):
        label = torch.from_numpy(labels[start : start + batch_size]).to(device)
        latent = torch.randn(len(label), latent_size, generator=random, device=device)
        chosen = networks.drawn(len(label), taken, random, device)
        pages.append(sampler(latent, label, *chosen).cpu().numpy())
    return np.concatenate(pages)
