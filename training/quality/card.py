"""Measures a generator on held-out real data and writes the quality card."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch

from augmint.v1 import generator_pb2 as pb
from training.data import Dataset, Samples
from training.data.kind import Measurement, answers
from training.data.splits import Splits
from training.judge import fitting
from training.judge.classifier import Classifier
from training.quality import gate
from training.quality.findings.samples import find
from training.quality.measures import carrying, inside, membership, memorisation, parts, scores
from training.quality.measures.distances import frechet, kernel
from training.quality.measures.intervals import score_interval
from training.quality.measures.neighbours import density_and_coverage
from training.quality.measures.repeats import repeats as repeats_of
from training.quality.measures.sampling import Draw, collect, pick
from training.quality.measures.spread import spread_interval

# Stage in words, and the share of the whole measurement that is done, in [0, 1].
Progress = Callable[[str, float], None]

_SYNTHETIC_BYTES = 2**29
_SYNTHETIC_TOTAL = 60_000
_NEAREST_PER_CLASS = 20  # compared with training samples, at least


def measure(
    draw: Draw,
    dataset: Dataset,
    splits: Splits,
    *,
    seed: int,
    synthetic_per_class: int | None = None,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
    budget: Literal["quick", "full"] = "full",
    judge: Classifier | None = None,
    repeats: int = 1,
    carry: carrying.Carry | None = None,
) -> pb.QualityCard:
    """Fill every field of a quality card but what a study adds, and let the gate decide on it.

    This and the study are the places that read the test split.

    draw:                (class indices int64 [n], start) -> raw [n, *shape], sample i at index start + i.
    seed:                of the classifiers and of every choice of samples.
    synthetic_per_class: samples of each class to judge and to train on, at least 2; None: as many as the largest
                         class has for training, at least 500, within 60,000 and 512 MiB in all.
    budget:              "quick" trains the classifiers half as long and measures distances on 1,000 samples at most
                         instead of 5,000.
    judge:               a classifier of the training split, if one is fitted already; else one is fitted here.
    repeats:             classifiers, of different seeds, that learn from synthetic samples; the score is their mean.
    carry:               real samples into other classes, if the generator does that; judged by a classifier of real
                         samples of its own, since the encoder has learned from the first one.

    Where there is one class nothing can be recognised: accuracies and label fidelity stay absent.

    Accuracies are those of the classifier that people use for the kind (`Kind.pupil`): one that learned from the real
    training split, and one that learned from synthetic samples only. Where that is a network like the judge, the second
    has its architecture, seed and number of steps, and the first is the judge. All weigh classes alike. The synthetic
    set has equal classes; what is compared with real sets is a part of it with their shares of the classes.
    """
    report = progress or (lambda stage, share: None)
    random = np.random.default_rng(seed)
    classes = dataset.classes
    if judge is None:
        steps = fitting.default_steps(len(splits.train))
        judge = fitting.fit(
            dataset.kind,
            *_take(dataset, splits.train),
            classes,
            seed=seed,
            steps=steps // 2 if budget == "quick" else steps,
            device=device,
            progress=lambda share: report("learning to judge, from real samples", 0.35 * share),
        )
    per_class = synthetic_per_class or _default_per_class(dataset, splits, budget)
    labels = np.tile(np.arange(classes), per_class)
    shape, dtype = dataset.samples.shape[1:], dataset.samples.dtype
    samples = collect(draw, labels, shape, dtype, progress=lambda share: report("drawing samples", 0.35 + 0.15 * share))
    labelled = classes > 1
    report("learning from synthetic samples only", 0.5)
    test_samples, test_labels = _take(dataset, splits.test)
    right = np.array(
        [
            scores.learned(
                dataset,
                samples,
                labels,
                test_samples,
                seed=seed + repeat,
                steps=judge.steps,
                device=device,
                progress=lambda share, done=repeat: report(  # type: ignore[misc]
                    "learning from synthetic samples only", 0.5 + 0.35 * (done + share) / repeats
                ),
            )
            == test_labels
            for repeat in range(repeats if labelled else 0)
        ]
    )
    report("comparing", 0.85)
    test_features, test_judged = judge.judge(test_samples)
    features, judged = judge.judge(samples)
    known = scores.real(dataset, splits.train, test_samples, seed) if labelled else None
    real_right = (test_judged if known is None else known) == test_labels
    fidelity = _recall(labels, judged, classes)
    report("measuring distances", 0.95)

    # Three sets of one size with the same classes: synthetic and validation, each against test.
    validation_labels = dataset.labels[splits.validation]
    counts = np.minimum(dataset.counts(splits.test), dataset.counts(splits.validation)).clip(max=per_class)
    counts = _scaled(counts, 1000 if budget == "quick" else 5000)
    real_rows = pick(test_labels, counts, random)
    other_rows = pick(validation_labels, counts, random)
    made_rows = pick(labels, counts, random)
    real = test_features[real_rows]
    other = judge.features(dataset.samples[splits.validation[other_rows]])
    made = features[made_rows]
    neighbourhood = density_and_coverage(real, made)
    card = pb.QualityCard(
        real_samples=len(test_labels),
        synthetic_samples=len(samples),
        frechet_distance=frechet(real, made),
        frechet_distance_floor=frechet(real, other),
        kernel_distance=kernel(real, made, test_labels[real_rows], labels[made_rows]),
        kernel_distance_floor=kernel(real, other, test_labels[real_rows], validation_labels[other_rows]),
        density=neighbourhood.density,
        coverage=neighbourhood.coverage,
        coverage_ceiling=density_and_coverage(real, other).coverage,
        feature_digest=judge.digest,
    )
    if labelled:
        card.real_accuracy = float(real_right.mean())
        card.classification_accuracy_score, card.score_repeats = float(right.mean()), repeats
        card.classification_accuracy_score_low, card.classification_accuracy_score_high = score_interval(right)
        card.label_fidelity = float((judged == labels).mean())
    report("looking for copies", 0.97)
    compared = np.arange(min(len(samples), max(memorisation.SAMPLES, classes * _NEAREST_PER_CLASS)))
    neighbours = memorisation.compare(samples[compared], labels[compared], dataset, splits, seed)
    card.memorisation.CopyFrom(neighbours.summary())
    card.membership_inference.CopyFrom(membership.attack(samples, labels, dataset, splits, seed))
    measured: list[Measurement] = []
    if answers(dataset.kind, "measurements"):
        measured += dataset.kind.measurements(*parts.alike(samples, labels, dataset, splits, seed))
    recall = np.array(_recall(test_labels, test_judged, classes))
    if known is not None:
        # Accuracies are another classifier's, so fidelity needs a number of real samples of its own.
        of = "by the network that judges, classes in equal parts"
        measured.insert(0, Measurement(scores.JUDGED, float(np.mean(fidelity)), float(recall.mean()), of))
    for each in measured:
        card.measurements.add(name=each.name, value=each.value, real=each.real, detail=each.detail)
    train_labels = dataset.labels[splits.train]
    for label, name in enumerate(dataset.class_names):
        own, train = labels == label, splits.train[train_labels == label]
        # Against the training split: it has the most samples, and this number cannot be gained by copying.
        ratio, low, high = spread_interval(samples[own], dataset.part(train), dataset.kind.values)
        quality = card.classes.add(
            label=name,
            real_samples=int((test_labels == label).sum()),
            synthetic_samples=int(own.sum()),
            spread_ratio=ratio,
            spread_ratio_low=low,
            spread_ratio_high=high,
            memorisation=neighbours.summary(label),
        )
        held = np.concatenate([part[dataset.labels[part] == label] for part in (splits.validation, splits.test)])
        if inside.enough(len(held), len(train), int(own.sum())):
            _cover(quality, dataset, judge, held, train, samples[own], features[own], random)
        if labelled:
            quality.real_accuracy, quality.label_fidelity = real_right[test_labels == label].mean(), fidelity[label]
            quality.classification_accuracy_score = float(right[:, test_labels == label].mean())
    if carry is not None:
        report("learning to judge what is carried", 0.98)
        other = fitting.fit(
            dataset.kind, *_take(dataset, splits.train), classes, seed=seed + 1, steps=judge.steps, device=device
        )
        card.transform.CopyFrom(carrying.measure(carry, draw, dataset, splits, other, seed=seed))
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, judged), 1)
    repeated = repeats_of(samples, labels, dataset, splits.train, np.random.default_rng(seed))
    found = find(card, confusion, repeated, recall, measured)
    card.findings.extend(finding.to_message() for finding in found)
    gate.decide(card)
    report("measured", 1.0)
    return card


def _cover(
    quality: pb.ClassQuality,
    dataset: Dataset,
    judge: Classifier,
    held: np.ndarray,
    train: np.ndarray,
    samples: np.ndarray,
    features: np.ndarray,
    random: np.random.Generator,
) -> None:
    """Write coverage inside a class into its part of the card.

    held, train: int64, positions of the class's real samples; samples, features: of its synthetic ones.
    """
    held = random.permutation(held)[: inside.MOST_HELD_OUT]
    train = random.permutation(train)[: inside.MOST_OTHERS]
    samples, features = samples[: inside.MOST_OTHERS], features[: inside.MOST_OTHERS]
    real = dataset.samples[np.concatenate([held, train])]
    vectors = inside.vectors(
        np.concatenate([judge.features(real), features]),
        dataset.kind.compact(np.concatenate([real, samples]), coarse=True),
        np.arange(len(real) + len(samples)) < len(real),
    )
    held_vectors, train_vectors, made_vectors = np.split(vectors, [len(held), len(real)])
    found = inside.inside(held_vectors, train_vectors, made_vectors, seed=0)
    quality.coverage, quality.coverage_ceiling = found.coverage, found.ceiling
    quality.coverage_low, quality.coverage_high = found.low, found.high
    quality.coverage_samples = found.samples


def _default_per_class(dataset: Dataset, splits: Splits, budget: str) -> int:
    wanted = max(500, int(dataset.counts(splits.train).max()))
    if budget == "quick":
        wanted = min(wanted, 1000)
    total = min(_SYNTHETIC_TOTAL, _SYNTHETIC_BYTES // dataset.samples[0].nbytes)
    return max(2, min(wanted, total // dataset.classes))


def _take(dataset: Dataset, positions: np.ndarray) -> tuple[Samples, np.ndarray]:
    return dataset.part(positions), dataset.labels[positions]


def _recall(labels: np.ndarray, predicted: np.ndarray, classes: int) -> list[float]:
    return [float((predicted[labels == label] == label).mean()) for label in range(classes)]


def _scaled(counts: np.ndarray, limit: int) -> np.ndarray:
    return counts if counts.sum() <= limit else np.maximum(2, counts * limit // counts.sum())
