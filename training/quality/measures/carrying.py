"""What carrying real samples into other classes is worth: on held-out ones, by a judge that nobody learned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from augmint.v1 import generator_pb2 as pb
from training.data import Dataset
from training.data.kind import Kind, Picture, answers, value_range
from training.data.splits import Splits
from training.judge.classifier import Classifier
from training.quality.measures import inside
from training.quality.measures.sampling import Draw

# raw [n, *shape], into which classes and of which they are, int64 [n] each, strength in [0, 1] -> raw [n, *shape]
Carry = Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]

PER_CLASS, TOTAL = 300, 6000  # carried samples, at most
MOST_PROPERTIES = 12  # those that say least of the class
_START = 2**30  # index of the first fresh sample that carried ones are compared with


def measure(
    carry: Carry, draw: Draw, dataset: Dataset, splits: Splits, judge: Classifier, *, seed: int
) -> pb.TransformQuality:
    """Carry held-out samples of all classes into every other one, equally many into each.

    judge: of real samples, and not the one that the encoder learned from, which it may have learned to please.
    """
    random = np.random.default_rng(seed)
    held = np.concatenate([splits.validation, splits.test])
    labels, classes = dataset.labels[held], dataset.classes
    per_class = max(2, min(PER_CLASS, TOTAL // classes))
    chosen, targets = [], []
    for label in range(classes):
        others = random.permutation(held[labels != label])[:per_class]
        chosen.append(others)
        targets.append(np.full(len(others), label))
    positions, target = np.concatenate(chosen), np.concatenate(targets)
    raw, source = dataset.samples[positions], dataset.labels[positions]
    carried = carry(raw, target, source, 1.0)
    features, judged = judge.judge(carried)
    right = judged == target
    quality = pb.TransformQuality(
        samples=len(raw),
        recognised=float(right.mean()),
        reconstruction_error=missed(dataset.kind, raw, carry(raw, source, source, 0.0)),
    )
    kept = properties(dataset.kind, raw, source)
    after, fresh = (dataset.kind.properties(each) for each in (carried, draw(target, _START))) if kept else ({}, {})
    for name, before in kept.items():
        quality.kept.add(
            name=name,
            correlation=correlation(before, source, after[name], target),
            fresh=correlation(before, source, fresh[name], target),
        )
    for label, name in enumerate(dataset.class_names):
        own = target == label
        found = quality.classes.add(label=name, recognised=float(right[own].mean()), samples=int(own.sum()))
        share = _covered(dataset, splits, judge, label, carried[own], features[own], random)
        if share is not None:
            found.coverage = share
    return quality


def _covered(
    dataset: Dataset,
    splits: Splits,
    judge: Classifier,
    label: int,
    carried: np.ndarray,
    features: np.ndarray,
    random: np.random.Generator,
) -> float | None:
    """Share of the held-out samples of a class that carried ones come near to; None if too few could tell."""
    held, train = (
        random.permutation(part[dataset.labels[part] == label])
        for part in (np.concatenate([splits.validation, splits.test]), splits.train)
    )
    held, train = held[: inside.MOST_HELD_OUT], train[: inside.MOST_OTHERS]
    if not inside.enough(len(held), len(train), len(carried)):
        return None
    real = dataset.samples[np.concatenate([held, train])]
    vectors = inside.vectors(
        np.concatenate([judge.features(real), features]),
        dataset.kind.compact(np.concatenate([real, carried]), coarse=True),
        np.arange(len(real) + len(carried)) < len(real),
    )
    held_vectors, train_vectors, made_vectors = np.split(vectors, [len(held), len(real)])
    return inside.inside(held_vectors, train_vectors, made_vectors, seed=0).coverage


def properties(kind: Kind, raw: np.ndarray, labels: np.ndarray) -> Mapping[str, np.ndarray]:
    """What is measured of samples beside their class: by name, float64 [n]; those that vary inside classes."""
    found = {name: values for name, values in kind.properties(raw).items() if _deviations(values, labels)[1].any()}
    if len(found) <= MOST_PROPERTIES:
        return found
    by_class = {name: _share_of_class(values, labels) for name, values in found.items()}
    least = sorted(found, key=lambda name: by_class[name])[:MOST_PROPERTIES]
    return {name: values for name, values in found.items() if name in least}


def correlation(before: np.ndarray, source: np.ndarray, after: np.ndarray, target: np.ndarray) -> float:
    """Pearson's, of deviations from the means of the classes; 0 if one of them does not vary.

    before, after: float64 [n], not a number where there is none; source, target: their classes, int64 [n].
    """
    known = np.isfinite(before) & np.isfinite(after)
    first, second = (
        _deviations(values[known], labels[known])[0] for values, labels in ((before, source), (after, target))
    )
    scale = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / scale if scale > 0 else 0.0


def _deviations(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From the mean of each class, [n]; and whether a value differs from it by more than rounding."""
    found = np.array(values, np.float64)
    for label in np.unique(labels):
        own = labels == label
        known = own & np.isfinite(found)
        if known.any():
            found[own] -= found[known].mean()
    return found, np.abs(np.nan_to_num(found)) > 1e-9 * max(1.0, float(np.abs(np.nan_to_num(values)).max(initial=0.0)))


def _share_of_class(values: np.ndarray, labels: np.ndarray) -> float:
    """Of a property's variance, what the class explains, in [0, 1]."""
    known = np.isfinite(values)
    values, labels = values[known], labels[known]
    return 1 - float(_deviations(values, labels)[0].var() / max(float(values.var()), 1e-30))


def missed(kind: Kind, raw: np.ndarray, again: np.ndarray) -> float:
    """Mean absolute difference of samples and themselves made again, as a share of the range of values, in [0, 1]."""
    first, second = (np.asarray(kind.values(each), np.float64) for each in (raw, again))
    distance = np.abs(first - second)
    if not answers(kind, "values"):
        return float(distance.mean() / value_range(kind.dtype))
    # Of all values together: some hardly vary, such as a band in which all sounds are silent.
    reach = float(np.ptp(first, axis=0).mean())
    return min(1.0, float(distance.mean()) / reach) if reach > 0 else 0.0


SHEET_CLASSES, SHEET_SAMPLES = 20, 20


def sheet(carry: Carry, dataset: Dataset, splits: Splits) -> Picture:
    """Held-out real samples, some of each class, and under them the same samples in every class."""
    labels, shown = dataset.labels[splits.test], min(dataset.classes, SHEET_CLASSES)
    each = max(1, SHEET_SAMPLES // dataset.classes)
    found = np.concatenate([splits.test[labels == label][:each] for label in range(dataset.classes)])
    raw, source = dataset.samples[found[:SHEET_SAMPLES]], dataset.labels[found[:SHEET_SAMPLES]]
    groups = [raw, *(carry(raw, np.full(len(raw), label), source, 1.0) for label in range(shown))]
    names = ["real", *dataset.class_names[:shown]]
    return dataset.kind.sheet(groups, names, len(raw), "held-out real samples, and the same in every class")
