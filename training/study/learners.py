"""How a study teaches: the judge's network batch by batch, or what people use, with all samples at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch

from training.data.kind import Kind
from training.judge import fitting
from training.study import arms
from training.study.arms import Trial
from training.study.measures import AUC, BALANCED, F1

MOST_ADDED = 50_000  # synthetic samples beside real ones, for a classifier that gets all at once
FEWEST_ALONE = 10_000  # synthetic samples without real ones


class Fitted(Protocol):
    """A classifier that has learned."""

    def predict_proba(self, samples: np.ndarray) -> np.ndarray:
        """Raw samples [n, *shape] -> probability of each class, [n, classes]."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a classifier learns from: raw samples [n, *shape] with int64 [n] labels, real and synthetic."""

    samples: np.ndarray
    labels: np.ndarray
    made: np.ndarray
    made_labels: np.ndarray
    replicate: int
    seed: int


class Learner(Protocol):
    """One sort of classifier. counts: real samples of each class that it learns from, int64 [classes]."""

    name: str  # in the card; empty: the network that judges
    measures: Sequence[str]  # by each of them settings are chosen and arms compared; the first one decides how to draw
    plain: str  # the arm of real samples that others build on

    def baselines(self, best: Trial) -> Mapping[str, list[Trial]]:
        """Arms without a generator, beside real samples, weights and oversampling. best: of those three."""

    def raw(self, best: Trial, counts: np.ndarray, published: bool) -> list[Trial]:
        """Of the arm with synthetic samples."""

    def alone(self, plain: Trial, published: bool) -> list[Trial]:
        """Of the arm without real samples."""

    def wanted(self, trial: Trial, counts: np.ndarray) -> int:
        """Synthetic samples that a trial takes."""

    def learn(self, trial: Trial, lesson: Lesson) -> Fitted: ...


class JudgeLearner:
    """The judge's, taught by batches of a fixed mixture for a fixed number of steps."""

    name, plain = "", arms.STANDARD
    measures: Sequence[str] = (BALANCED,)

    def __init__(self, kind: Kind, classes: int, steps: int | None, device: torch.device) -> None:
        """steps: None: by the number of real samples, as for the card."""
        self._kind, self._classes, self._wanted_steps, self._device = kind, classes, steps, device

    def baselines(self, best: Trial) -> dict[str, list[Trial]]:
        return {arms.MIXED: arms.mixed(best)}

    def raw(self, best: Trial, counts: np.ndarray, published: bool) -> list[Trial]:
        return arms.raw(best, published)

    def alone(self, plain: Trial, published: bool) -> list[Trial]:
        return [replace(plain, share=1.0, published=published)]

    def wanted(self, trial: Trial, counts: np.ndarray) -> int:
        return self._of_batch(trial) * self.steps(int(counts.sum()))

    def steps(self, real: int) -> int:
        return self._wanted_steps or fitting.default_steps(real)

    def learn(self, trial: Trial, lesson: Lesson) -> Fitted:
        real, labels, classes = len(lesson.labels), lesson.labels, self._classes
        steps, of_batch = self.steps(real), self._of_batch(trial)
        random = np.random.default_rng([lesson.seed, lesson.replicate])
        samples, targets = lesson.samples, labels
        if of_batch:
            samples = np.concatenate([samples, lesson.made])
            targets = np.concatenate([labels, lesson.made_labels])
        own = (fitting.BATCH - of_batch) * steps
        if trial.draw == "even":
            drawn = fitting.balanced_order(labels, classes, own, lesson.seed)
        else:
            passes = max(1, -(-own // real))
            drawn = np.concatenate([random.permutation(real) for _ in range(passes)])[:own]
        fresh = real + np.arange(of_batch * steps)
        order = np.concatenate([drawn.reshape(steps, own // steps), fresh.reshape(steps, of_batch)], axis=1).reshape(-1)
        weights = None
        if trial.weighted:
            weights = real / (classes * np.bincount(labels, minlength=classes))
        return fitting.fit(
            self._kind,
            samples,
            targets,
            classes,
            seed=lesson.seed,
            steps=steps,
            device=self._device,
            recipe=trial.recipe,
            mixup=trial.mixup,
            order=order,
            weights=weights,
        )

    @staticmethod
    def _of_batch(trial: Trial) -> int:
        return round(trial.share * fitting.BATCH)


class PupilLearner:
    """One of those that people use for the kind (Kind.pupils): it gets real and synthetic samples at once."""

    plain = arms.REAL
    measures: Sequence[str] = (BALANCED, F1, AUC)

    def __init__(self, kind: Kind, classes: int, name: str) -> None:
        self.name, self._kind, self._classes = name, kind, classes

    def baselines(self, best: Trial) -> dict[str, list[Trial]]:
        plain = arms.unvaried(self._kind)
        return {name: [replace(plain, resampler=way) for way in ways] for name, ways in self._kind.resamplers().items()}

    def raw(self, best: Trial, counts: np.ndarray, published: bool) -> list[Trial]:
        return arms.raw_at_once(best, self._evened(best, counts), MOST_ADDED, published)

    def alone(self, plain: Trial, published: bool) -> list[Trial]:
        return [replace(plain, share=1.0, toward=toward, published=published) for toward in ("natural", "even")]

    def wanted(self, trial: Trial, counts: np.ndarray) -> int:
        real = int(self._evened(trial, counts).sum())
        return max(FEWEST_ALONE, real) if trial.share == 1 else arms.added(trial.share, real)

    def learn(self, trial: Trial, lesson: Lesson) -> Fitted:
        samples, labels, classes = lesson.samples, lesson.labels, self._classes
        if trial.share == 1:
            samples, labels = samples[:0], labels[:0]
        elif trial.resampler is not None:
            samples, labels = trial.resampler.resample(samples, labels, lesson.seed)
        elif trial.draw == "even":
            counts = np.bincount(labels, minlength=classes)
            each = int(counts.max()) * int((counts > 0).sum())
            order = fitting.balanced_order(labels, classes, each, lesson.seed)
            samples, labels = samples[order], labels[order]
        if trial.share:
            samples = np.concatenate([samples, lesson.made])
            labels = np.concatenate([labels, lesson.made_labels])
        weights = None
        if trial.weighted:
            counts = np.bincount(labels, minlength=classes)
            weights = (len(labels) / ((counts > 0).sum() * np.maximum(counts, 1)))[labels]
        pupil = self._kind.pupils(classes, lesson.seed)[self.name]
        pupil.fit(samples, labels, weights)
        return pupil

    @staticmethod
    def _evened(trial: Trial, counts: np.ndarray) -> np.ndarray:
        """What is learned from of real samples, once they are drawn as the trial says."""
        return np.where(counts > 0, counts.max(), 0) if trial.draw == "even" else counts


def learners(kind: Kind, classes: int, steps: int | None, device: torch.device) -> list[Learner]:
    """The classifiers of a study; the one that people use most comes last, for the last recommendation stands."""
    names = list(kind.pupils(classes, 0))
    if names:
        return [PupilLearner(kind, classes, name) for name in reversed(names)]
    return [JudgeLearner(kind, classes, steps, device)]
