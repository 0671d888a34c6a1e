"""Measures a generator on held-out real data and writes the quality card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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
    labelled = dataset.classes > 1
    if judge is None:
        judge = _learn_to_judge(dataset, splits, seed, budget, device, report)
    per_class = synthetic_per_class or _default_per_class(dataset, splits, budget)
    labels = np.tile(np.arange(dataset.classes), per_class)
    shape, dtype = dataset.samples.shape[1:], dataset.samples.dtype
    samples = collect(draw, labels, shape, dtype, progress=lambda share: report("drawing samples", 0.35 + 0.15 * share))

    report("learning from synthetic samples only", 0.5)
    right = _score(dataset, splits, samples, labels, seed, judge.steps, device, repeats if labelled else 0, report)

    report("comparing", 0.85)
    test = _Judged.of(judge, *_take(dataset, splits.test))
    made = _Judged.of(judge, samples, labels)
    known = scores.real(dataset, splits.train, test.samples, seed) if labelled else None
    real_right = (test.judged if known is None else known) == test.labels

    report("measuring distances", 0.95)
    card = pb.QualityCard(real_samples=len(test.labels), synthetic_samples=len(samples), feature_digest=judge.digest)
    _measure_distances(card, dataset, splits, judge, test, made, 1000 if budget == "quick" else 5000, random)
    if labelled:
        card.real_accuracy = float(real_right.mean())
        card.classification_accuracy_score, card.score_repeats = float(right.mean()), repeats
        card.classification_accuracy_score_low, card.classification_accuracy_score_high = score_interval(right)
        card.label_fidelity = float((made.judged == labels).mean())

    report("looking for copies", 0.97)
    compared = np.arange(min(len(samples), max(memorisation.SAMPLES, dataset.classes * _NEAREST_PER_CLASS)))
    neighbours = memorisation.compare(samples[compared], labels[compared], dataset, splits, seed)
    card.memorisation.CopyFrom(neighbours.summary())
    card.membership_inference.CopyFrom(membership.attack(samples, labels, dataset, splits, seed))

    measured = _measurements(dataset, splits, test, made, seed, judged_apart=known is not None)
    for each in measured:
        card.measurements.add(name=each.name, value=each.value, real=each.real, detail=each.detail)
    for label in range(dataset.classes):
        quality = _measure_class(card, label, dataset, splits, judge, test, made, random)
        quality.memorisation.CopyFrom(neighbours.summary(label))
        if labelled:
            quality.real_accuracy = real_right[test.labels == label].mean()
            quality.label_fidelity = made.recall(dataset.classes)[label]
            quality.classification_accuracy_score = float(right[:, test.labels == label].mean())

    if carry is not None:
        report("learning to judge what is carried", 0.98)
        given = _take(dataset, splits.train)
        other = fitting.fit(dataset.kind, *given, dataset.classes, seed=seed + 1, steps=judge.steps, device=device)
        card.transform.CopyFrom(carrying.measure(carry, draw, dataset, splits, other, seed=seed))
    confusion = np.zeros((dataset.classes, dataset.classes), np.int64)
    np.add.at(confusion, (labels, made.judged), 1)
    repeated = repeats_of(samples, labels, dataset, splits.train, np.random.default_rng(seed))
    found = find(card, confusion, repeated, test.recall(dataset.classes), measured)
    card.findings.extend(finding.to_message() for finding in found)
    gate.decide(card)
    report("measured", 1.0)
    return card


@dataclass(frozen=True)
class _Judged:
    """Samples, and what the judge says of them.

    samples: raw, [n, *shape]; labels, judged: int64 [n]; features: float32 [n, FEATURES].
    """

    samples: Samples
    labels: np.ndarray
    features: np.ndarray
    judged: np.ndarray

    @classmethod
    def of(cls, judge: Classifier, samples: Samples, labels: np.ndarray) -> _Judged:
        return cls(samples, labels, *judge.judge(samples))

    def recall(self, classes: int) -> np.ndarray:
        """Share of each class that is taken for it, float64 [classes]."""
        return np.array([(self.judged[self.labels == label] == label).mean() for label in range(classes)])


def _learn_to_judge(
    dataset: Dataset, splits: Splits, seed: int, budget: str, device: str | torch.device, report: Progress
) -> Classifier:
    steps = fitting.default_steps(len(splits.train))
    return fitting.fit(
        dataset.kind,
        *_take(dataset, splits.train),
        dataset.classes,
        seed=seed,
        steps=steps // 2 if budget == "quick" else steps,
        device=device,
        progress=lambda share: report("learning to judge, from real samples", 0.35 * share),
    )


def _score(
    dataset: Dataset,
    splits: Splits,
    samples: np.ndarray,
    labels: np.ndarray,
    seed: int,
    steps: int,
    device: str | torch.device,
    repeats: int,
    report: Progress,
) -> np.ndarray:
    """Whether classifiers of synthetic samples alone are right about the test split: bool [repeats, n]."""
    asked, truth = _take(dataset, splits.test)
    learned = partial(scores.learned, dataset, samples, labels, asked, steps=steps, device=device)

    def tell(share: float, done: int) -> None:
        report("learning from synthetic samples only", 0.5 + 0.35 * (done + share) / repeats)

    return np.array([learned(seed=seed + n, progress=partial(tell, done=n)) == truth for n in range(repeats)])


def _measure_distances(
    card: pb.QualityCard,
    dataset: Dataset,
    splits: Splits,
    judge: Classifier,
    test: _Judged,
    made: _Judged,
    most: int,
    random: np.random.Generator,
) -> None:
    """Three sets of one size with the same classes, most samples at most: synthetic and validation, against test."""
    validation_labels = dataset.labels[splits.validation]
    counts = np.minimum(dataset.counts(splits.test), dataset.counts(splits.validation))
    counts = _scaled(counts.clip(max=np.bincount(made.labels).min()), most)
    real_rows = pick(test.labels, counts, random)
    other_rows = pick(validation_labels, counts, random)
    made_rows = pick(made.labels, counts, random)
    real, synthetic = test.features[real_rows], made.features[made_rows]
    other = judge.features(dataset.samples[splits.validation[other_rows]])
    card.frechet_distance, card.frechet_distance_floor = frechet(real, synthetic), frechet(real, other)
    card.kernel_distance = kernel(real, synthetic, test.labels[real_rows], made.labels[made_rows])
    card.kernel_distance_floor = kernel(real, other, test.labels[real_rows], validation_labels[other_rows])
    neighbourhood = density_and_coverage(real, synthetic)
    card.density, card.coverage = neighbourhood.density, neighbourhood.coverage
    card.coverage_ceiling = density_and_coverage(real, other).coverage


def _measurements(
    dataset: Dataset, splits: Splits, test: _Judged, made: _Judged, seed: int, judged_apart: bool
) -> list[Measurement]:
    """What only this kind of data has; judged_apart: accuracies are those of another classifier than the judge."""
    measured: list[Measurement] = []
    if judged_apart:
        # Fidelity then needs a number of real samples of its own.
        of = "by the network that judges, classes in equal parts"
        fidelity, recall = (float(each.recall(dataset.classes).mean()) for each in (made, test))
        measured.append(Measurement(scores.JUDGED, fidelity, recall, of))
    if answers(dataset.kind, "measurements"):
        measured += dataset.kind.measurements(*parts.alike(made.samples[:], made.labels, dataset, splits, seed))
    return measured


def _measure_class(
    card: pb.QualityCard,
    label: int,
    dataset: Dataset,
    splits: Splits,
    judge: Classifier,
    test: _Judged,
    made: _Judged,
    random: np.random.Generator,
) -> pb.ClassQuality:
    """The class's part of the card: how much its samples vary, and how much of the real ones they cover."""
    own, train = made.labels == label, splits.train[dataset.labels[splits.train] == label]
    # Against the training split: it has the most samples, and this number cannot be gained by copying.
    ratio, low, high = spread_interval(made.samples[own], dataset.part(train), dataset.kind.values)
    quality = card.classes.add(
        label=dataset.class_names[label],
        real_samples=int((test.labels == label).sum()),
        synthetic_samples=int(own.sum()),
        spread_ratio=ratio,
        spread_ratio_low=low,
        spread_ratio_high=high,
    )
    held = np.concatenate([part[dataset.labels[part] == label] for part in (splits.validation, splits.test)])
    if inside.enough(len(held), len(train), int(own.sum())):
        _cover(quality, dataset, judge, held, train, made.samples[own], made.features[own], random)
    return quality


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


def _scaled(counts: np.ndarray, limit: int) -> np.ndarray:
    return counts if counts.sum() <= limit else np.maximum(2, counts * limit // counts.sum())
