import numpy as np
import pytest

from training.quality.findings import gains as told
from training.quality.findings.finding import Severity
from training.study import gains


def line(*differences, baseline=0.8, scenario="50 per class", learned=54_000):
    values = np.full(len(differences), baseline) + np.linspace(-0.1, 0.1, len(differences))
    scores = {"mixup": values.tolist(), "with": (values + differences).tolist()}
    return gains.gain(scenario, scores, "mixup", "with", real_samples=500, generator_samples=learned)


def test_repeats_are_paired_so_that_their_own_spread_cancels():
    found = line(0.02, 0.021, 0.019, 0.02)
    assert found.gain == pytest.approx(0.02)
    # t of 3 degrees of freedom is 3.18, the differences deviate by 0.0008, and there are four.
    assert found.gain_high - found.gain == pytest.approx(3.182 * 0.000816 / 2, rel=0.01)
    assert found.repeats == 4
    arm = next(arm for arm in found.arms if arm.name == "mixup")
    assert arm.low < 0.75 < arm.high  # unpaired they are far apart


def test_the_interval_holds_the_truth_95_times_in_a_hundred():
    random = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        _, low, high = gains.interval(random.normal(0.01, 0.02, 5).tolist())
        held += low < 0.01 < high
    assert 0.92 < held / 400 < 0.98


def test_a_single_repeat_claims_nothing():
    found = line(0.1)
    assert (found.gain_low, found.gain_high) == (-1, 1)
    assert "gave no measurable gain" in told.in_words(found)


@pytest.mark.parametrize(
    ("differences", "words"),
    [
        ((0.02, 0.03, 0.025), "50 per class: adding synthetic samples helped over the best baseline (mixup), +2.5"),
        ((0.02, -0.03, 0.025), "adding synthetic samples gave no measurable gain over the best baseline (mixup)"),
        ((-0.02, -0.03, -0.025), "adding synthetic samples did harm over the best baseline (mixup), -2.5 points"),
    ],
)
def test_words_say_what_the_interval_says(differences, words):
    assert words in told.in_words(line(*differences))


def test_words_tell_two_questions_apart():
    shared, own = line(0.02, 0.03), line(0.02, 0.03, learned=500)
    assert told.in_words(shared).endswith(
        "This is a team with 500 real samples that draws from a generator which learned from 54,000, these among them."
    )
    assert told.in_words(own).endswith("the generator learned from the same 500 real samples, so it knew nothing new.")


def test_other_measures_are_told_with_their_own_baselines():
    found = line(0.02, 0.021, 0.019)
    found.classifier = "gradient boosting"
    scores = {"mixup": [0.7, 0.71, 0.72], "with": [0.71, 0.71, 0.71]}
    gains.measured(found, "macro-F1", scores, "mixup", "with")
    (other,) = found.others
    assert (other.baseline_score, other.synthetic_score, other.gain) == pytest.approx((0.71, 0.71, 0))
    assert other.gain_low == -other.gain_high == pytest.approx(-4.303 * 0.01 / 3**0.5, rel=0.01)
    assert [each.others[0].score for each in found.arms] == pytest.approx([0.71, 0.71])
    words = told.in_words(found)
    assert words.startswith("50 per class, gradient boosting: adding synthetic samples helped")
    assert "By other measures: +0.0 of macro-F1 (-2.5 to +2.5, over mixup)." in words


def test_a_line_of_an_older_release_claims_neither():
    old = line(0.02, 0.03)
    old.ClearField("real_samples")
    old.ClearField("generator_samples")
    assert told.in_words(old).endswith("in 2 paired repeats.")


def test_no_gain_is_a_warning_and_harm_everywhere_a_failure():
    helped, nothing, harmed = line(0.02, 0.021), line(0.02, -0.03), line(-0.02, -0.021)
    assert told.findings([helped]) == []
    assert [found.severity for found in told.findings([helped, nothing, harmed])] == [Severity.WARNING] * 2
    assert [found.severity for found in told.findings([harmed])] == [Severity.FAILURE]


def test_a_generator_that_knows_nothing_new_need_not_help_but_must_not_harm():
    helped, nothing, harmed = line(0.02, 0.021), line(0.02, -0.03, learned=500), line(-0.02, -0.021, learned=500)
    found = told.findings([helped, nothing, harmed])
    assert [each.severity for each in found] == [Severity.NOTE, Severity.WARNING]
    assert all("learn the generator from more data" in each.advice for each in found)
