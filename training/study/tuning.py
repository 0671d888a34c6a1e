"""Which trial of each arm is compared: the best on the validation split, one arm after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from training.data.kind import Kind
from training.study import arms
from training.study.arms import Trial
from training.study.learners import Learner
from training.study.plan import Plan

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
    transforms: bool = False,
) -> dict[str, Trial]:
    """Each arm's trial, in order of the comparison.

    counts: real samples of each class, int64 [classes]. compared: arms of other systems, trained on the same
    samples. published: whether synthetic samples are the published file's. selection: see Plan. transforms: whether the
    generator does.
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
    if transforms:
        trials = arms.transformed(learner.raw(plain, counts, published), even)
        chosen[arms.TRANSFORMED] = best(arms.TRANSFORMED, trials)
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


def expected(plan: Plan, teaching: Sequence[Learner], recipes: int, transforms: bool) -> int:
    """Cells of a whole plan, about: which trials are chosen decides how many are shared.

    teaching: the sorts of classifiers; recipes: standard augmentations that are tried.
    """
    baselines = 1 + recipes + 2 + 2 + len(arms.SHARES)
    further = 2 + len(arms.SELECTIONS) * plan.selection + len(arms.TRUNCATIONS) + 1
    further += (len(arms.SHARES) + 1) * transforms
    repeated = plan.repeats * plan.seeds - plan.tuned_on
    total = 0
    for learner in teaching:
        cells = baselines * plan.tuned_on + 6 * repeated
        for retrained in plan.retrained:
            trials = len(arms.SHARES if retrained else arms.SHARES_OF_PUBLISHED) + further
            cells += trials * plan.tuned_on + 3 * repeated
        # By other measures, half of what is chosen is another trial.
        total += cells * (1 + len(learner.measures)) // 2
    return len(plan.scenarios) * total
