"""Each way in which training fails is found, named and told from training that merely is not done yet."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from training.quality.findings.finding import Finding, FindingKind, Severity
from training.quality.findings.training import Look, Means, divergence
from training.run.watchdog import Watchdog

NAMES = ("cat", "dog", "emu")


def look(step: int = 500, **changes: Any) -> Look:
    """Of a run that goes well."""
    values: dict[str, Any] = {
        "step": step,
        "share": step / 1200,
        "class_fidelity": [0.9, 0.9, 0.9],
        "spread_ratio": [0.9, 0.9, 0.9],
        "kernel_distance": 0.1,
        "ahead_train": 0.8,
        "ahead_held_out": 0.78,
        "gap_low": 0.0,
        "moved": 1.0,
        "moved_low": 0.9,
    }
    return Look(**{**values, **changes})


def means(**changes: float) -> Means:
    values = dict.fromkeys((field.name for field in dataclasses.fields(Means)), 0.5)
    return Means(**{**values, **changes})


def watchdog(**options: Any) -> Watchdog:
    return Watchdog(NAMES, np.full(3, 0.95), **options)


def shown(*looks: Look, losses: Means | None = None, **options: Any) -> tuple[Watchdog, list[Finding | None]]:
    """A watchdog that was shown the looks, each after a window of losses, and what it said of each."""
    dog, said = watchdog(**options), []
    for each in looks:
        dog.record(losses or means())
        said.append(dog.look(each))
    return dog, said


def kinds(dog: Watchdog) -> list[tuple[FindingKind, str]]:
    return [(finding.kind, finding.label) for finding in dog.findings]


def test_a_good_run_has_no_findings() -> None:
    dog, said = shown(*(look(step) for step in (300, 400, 500, 600)))
    assert said == [None] * 4
    assert dog.healthy
    assert dog.conclude() == []


def test_the_first_look_is_too_early_for_findings_but_not_worth_going_back_to() -> None:
    dog, _ = shown(look(spread_ratio=[0.0, 0.0, 0.0]))
    assert dog.findings == []
    assert not dog.healthy


def test_collapse_is_named_per_class_and_lost_when_two_looks_show_it_and_nothing_improves() -> None:
    bad = {"spread_ratio": [1.0, 0.1, 0.48]}
    dog, said = shown(look(), look(**bad), look(**bad))
    assert said[:2] == [None, None]
    assert said[2] is not None
    assert (said[2].kind, said[2].label, said[2].value) == (FindingKind.COLLAPSE, "dog", 0.1)
    assert "'dog' has collapsed: its samples vary 0.10 times as much as real ones" in said[2].text
    assert "learning_rate" in said[2].advice
    found = [(finding.label, finding.severity) for finding in dog.findings]
    assert found == [("dog", Severity.FAILURE), ("emu", Severity.WARNING)]


@pytest.mark.parametrize("better", [{"kernel_distance": 0.05}, {"spread_ratio": [0.9, 0.3, 0.9]}])
def test_what_still_gets_better_is_not_lost(better: dict[str, Any]) -> None:
    before = {"spread_ratio": [0.9, 0.05, 0.9]}
    _, said = shown(look(**before), look(**before), look(**{**before, **better}))
    assert said == [None] * 3


def test_an_ignored_label_is_named_and_lost_only_where_it_was_known_before() -> None:
    ignored = {"class_fidelity": [0.3, 0.4, 0.3]}
    dog, said = shown(*[look(**ignored)] * 4)
    assert kinds(dog)[0] == (FindingKind.LABEL_IGNORED, "")
    assert said == [None] * 4
    assert "33% of the samples are recognised as the class asked for; guessing gives 33%" in dog.findings[0].text
    _, said = shown(look(), look(**ignored), look(**ignored))
    assert said[2] is not None
    assert said[2].kind == FindingKind.LABEL_IGNORED


def test_a_judge_that_does_not_know_the_classes_accuses_nobody() -> None:
    dog = Watchdog(NAMES, np.full(3, 0.4))
    for _ in range(3):
        dog.look(look(class_fidelity=[0.3, 0.3, 0.3]))
    assert dog.findings == []


def test_a_class_that_is_taken_for_another_is_named() -> None:
    dog, _ = shown(look(), look(class_fidelity=[0.9, 0.2, 0.9]))
    assert kinds(dog) == [(FindingKind.UNRECOGNISED, "dog")]


@pytest.mark.parametrize(("spread", "severity"), [(0.9, Severity.WARNING), (0.4, Severity.FAILURE)])
def test_an_overpowered_discriminator_is_named(spread: float, severity: Severity) -> None:
    looks = [look(spread_ratio=[spread] * 3)] * 3
    dog, _ = shown(*looks, losses=means(real_ahead=0.995))
    (finding,) = (finding for finding in dog.findings if finding.kind == FindingKind.OVERPOWERED_DISCRIMINATOR)
    assert finding.severity == severity
    assert "99.5% of the pairs" in finding.text
    critic, _ = shown(*looks, losses=means(real_ahead=0.995), critic=True)
    assert FindingKind.OVERPOWERED_DISCRIMINATOR not in [finding.kind for finding in critic.findings]


def test_a_vanished_signal_is_named_and_lost() -> None:
    dog = watchdog()
    dog.record(means(generator_norm=2.0))
    said = []
    for _ in range(3):
        dog.record(means(generator_norm=1e-4))
        said.append(dog.look(look()))
    assert kinds(dog) == [(FindingKind.VANISHED_SIGNAL, "")]
    assert said[2] is not None
    assert "5.0e-05 of its largest" in said[2].text


OVERFITTED = {"ahead_train": 0.9, "ahead_held_out": 0.6, "gap_low": 0.22}


def test_an_overfitted_discriminator_is_noted_and_held_against_nobody_while_the_samples_are_sound() -> None:
    dog, said = shown(look(), look(**OVERFITTED), look(**OVERFITTED))
    assert kinds(dog) == [(FindingKind.OVERFITTING_DISCRIMINATOR, "")]
    assert "90% of them before a generated sample, but 60% of held-out" in dog.findings[0].text
    assert dog.findings[0].severity == Severity.NOTE
    assert said == [None] * 3  # it still teaches; what it leads to is found by itself


@pytest.mark.parametrize("best", [3, 6])  # looks at which the samples are best: worse since then, at once or long ago
def test_an_overfitted_discriminator_is_a_warning_where_the_samples_get_worse(best: int) -> None:
    distances = [0.5 - 0.06 * min(step, best) + 0.05 * max(0, min(step - best, 4)) for step in range(12)]
    dog, _ = shown(*(look(kernel_distance=distance, **OVERFITTED) for distance in distances))
    (finding,) = dog.findings
    assert finding.severity == Severity.WARNING
    assert finding.text.endswith("held-out real ones, and the samples get worse.")


def test_a_gap_that_so_few_samples_cannot_tell_is_not_found() -> None:
    dog, _ = shown(look(), look(**{**OVERFITTED, "gap_low": 0.1}))
    assert dog.findings == []


def test_leaking_augmentation_is_named() -> None:
    dog, _ = shown(look(), look(moved=1.9, moved_low=1.6))
    assert kinds(dog) == [(FindingKind.LEAKING_AUGMENTATION, "")]
    assert shown(look(), look(moved=1.9, moved_low=1.3))[0].findings == []


def test_what_was_not_measured_is_not_found() -> None:
    dog, _ = shown(
        look(), look(**dict.fromkeys(("moved", "moved_low", "ahead_train", "ahead_held_out", "gap_low"), math.nan))
    )
    assert dog.findings == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -1e7])
@pytest.mark.parametrize("loss", ["discriminator", "generator", "penalty"])
def test_losses_without_bound_are_divergence(loss: str, value: float) -> None:
    finding = divergence(7, means(**{loss: value}))
    assert finding is not None
    assert (finding.kind, finding.severity) == (FindingKind.DIVERGENCE, Severity.FAILURE)
    assert "step 7" in finding.text
    assert divergence(7, means(**{loss: -3000.0})) is None


def test_too_few_steps_are_named_from_the_distance_that_still_fell_or_from_their_number() -> None:
    falling = [look(step, kernel_distance=math.exp(-step / 700)) for step in range(100, 1300, 100)]
    (finding,) = shown(*falling)[0].conclude()
    assert finding.kind == FindingKind.TOO_FEW_STEPS
    assert "fell by 35%" in finding.text
    (finding,) = shown(look(30))[0].conclude()
    assert "The run had 30 steps" in finding.text


def test_samples_that_nothing_tells_from_real_ones_need_no_more_steps() -> None:
    arrived = [look(step, kernel_distance=0.001 if step < 900 else -0.002) for step in range(100, 1300, 100)]
    assert shown(*arrived)[0].conclude() == []


def test_a_distance_that_merely_varies_needs_no_more_steps() -> None:
    """Of a run on digits that had learned everything: its last quarter was 17 % below the one before, by chance."""
    distances = [0.0926, 0.0474, 0.0202, 0.0098, 0.0074, 0.0059, 0.0069, 0.0095, 0.0059, 0.0089, 0.0056, 0.0040]
    seen = [look(167 * step, kernel_distance=distance) for step, distance in enumerate(distances, start=1)]
    assert shown(*seen)[0].conclude() == []


def test_a_run_of_an_older_release_can_be_gone_on_with() -> None:
    dog, _ = shown(look())
    state = dog.state_dict()
    for each in state["looks"]:
        del each["gap_low"], each["moved_low"]
    other = watchdog()
    other.load_state_dict(state)
    other.look(look())
    assert other.findings == []


def test_after_going_back_a_run_is_judged_anew() -> None:
    dog, said = shown(look(), *[look(spread_ratio=[0.1, 0.1, 0.1])] * 2)
    assert said[-1] is not None
    dog.restart(fresh=False)
    assert dog.findings == []
    assert dog.look(look(spread_ratio=[0.1, 0.1, 0.1])) is None
    assert dog.look(look(spread_ratio=[0.1, 0.1, 0.1])) is not None


def test_its_memory_survives_a_checkpoint() -> None:
    dog, _ = shown(look(), look(spread_ratio=[0.1, 0.1, 0.1]))
    other = watchdog()
    other.load_state_dict(dog.state_dict())
    assert other.state_dict() == dog.state_dict()
    final = look(spread_ratio=[0.1, 0.1, 0.1])
    assert other.look(final) == dog.look(final) != None  # noqa: E711
    assert other.findings == dog.findings
