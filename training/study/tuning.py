"""Which trial of each arm is compared: the best on the validation split, one arm after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from training.data.kind import Kind
from training.study import arms
from training.study.arms import Trial
from training.study.learners import Learner

# (arm, trial) -> its score on the validation split
Score = Callable[[str, Trial], float]


def choose(
    learner: Learner,
    kind: Kind,
    counts: np.ndarray,
    score: Score,
    *,
    compared: Sequence[str],
    published: bool,
    selection: bool,
) -> dict[str, Trial]:
    """Each arm's trial, in order of the comparison.

    counts: real samples of each class, int64 [classes]. compared: arms of other systems, trained on the same
    samples. published: whether synthetic samples are the published file's. selection: see Plan.
    """
    even = counts.min() == counts.max()
    chosen = {arms.REAL: arms.unvaried(kind)}

    def best(arm: str, trials: Sequence[Trial]) -> Trial:
        return trials[0] if len(trials) == 1 else max(trials, key=lambda trial: score(arm, trial))

    if learner.plain == arms.STANDARD:
        chosen[arms.STANDARD] = best(arms.STANDARD, arms.standard(kind))
    plain = chosen[learner.plain]
    if not even:
        chosen[arms.WEIGHTED] = replace(plain, weighted=True)
        chosen[arms.OVERSAMPLED] = replace(plain, draw="even")
    of_real = [arm for arm in chosen if arm == learner.plain or arm in (arms.WEIGHTED, arms.OVERSAMPLED)]
    if len(of_real) > 1:
        plain = chosen[max(of_real, key=lambda arm: score(arm, chosen[arm]))]
    for arm, trials in learner.baselines(plain).items():
        if not even or not _evens(trials):
            chosen[arm] = best(arm, trials)
    for arm in compared:
        chosen[arm] = best(arm, learner.raw(plain, counts, False))
    chosen[arms.RAW] = best(arms.RAW, learner.raw(plain, counts, published))
    chosen[arms.CHOSEN] = _selected(chosen[arms.RAW], even, selection, score)
    chosen[arms.ONLY] = best(arms.ONLY, learner.alone(chosen[learner.plain], published))
    return chosen


def _evens(trials: Sequence[Trial]) -> bool:
    """Whether all that the trials do is to make classes as large as others."""
    return all(trial.resampler is not None and trial.resampler.evens for trial in trials)


def baselines(chosen: dict[str, Trial], learner: Learner) -> list[str]:
    """The arms that the generator has to beat; real samples unvaried only where there is no way of varying them."""
    unvaried = () if learner.plain == arms.REAL else (arms.REAL,)
    return [arm for arm in chosen if arm not in (*arms.SYNTHETIC, *unvaried)]


def _selected(raw: Trial, even: bool, selection: bool, score: Score) -> Trial:
    """The best trial that also chooses classes, candidates and truncation: one after the other."""
    best = raw
    groups = [lambda _: arms.directed(raw, even)] + ([arms.selected] if selection else []) + [arms.truncated]
    for group in groups:
        best = max([best, *group(best)], key=lambda trial: score(arms.CHOSEN, trial))
    return best
