import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmint.v1 import generator_pb2 as pb
from training.quality import carry_over, decide, worse
from training.quality.findings.finding import Finding, FindingKind, Severity


def card(*findings: Finding, classes: int = 4) -> pb.QualityCard:
    return pb.QualityCard(
        classes=[pb.ClassQuality(label=f"c{number}") for number in range(classes)],
        findings=[finding.to_message() for finding in findings],
    )


def finding(
    severity: Severity, label: str = "", kind: FindingKind = FindingKind.COLLAPSE, value: float = 0.1
) -> Finding:
    return Finding(kind, severity, value, 0.5, f"{label or 'the generator'} is bad.", label=label)


def verdicts(judged: pb.QualityCard) -> list[int]:
    return [quality.verdict for quality in judged.classes]


def test_nothing_found_passes():
    judged = card()
    decide(judged)
    assert judged.verdict == pb.VERDICT_PASS
    assert verdicts(judged) == [pb.VERDICT_PASS] * 4
    assert not judged.reasons


def test_a_note_is_told_and_held_against_nobody():
    judged = card(finding(Severity.NOTE))
    decide(judged)
    assert judged.verdict == pb.VERDICT_PASS
    assert not judged.reasons
    assert list(judged.warnings) == ["the generator is bad."]


def test_a_bad_class_is_withheld_alone_and_the_rest_passes_with_a_warning():
    judged = card(finding(Severity.FAILURE, "c2"))
    decide(judged)
    assert verdicts(judged) == [pb.VERDICT_PASS, pb.VERDICT_PASS, pb.VERDICT_WITHHELD, pb.VERDICT_PASS]
    assert judged.verdict == pb.VERDICT_PASS_WITH_WARNINGS
    assert list(judged.reasons) == ["c2 is bad."]


def test_half_of_the_classes_withhold_the_whole():
    judged = card(finding(Severity.FAILURE, "c0", value=0.1), finding(Severity.FAILURE, "c1", value=0.25))
    decide(judged)
    assert judged.verdict == pb.VERDICT_WITHHELD
    assert list(judged.reasons) == [
        "2 of 4 classes are collapsed, or nearly: spread inside the class against real samples: 'c0' 0.10, 'c1' 0.25."
    ]


def test_findings_of_training_count_and_the_worst_comes_first():
    judged = card(finding(Severity.WARNING, "c0"))
    decide(judged, [finding(Severity.FAILURE, kind=FindingKind.DIVERGENCE)])
    assert judged.verdict == pb.VERDICT_WITHHELD
    assert [found.kind for found in judged.findings] == ["divergence", "collapse"]
    assert judged.reasons[0] == "the generator is bad."


def test_a_measurement_stands_whatever_a_look_at_a_few_samples_found():
    judged = card(finding(Severity.WARNING, "c0"))
    judged.synthetic_samples = 2000
    look = [finding(Severity.FAILURE, "c1"), finding(Severity.WARNING, kind=FindingKind.LABEL_IGNORED)]
    decide(judged, [*look, finding(Severity.WARNING, kind=FindingKind.TOO_FEW_STEPS), finding(Severity.NOTE, "c1")])
    assert [(found.kind, found.label, found.severity) for found in judged.findings] == [
        ("collapse", "c0", pb.SEVERITY_WARNING),
        ("too-few-steps", "", pb.SEVERITY_WARNING),
        ("collapse", "c1", pb.SEVERITY_NOTE),
    ]
    assert judged.classes[1].verdict == pb.VERDICT_PASS


@given(
    st.lists(
        st.builds(
            finding,
            st.sampled_from(Severity),
            st.sampled_from(["", "c0", "c1", "c2", "c3"]),
            st.sampled_from(FindingKind),
            st.floats(0, 1),
        ),
        max_size=12,
    )
)
def test_deciding_twice_changes_nothing_and_no_finding_is_lost(findings):
    judged = card(*findings)
    decide(judged)
    once = pb.QualityCard.FromString(judged.SerializeToString())
    decide(judged)
    assert judged == once
    assert len(judged.findings) == len(findings)
    if judged.verdict == pb.VERDICT_WITHHELD:
        assert any(found.severity == pb.SEVERITY_FAILURE for found in judged.findings)
    assert bool(judged.reasons) == (judged.verdict != pb.VERDICT_PASS)


def generator(score: float, tests: int = 1000, version: int = 1, split: str = "a" * 64) -> pb.Generator:
    return pb.Generator(
        version=version,
        provenance=pb.Provenance(data_digest="d" * 64, splits=[pb.SplitCounts(split="test", digest=split)]),
        quality=pb.QualityCard(real_samples=tests, classification_accuracy_score=score, real_accuracy=0.95),
    )


@pytest.mark.parametrize(
    ("new", "old", "tests", "is_worse"),
    [
        (0.80, 0.90, 1000, True),
        (0.90, 0.80, 1000, False),
        (0.89, 0.90, 1000, False),  # within noise
        (0.80, 0.90, 50, False),  # so few test samples cannot tell
        (0.895, 0.9, 10**6, False),  # sure, but smaller than what another seed does
    ],
)
def test_a_version_is_worse_only_beyond_noise(new, old, tests, is_worse):
    found = worse(generator(new, tests), generator(old, tests, version=3))
    assert bool(found) == is_worse
    if found:
        assert found.startswith("It is worse than version 3, which it would replace: ")


def test_cards_of_other_test_samples_do_not_compare():
    assert not worse(generator(0.1), generator(0.9, split="b" * 64))
    assert not worse(generator(0.1), pb.Generator(version=1))


def test_measuring_again_keeps_what_a_study_and_training_found():
    earlier = card(finding(Severity.WARNING, kind=FindingKind.TOO_FEW_STEPS), finding(Severity.FAILURE, "c1"))
    earlier.findings.add(kind="of-a-newer-release")
    earlier.gains.add(scenario="50 per class", gain=0.02)
    earlier.recommendation.truncation = 0.8
    earlier.classes[1].recommendation.keep = 1
    again = card()
    kept = carry_over(again, earlier)
    assert [found.kind for found in kept] == [FindingKind.TOO_FEW_STEPS]
    assert again.gains[0].gain == 0.02
    assert again.recommendation.truncation == pytest.approx(0.8)
    assert again.classes[1].recommendation.keep == 1
    assert not again.classes[0].HasField("recommendation")
