import numpy as np
import pytest

from augmint.v1 import generator_pb2 as pb
from training import quality
from training.data.records import Records
from training.data.splits import split
from training.judge import fitting
from training.kinds import load
from training.kinds.image.finish import finish


@pytest.fixture(scope="module")
def card(digits, splits, judge, replay):
    return quality.measure(replay, digits, splits, seed=0, synthetic_per_class=300, judge=judge)


def test_classifiers_never_see_test_or_validation_samples(digits, splits, judge, replay, monkeypatch):
    seen = []
    fit = fitting.fit
    monkeypatch.setattr(
        fitting, "fit", lambda kind, raw, *rest, **options: seen.append(raw) or fit(kind, raw, *rest, **options)
    )
    monkeypatch.setattr(fitting, "default_steps", lambda samples: 20)
    quality.measure(replay, digits, splits, seed=0, synthetic_per_class=30, budget="quick")
    learned, synthetic = seen
    assert np.array_equal(learned, digits.samples[splits.train])
    assert len(synthetic) == 300


def measured(draw, digits, splits, judge):
    return quality.measure(draw, digits, splits, seed=0, synthetic_per_class=100, judge=judge, budget="quick")


def test_real_samples_score_as_real_samples_do(card):
    assert card.real_accuracy >= 0.93
    assert card.classification_accuracy_score >= card.real_accuracy - 0.05
    assert card.label_fidelity >= 0.95
    assert card.frechet_distance <= 1.5 * card.frechet_distance_floor
    assert abs(card.kernel_distance - card.kernel_distance_floor) < 0.05
    assert card.density == pytest.approx(1, abs=0.2)
    assert card.coverage >= 0.9 * card.coverage_ceiling
    assert card.coverage_ceiling >= 0.9
    assert [each.label for each in card.classes] == list("0123456789")
    assert all(0.9 <= each.spread_ratio <= 1.1 for each in card.classes)
    # Replayed samples are copies of training samples, and repeat; that, and nothing else, is found.
    assert {finding.kind for finding in card.findings} == {"memorisation", "membership", "copies"}


def test_the_card_is_complete(card, digits, splits, judge):
    assert card.real_samples == len(splits.test)
    assert card.synthetic_samples == 3000
    assert card.feature_digest == judge.digest
    assert [each.real_samples for each in card.classes] == digits.counts(splits.test).tolist()
    shares = [each.real_accuracy for each in card.classes]
    assert np.average(shares, weights=digits.counts(splits.test)) == pytest.approx(card.real_accuracy)
    assert np.mean([each.label_fidelity for each in card.classes]) == pytest.approx(card.label_fidelity)
    scores = [each.classification_accuracy_score for each in card.classes]
    weighted = np.average(scores, weights=digits.counts(splits.test))
    assert weighted == pytest.approx(card.classification_accuracy_score)


def test_intervals_hold_what_they_are_of(card):
    for each in card.classes:
        assert each.synthetic_samples == 300
        assert each.spread_ratio_low < each.spread_ratio < each.spread_ratio_high
        assert each.coverage_low <= each.coverage <= each.coverage_high
        assert each.coverage == pytest.approx(each.coverage_ceiling, abs=0.1)
        assert each.coverage_samples == 54 - 2 * (each.label == "8")
        assert each.memorisation.nearer_low < each.memorisation.nearer_share <= each.memorisation.nearer_high
        assert (each.memorisation.train_samples, each.memorisation.held_out_samples)[1] == each.coverage_samples


