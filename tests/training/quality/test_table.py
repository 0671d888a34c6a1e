import io

from rich.console import Console

from augmint.v1 import generator_pb2 as pb
from training.quality import render

CARD = pb.QualityCard(
    real_samples=269,
    synthetic_samples=5000,
    real_accuracy=0.991,
    classification_accuracy_score=0.902,
    label_fidelity=0.953,
    frechet_distance=12.25,
    frechet_distance_floor=4.5,
    kernel_distance=0.1234,
    kernel_distance_floor=-0.0011,
    density=0.87,
    coverage=0.81,
    coverage_ceiling=0.97,
    feature_digest="ab" * 32,
    classes=[
        pb.ClassQuality(
            label="[bold]zero",
            real_samples=27,
            real_accuracy=1,
            classification_accuracy_score=0.93,
            label_fidelity=0.98,
            spread_ratio=0.91,
        ),
        pb.ClassQuality(
            label="one",
            real_samples=30,
            real_accuracy=0.96,
            classification_accuracy_score=0.31,
            label_fidelity=0.62,
            spread_ratio=0.12,
        ),
    ],
    warnings=["1 class is collapsed: 'one' 0.12."],
)


def shown(card: pb.QualityCard, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(render(card))
    return console.file.getvalue()


def row(text: str, name: str) -> list[str]:
    return next(line for line in text.splitlines() if name in line).replace("│", " ").split()


def test_every_score_stands_beside_what_real_data_gets():
    text = shown(CARD, 120)
    assert "5,000 synthetic samples against 269 held-out real ones" in text
    assert row(text, "accuracy on real test data")[5:7] == ["90.2%", "99.1%"]
    assert row(text, "label fidelity")[2:4] == ["95.3%", "99.1%"]
    assert row(text, "Fréchet distance")[2:4] == ["12.25", "4.50"]
    assert row(text, "kernel distance")[2:4] == ["0.1234", "-0.0011"]
    assert row(text, "coverage")[1:3] == ["0.81", "0.97"]


def test_what_is_measured_of_the_kind_alone_is_told_and_the_attack():
    card = pb.QualityCard.FromString(CARD.SerializeToString())
    card.measurements.add(name="distance of a column, worst", value=0.0214, real=0.01, detail="[red]age")
    card.measurements.add(name="silence", value=0.5)
    card.membership_inference.CopyFrom(pb.MembershipInference(auc=0.512, low=0.494, high=0.53))
    text = shown(card, 120)
    assert row(text, "distance of a column")[5:] == ["0.0214", "0.01", "[red]age"]
    assert row(text, "silence") == ["silence", "0.5", "-"]
    assert row(text, "membership inference")[2:7] == ["0.51", "(0.49", "to", "0.53)", "0.5"]


def test_fidelity_stands_beside_what_the_judge_recognises_of_real_samples_and_is_marked_by_findings():
    card = pb.QualityCard.FromString(CARD.SerializeToString())
    card.measurements.add(name="recognised as its class", value=0.953, real=0.7)
    text = shown(card, 120)
    assert row(text, "label fidelity")[2:4] == ["95.3%", "70.0%"]
    assert "recognised as its class" not in text
    assert row(text, "one ") == ["one", "30", "31.0%", "!", "96.0%", "62.0%", "0.12", "!"]
    card.findings.add(kind="unrecognised", label="one")
    assert row(shown(card, 120), "one ")[5:7] == ["62.0%", "!"]


def test_bad_classes_are_marked_and_names_shown_as_they_are():
    text = shown(CARD, 120)
    assert row(text, "[bold]zero") == ["[bold]zero", "27", "93.0%", "100.0%", "98.0%", "0.91"]
    assert row(text, "one ") == ["one", "30", "31.0%", "!", "96.0%", "62.0%", "!", "0.12", "!"]
    assert "! 1 class is collapsed: 'one' 0.12." in text


def test_a_card_without_findings_says_so():
    card = pb.QualityCard()
    card.CopyFrom(CARD)
    del card.warnings[:]
    assert "No findings." in shown(card, 120)


def test_a_card_of_a_study_alone_says_that_samples_were_not_measured():
    card = pb.QualityCard()
    card.gains.add(scenario="50 each", gain=0.05, real_samples=500, repeats=3)
    text = shown(card, 120)
    assert "Quality: not measured" in text
    assert "50 each" in text
    assert "held-out" not in text
    assert "No findings" not in text


def test_gains_say_what_the_generator_had_learned_from():
    card = pb.QualityCard()
    card.CopyFrom(CARD)
    for learned, gain in ((54_000, 0.05), (500, -0.003)):
        card.gains.add(scenario="50 each", gain=gain, real_samples=500, generator_samples=learned, repeats=3)
    card.gains.add(scenario="of an older release", gain=0.01)
    text = shown(card, 140)
    assert "54,000 real samples" in text
    assert "the same 500" in text
    assert "older" in text


def test_gains_of_each_classifier_stand_with_those_by_other_measures():
    card = pb.QualityCard()
    card.CopyFrom(CARD)
    line = card.gains.add(scenario="500 samples", classifier="gradient boosting", baseline="re-weighting", repeats=5)
    line.others.add(measure="AUC", baseline="SMOTE-NC", baseline_score=0.9, synthetic_score=0.91, gain=0.01)
    text = shown(card, 160)
    assert "500 samples, gradient boosting" in text
    assert "AUC" in text
    assert "SMOTE-NC" in text
    assert "91.0%" in text


def test_a_narrow_terminal_is_kept_to():
    assert max(len(line) for line in shown(CARD, 80).splitlines()) <= 80


def with_coverage() -> pb.QualityCard:
    card = pb.QualityCard(verdict=pb.VERDICT_PASS_WITH_WARNINGS, reasons=["'one' lacks half."])
    card.MergeFrom(CARD)
    card.warnings[:] = ["'one' lacks half.", "Whether samples of 'zero' are copies cannot be told."]
    card.classes[1].coverage, card.classes[1].coverage_ceiling = 0.49, 0.98
    for quality in card.classes:
        quality.verdict = pb.VERDICT_PASS_WITH_WARNINGS
    return card


def test_coverage_inside_a_class_stands_beside_it_or_a_question_mark_where_nothing_was_told():
    text = shown(with_coverage(), 120)
    assert row(text, "[bold]zero")[5:7] == ["0.91", "?"]
    assert row(text, "one ")[8:12] == ["!", "0.50", "!", "pass"]
    assert "coverage" not in shown(CARD, 120).split("Per class")[1]  # a card of an older release


def test_a_note_is_no_warning():
    lines = shown(with_coverage(), 120).splitlines()
    assert "! 'one' lacks half." in lines
    assert "Note: Whether samples of 'zero' are copies cannot be told." in lines


def test_all_columns_fit_a_narrow_terminal_with_their_words_whole():
    text = shown(with_coverage(), 80)
    assert max(len(line) for line in text.splitlines()) <= 80
    words = text.replace("│", " ").replace("┃", " ").split()
    assert {"synthetic", "fidelity", "coverage", "spread", "verdict", "warnings", "samples"} <= set(words)
