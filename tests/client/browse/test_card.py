"""A quality card in words."""

import re
from html import unescape

import pytest

import augmint
from augmint.browse import card
from augmint.v1 import generator_pb2 as pb
from tests.client.browse.serving import browsed, get
from tests.client.fakes import FakeService, served

CARD = pb.QualityCard(
    real_samples=1000,
    synthetic_samples=5000,
    real_accuracy=0.9,
    classification_accuracy_score=0.8,
    classification_accuracy_score_low=0.79,
    classification_accuracy_score_high=0.81,
    label_fidelity=0.95,
    frechet_distance=2.5,
    frechet_distance_floor=0.25,
    coverage=0.7,
    coverage_ceiling=0.9,
    verdict=pb.VERDICT_PASS_WITH_WARNINGS,
    reasons=["class a is thin"],
    warnings=["class a is thin", "an old warning"],
    classes=[
        pb.ClassQuality(label="a", real_samples=10, label_fidelity=0.5, spread_ratio=0.4, verdict=pb.VERDICT_WITHHELD),
        pb.ClassQuality(
            label="b",
            real_samples=20,
            label_fidelity=1.0,
            spread_ratio=1.0,
            verdict=pb.VERDICT_PASS,
            recommendation=pb.Recommendation(
                truncation=0.8, keep=1, of=4, synthetic_per_real=2.0, scenario="50 per class"
            ),
        ),
    ],
    findings=[
        pb.Finding(
            kind="too-few-steps",
            severity=pb.SEVERITY_WARNING,
            label="a",
            text="It was still getting better.",
            advice="Train longer.",
        )
    ],
    memorisation=pb.Memorisation(share=0.06, percentile=0.05, nearer_share=0.51, samples=2000, exact_copies=3),
    membership_inference=pb.MembershipInference(auc=0.52, low=0.5, high=0.54),
    gains=[
        pb.AugmentationGain(
            scenario="50 per class",
            baseline="standard augmentation",
            baseline_score=0.7,
            synthetic_score=0.73,
            gain=0.03,
            gain_low=0.01,
            gain_high=0.05,
            repeats=5,
            real_samples=500,
            arms=[pb.Arm(name="real only", score=0.65, low=0.6, high=0.7)],
            others=[pb.MeasuredGain(measure="AUC", gain=0.01, gain_low=-0.01, gain_high=0.03)],
        ),
        pb.AugmentationGain(scenario="unsure", gain=0.01, gain_low=-0.01, gain_high=0.03),
        pb.AugmentationGain(scenario="worse", gain=-0.02, gain_low=-0.03, gain_high=-0.01),
    ],
    recommendation=pb.Recommendation(truncation=1.0, synthetic_per_real=0.5),
    transform=pb.TransformQuality(
        samples=300,
        recognised=0.93,
        reconstruction_error=0.041,
        kept=[pb.KeptProperty(name="mean light", correlation=0.8, fresh=0.02)],
        classes=[pb.TransformedClass(label="a", recognised=0.9)],
    ),
    measurements=[pb.Measurement(name="distance of a column, worst", value=0.0167, real=0.0158, detail="age")],
)


@pytest.fixture(scope="module")
def fake():
    fake = FakeService(labels=["a", "b"])
    fake.quality = CARD
    fake.learned = [30, 40]
    return fake


@pytest.fixture(scope="module")
def description(fake):
    with augmint.Client(transport=fake) as client:
        return client.describe()


def test_the_verdict_is_a_word_with_its_reasons(description):
    found = card.verdict(description)
    assert (found.word, found.tone, found.reasons) == ("passed with warnings", "fair", ("class a is thin",))
    assert card.warnings(description) == ["an old warning"]


def test_the_measures_stand_beside_those_of_real_samples(description):
    found = {one.name: (one.value, one.beside) for one in card.measures(description)}
    assert found == {
        "Teaches a classifier": ("80.0 %", "90.0 %"),
        "Keeps to the label": ("95.0 %", ""),
        "Covers what is real": ("70.0 %", "90.0 %"),
    }
    assert "(79.0 % to 81.0 %)" in card.measures(description)[0].told


def test_a_gain_is_coloured_where_it_is_sure(description):
    assert [(one.gain, one.tone) for one in card.gains(description)] == [
        ("+3.0 points", "good"),
        ("+1.0 points", "plain"),
        ("-2.0 points", "bad"),
    ]


def test_a_recommendation_says_how_to_draw(description):
    assert card.recommendation(description) == "0.5 synthetic for each real sample, drawn with truncation 1."
    advice = [line["advice"] for line in card.classes(description)]
    told = "drawn with truncation 0.8 and the best 1 of every 4 (found with 50 per class)."
    assert advice == ["", f"2 synthetic for each real sample, {told}"]


def test_samples_that_are_carried_are_told_from_new_ones(fake):
    told = pb.Recommendation(transformed=True, synthetic_per_real=1.5)
    fake.quality = pb.QualityCard()
    fake.quality.CopyFrom(CARD)
    fake.quality.recommendation.CopyFrom(told)
    with augmint.Client(transport=fake) as client:
        found = card.recommendation(client.describe())
    fake.quality = CARD
    assert found == "1.5 of other classes, carried into this one (transform), for each real sample."


def test_what_a_card_does_not_say_is_left_out():
    with augmint.Client(transport=FakeService()) as client:
        plain = client.describe()
    assert card.verdict(plain).word == "not measured"
    assert (card.privacy(plain), card.gains(plain), card.recommendation(plain)) == ([], [], "")


def test_the_page_has_all_of_it(fake):
    with served(fake) as target, browsed(target) as site:
        page = get(f"{site}/g/fake/1/card")
    text = " ".join(unescape(re.sub(r"<[^>]*>", " ", page.text)).split())
    for told in (
        "Passed with warnings",
        "class a is thin",
        "Measured with 5,000 synthetic and 1,000 real samples",
        "It was still getting better.",
        "Train longer.",
        "too few steps",
        "70.0 % with standard augmentation, 73.0 % with synthetic samples too; 5 repeats.",
        "+3.0 points +1.0 points to +5.0 points",
        "real only 65.0 % (60.0 % to 70.0 %)",
        "0.5 synthetic for each real sample",
        "3 of them equal a training sample in every element.",
        "AUC of 0.52 (0.50 to 0.54)",
        "distance of a column, worst (age) 0.0167 0.0158",
        "of 300 real samples, taken for the class they went into 93.0 %",
        "mean light, correlation before and after 0.80 (of a new sample 0.02)",
        "into a 90.0 %",
        "withheld",
        "all 70",
    ):
        assert told in text, told