def test_a_class_that_is_half_missing_is_named_although_its_samples_are_recognised(digits, replay):
    """Classes of two digits each; of the third class the generator knows one only."""
    pairs = finish("pairs", Records(digits.samples, digits.labels // 2, ("01", "23", "45", "67", "89")), None)
    parts = split(pairs)
    judge = fitting.fit(pairs.kind, pairs.samples[parts.train], pairs.labels[parts.train], 5, seed=0, steps=120)
    lacking = replay.__class__(pairs, parts.train[digits.labels[parts.train] != 5])
    found = measured(lacking, pairs, parts, judge)
    uncovered = [finding for finding in found.findings if finding.kind == "uncovered"]
    assert [finding.label for finding in uncovered] == ["45"]
    assert uncovered[0].text.startswith("Part of '45' is missing: its samples come near to ")
    assert found.classes[2].label_fidelity > 0.95
    assert found.classes[2].verdict in (pb.VERDICT_PASS_WITH_WARNINGS, pb.VERDICT_WITHHELD)
    assert found.classes[2].coverage < 0.7 * found.classes[2].coverage_ceiling


def test_copies_of_training_samples_are_withheld_though_every_other_number_is_perfect(card):
    assert card.memorisation.exact_copies == card.memorisation.samples == 2000
    assert card.memorisation.nearer_share > 0.99
    assert card.memorisation.distance_ratio == 0
    assert all(each.memorisation.samples == 200 for each in card.classes)
    assert card.verdict == pb.VERDICT_WITHHELD
    assert card.reasons[0].startswith("Samples are close to single training samples: 100% are nearer to one")


def test_an_attack_tells_the_samples_that_were_replayed(card, splits):
    found = card.membership_inference
    assert found.low > 0.95
    assert found.train_samples == found.held_out_samples == len(splits.validation) + len(splits.test)
    assert found.synthetic_samples == 3000


def test_held_out_samples_are_no_copies(digits, splits, judge, held_out):
    card = measured(held_out, digits, splits, judge)
    assert not [finding for finding in card.findings if finding.kind == "memorisation"]
    # These are nearer to what was held out, of course: as if those were what the generator had learned from.
    assert card.membership_inference.high < 0.5


def test_one_image_per_class_is_a_collapse(digits, splits, judge, replay):
    first = digits.samples[[members[0] for members in replay.members]]
    card = measured(lambda labels, start: first[labels], digits, splits, judge)
    assert all(each.spread_ratio == 0 for each in card.classes)
    assert card.label_fidelity >= 0.6
    assert card.coverage < 0.5 * card.coverage_ceiling
    assert card.warnings[0].startswith("10 of 10 classes are collapsed, or nearly")
    assert card.verdict == pb.VERDICT_WITHHELD
    assert {each.verdict for each in card.classes} == {pb.VERDICT_WITHHELD}
    assert any("990 of 1,000 samples are exact copies" in warning for warning in card.warnings)


def test_wrong_labels_are_found_though_every_image_is_real(digits, splits, judge, replay):
    card = measured(lambda labels, start: replay((labels + 1) % 10, start), digits, splits, judge)
    assert card.label_fidelity < 0.2
    assert card.classification_accuracy_score < 0.2
    # Unconditionally these are perfect samples, and the unconditional measures say so.
    assert card.frechet_distance < 2 * card.frechet_distance_floor
    assert card.warnings[0].startswith("The label is ignored or mixed up: only ")
    assert any("(mostly taken for '" in finding.text for finding in card.findings)


def test_noise_fails_everywhere(digits, splits, judge):
    def noise(labels, start):
        return np.random.default_rng(start).integers(0, 256, (len(labels), 8, 8, 1), dtype=np.uint8)

    card = measured(noise, digits, splits, judge)
    assert card.classification_accuracy_score < 0.4
    assert card.label_fidelity < 0.3
    assert card.frechet_distance > 10 * card.frechet_distance_floor
    assert card.kernel_distance > 1
    assert card.density < 0.5
    assert card.coverage < 0.2
    text = " ".join(card.warnings)
    assert "more varied than real samples, as noise is" in text
    assert "Much of the real data has no sample near it" in text
    assert "trained on these samples alone reaches" in text


def test_without_a_judge_one_is_fitted_and_the_result_repeats(tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "default_steps", lambda samples: 60)
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [60, 20])
    samples = (random.integers(0, 100, (80, 8, 8, 1)) + 120 * labels[:, None, None, None]).astype(np.uint8)
    np.savez(tmp_path / "data.npz", images=samples, labels=labels, class_names=np.array(["dark", "light"]))
    data = load(str(tmp_path / "data.npz"))
    splits = split(data)
    stages = []

    def draw(labels, start):
        noise = np.random.default_rng(100 + start).integers(0, 100, (len(labels), 8, 8, 1))
        return (noise + 120 * labels[:, None, None, None]).astype(np.uint8)

    def card():
        return quality.measure(
            draw,
            data,
            splits,
            seed=3,
            budget="quick",
            repeats=2,
            progress=lambda stage, share: stages.append((stage, share)),
        )

    first = card()
    shares = [share for _, share in stages]
    assert shares == sorted(shares)
    assert stages[0][0] == "learning to judge, from real samples"
    assert stages[-1] == ("measured", 1.0)
    assert first.real_accuracy == 1
    assert first.synthetic_samples == 1000
    assert first.reasons[-1].endswith("few real test samples, so that their numbers are rough: 'dark' 9, 'light' 3.")
    # So few real samples tell nothing of copies, nor of what is inside a class; and that is said, or left out.
    assert "Whether samples of 'light' are copies cannot be told with 14 training and 6 held-out" in first.warnings[-1]
    assert [each.HasField("coverage") for each in first.classes] == [False, False]
    assert first.verdict == pb.VERDICT_PASS_WITH_WARNINGS
    assert first.score_repeats == 2
    assert first == card()
