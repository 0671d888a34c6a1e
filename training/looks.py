"""A look at the generator while it trains: a sheet of samples, and the numbers that the watchdog judges by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training import quality
from training.classifier import Classifier
from training.data import Dataset
from training.run import Run
from training.samples import draw_samples
from training.splits import Splits
from training.symptoms import Look
from training.trainer import Trainer

SHEET_COLUMNS = 16
SHEET_ROWS = 32

_HELD_OUT = 256  # most held-out samples that the discriminator is asked about
_FEWEST_HELD_OUT = 40  # for a share that means anything
_MOVED_PER_CLASS, _MOVED = 16, 1024
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
    ahead_train, ahead_held_out = _ahead(draw, trainer, dataset, splits)
    return Look(
        step=trainer.steps,
        share=share,
        class_fidelity=check.class_fidelity.tolist(),
        spread_ratio=check.spread_ratio.tolist(),
        kernel_distance=float(check.kernel_distance),
        ahead_train=ahead_train,
        ahead_held_out=ahead_held_out,
        moved=_moved(draw, dataset, splits)
        if dataset.kind.augmentation and config.augmentation_for(len(splits.train))
        else np.nan,
    )


def _ahead(
    draw: Callable[[np.ndarray, int], np.ndarray], trainer: Trainer, dataset: Dataset, splits: Splits
) -> tuple[float, float]:
    """How often a real sample's logit is above a generated one's of the same class: training samples, held-out ones."""
    random = np.random.default_rng(0)
    held_out = random.permutation(splits.validation)[:_HELD_OUT]
    held_out = held_out[: len(held_out) // 4 * 4]
    if len(held_out) < _FEWEST_HELD_OUT or trainer.config.objective == "evidence":
        return np.nan, np.nan
    labels = dataset.labels[held_out]
    train_labels = dataset.labels[splits.train]
    train = np.empty_like(held_out)
    for label in np.unique(labels):
        members, wanted = splits.train[train_labels == label], labels == label
        train[wanted] = random.choice(members, wanted.sum(), replace=wanted.sum() > len(members))
    made = trainer.logits(draw(labels, _FAR), labels)
    return tuple(  # type: ignore[return-value]
        _share_above(trainer.logits(dataset.samples[positions], labels), made, labels)
        for positions in (train, held_out)
    )


def _share_above(real: np.ndarray, made: np.ndarray, labels: np.ndarray) -> float:
    """Over all pairs inside a class, ties as half; float32 [n] each, int64 [n]."""
    won = 0.0
    for label in np.unique(labels):
        members = labels == label
        first, second = real[members][:, None], made[members][None, :]
        won += ((first > second) + 0.5 * (first == second)).mean() * members.sum()
    return float(won / len(labels))


def _moved(draw: Callable[[np.ndarray, int], np.ndarray], dataset: Dataset, splits: Splits) -> float:
    """How much what the augmentation changes varies inside classes, over the same of real samples: the worst; nan
    of kinds that nothing may be varied of."""
    if dataset.kind.augmentation is None:
        return np.nan
    properties = dataset.kind.augmentation.properties
    per_class = max(2, min(_MOVED_PER_CLASS, _MOVED // dataset.classes))
    train_labels = dataset.labels[splits.train]
    chosen = [splits.train[train_labels == label][:per_class] for label in range(dataset.classes)]
    real_labels = np.repeat(np.arange(dataset.classes), [len(positions) for positions in chosen])
    made_labels = np.repeat(np.arange(dataset.classes), per_class)
    real = _variation(properties(dataset.samples[np.concatenate(chosen)]), real_labels)
    made = _variation(properties(draw(made_labels, _FAR)), made_labels)
    return float((made / np.maximum(real, 1e-3)).max())


def _variation(properties: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Deviation inside classes, mean over them: properties float64 [n, k], labels int64 [n] -> float64 [k]."""
    return np.stack([properties[labels == label].std(0) for label in np.unique(labels)]).mean(0)
