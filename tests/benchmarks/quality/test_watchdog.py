"""The benchmark of the watchdog: accusations of healthy runs and failures that were named are counted apart."""

from __future__ import annotations

from typing import Any

from benchmarks.quality import watchdog
from training.config.presets import resolve
from training.kinds import load
from training.quality.findings.finding import FindingKind, Severity


def result(
    name: str, found: dict[str, int], at_end: dict[str, int] | None = None, lost: bool = False
) -> dict[str, Any]:
    return {"name": name, "preset": "rpgan", "seed": 0, "found": found, "at_end": at_end or {}, "lost": lost}


def test_false_alarms_and_misses_are_counted() -> None:
    collapse = {FindingKind.COLLAPSE.value: int(Severity.FAILURE)}
    (healthy, accused), (_, named) = watchdog.rows(
        [
            result("healthy", collapse),
            result("healthy", {}),
            result("collapse", collapse, collapse, lost=True),
            result("collapse", {FindingKind.LABEL_IGNORED.value: int(Severity.FAILURE)}),
        ]
    )
    assert healthy == "2 healthy runs; 0 were called lost"
    assert list(accused.values()) == ["collapse", 1, 0, 0]
    assert list(named.values()) == ["collapse", 2, 1, 1, "label-ignored"]


def test_every_case_is_a_configuration_that_can_run() -> None:
    for case in watchdog.CASES:
        resolve(case.preset, case.settings)
        assert (case.name == "healthy") == (not case.expected)


def test_few_samples_leave_what_is_held_out_as_it_was() -> None:
    few, whole = watchdog.data(20), load("digits")
    assert few.official_test is not None
    assert len(few.official_test) > 500
    rest = len(few.labels) - len(few.official_test)
    assert rest == 200 < len(whole.labels)
