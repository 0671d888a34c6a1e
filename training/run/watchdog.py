"""Watches a run: remembers what its looks show, and says when it is lost and must go back.

It decides from two things only, both the same in every repetition of a run: means of the losses over windows of
steps, and looks at the samples. What makes a run lost is a finding with severity FAILURE that two looks in a row show
while nothing improves; a loss that is not finite is enough at once. A label that is ignored counts only where it was
not before: some systems take most of their time to learn it, and a smaller rate would make them slower still.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from training.quality.findings.finding import Finding, FindingKind, Severity, worst_first
from training.quality.findings.training import Look, Means, Symptoms

WINDOW = 20  # steps that a mean of the losses is taken over

# Findings.
FORGOTTEN = 0.2  # of label fidelity, since an earlier look
STILL_FALLING = 0.15  # of the kernel distance; a rise of as much is a run that gets worse
NEGLIGIBLE = 0.05  # of the attempt's largest kernel distance: so small a change moves no score on digits
FEWEST_STEPS = 200

# Progress between two looks: nothing is lost while the run still gets better.
CLOSER = 0.05  # of the kernel distance
WIDER = 0.05  # of the real spread
CLEARER = 0.05  # of label fidelity

# 95 % of Student's t for two groups of 2, 3, 4, 5, and 6 or more.
_STUDENT = (2.92, 2.13, 1.94, 1.86, 1.81)

NEW_LOOKS = 3  # looks that a run from fresh weights gets before it is judged
OLD_LOOKS = 2  # the same after going back to a good state


class Watchdog:
    """One for a whole run; `restart` tells it that the run went back."""

    def __init__(
        self, class_names: Sequence[str], recall: np.ndarray, critic: bool = False, competes: bool = True
    ) -> None:
        """recall: float64 [classes], share of held-out real samples of each class that the judge recognises.

        critic:   the discriminator estimates a distance (WGAN); it teaches best where it always wins.
        competes: there is a discriminator, and something to say of it.
        """
        self._competes = competes
        self._symptoms = Symptoms(class_names, recall, critic)
        self._looks: list[Look] = []
        self._since = 0  # looks of earlier attempts, which nothing is compared with
        self._patience = NEW_LOOKS
        self._ahead: list[float] = []  # of the windows since the last look
        self._generator_norm = 0.0  # of the last window
        self._largest_norm = 0.0  # of any window of this attempt
        self._failing: list[str] = []  # kinds that the last look found with severity FAILURE
        self.findings: list[Finding] = []  # of the last look, worst first; none before there is something to judge

    def record(self, means: Means) -> None:
        """Take in the losses of a window."""
        self._ahead.append(means.real_ahead)
        self._generator_norm = means.generator_norm
        self._largest_norm = max(self._largest_norm, means.generator_norm)

    def look(self, look: Look) -> Finding | None:
        """Take in a look, and renew `findings`; the worst one if the run is lost."""
        self._looks.append(look)
        seen, before = self._looks[self._since :], self._failing
        ahead = float(np.mean(self._ahead)) if self._ahead else math.nan
        signal = self._generator_norm / self._largest_norm if self._competes and self._largest_norm > 0 else math.nan
        worsens = any(_change(seen, back) < -STILL_FALLING for back in (1, 2, 3))
        found = worst_first(self._symptoms.of(look, ahead, signal, worsens))
        self._failing = [finding.kind.value for finding in found if _fails(finding)]
        self._ahead = []
        self.findings = found if len(seen) >= OLD_LOOKS else []
        if len(seen) < self._patience:
            return None
        knew_labels = max(each.fidelity for each in seen) > look.fidelity + FORGOTTEN
        return next(
            (
                finding
                for finding in found
                if _fails(finding)
                and finding.kind.value in before
                and not _improves(finding.kind, *seen[-2:])
                and (finding.kind != FindingKind.LABEL_IGNORED or knew_labels)
            ),
            None,
        )

    @property
    def healthy(self) -> bool:
        """Whether the state at the last look is worth going back to."""
        return len(self._looks) > self._since and not self._failing

    def restart(self, fresh: bool) -> None:
        """The run went back, to fresh weights or to a good state."""
        self._since, self._patience = len(self._looks), NEW_LOOKS if fresh else OLD_LOOKS
        self._ahead, self._generator_norm, self._largest_norm, self._failing, self.findings = [], 0.0, 0.0, [], []

    def conclude(self) -> list[Finding]:
        """What is wrong at the end of the run, worst first."""
        return worst_first([*self.findings, *self._still_learning()])

    def _still_learning(self) -> list[Finding]:
        seen = self._looks[self._since :]
        advice = "Train longer: a larger --budget or --steps."
        if not seen or seen[-1].step < FEWEST_STEPS:
            steps = seen[-1].step if seen else 0
            text = f"The run had {steps} steps; in fewer than {FEWEST_STEPS} hardly anything is learned."
            return [Finding(FindingKind.TOO_FEW_STEPS, Severity.WARNING, steps, FEWEST_STEPS, text, advice)]
        fall = _change(seen)
        if self._failing or fall <= STILL_FALLING:
            return []
        text = (
            "The samples were still getting better when the run ended: in its last quarter the kernel distance to "
            f"real ones fell by {fall:.0%}."
        )
        return [Finding(FindingKind.TOO_FEW_STEPS, Severity.WARNING, fall, STILL_FALLING, text, advice)]

    def state_dict(self) -> dict[str, Any]:
        """Numbers and strings only."""
        return {
            "looks": [dataclasses.asdict(look) for look in self._looks],
            "since": self._since,
            "patience": self._patience,
            "ahead": list(self._ahead),
            "generator_norm": self._generator_norm,
            "largest_norm": self._largest_norm,
            "failing": list(self._failing),
            "findings": [finding.to_json() for finding in self.findings],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._looks = [Look(**look) for look in state["looks"]]
        self._since, self._patience, self._ahead = state["since"], state["patience"], list(state["ahead"])
        self._generator_norm, self._largest_norm = state["generator_norm"], state["largest_norm"]
        self._failing = list(state["failing"])
        self.findings = [Finding.from_json(finding) for finding in state["findings"]]


def _change(seen: Sequence[Look], back: int = 1) -> float:
    """By what share the kernel distance fell to the last quarter of an attempt's looks; negative: it rose.

    back: how many quarters earlier to compare with, 1 to 3.
    0 where that is no more than the looks of a quarter differ among themselves (Welch's test at 5 %, one-sided), or
    next to nothing beside where the attempt began: a distance that has come down goes on to vary by a half. One look a
    quarter has no such measure, and the first of these does not hold.
    """
    quarter = len(seen) // 4
    if quarter < 1:
        return 0.0
    distances = np.array([look.kernel_distance for look in seen])
    late = distances[-quarter:]
    before = distances[-(back + 1) * quarter : -back * quarter]
    if late.mean() <= 0 or before.mean() <= 0:
        return 0.0  # unbiased, so it goes below zero where nothing tells the samples from real ones
    difference = before.mean() - late.mean()
    if quarter > 1:
        error = ((late.var(ddof=1) + before.var(ddof=1)) / quarter) ** 0.5
        if abs(difference) <= _STUDENT[min(quarter, len(_STUDENT) + 1) - 2] * error:
            return 0.0
    return float(difference / before.mean()) if abs(difference) > NEGLIGIBLE * distances.max() else 0.0


def _fails(finding: Finding) -> bool:
    return finding.severity == Severity.FAILURE


def _improves(kind: FindingKind, before: Look, now: Look) -> bool:
    """Whether what the finding is about got better; collapsed samples may well become easier to recognise."""
    return (
        now.kernel_distance < before.kernel_distance - CLOSER * abs(before.kernel_distance)
        or now.spread > before.spread + WIDER
        or (kind != FindingKind.COLLAPSE and now.fidelity > before.fidelity + CLEARER)
    )
