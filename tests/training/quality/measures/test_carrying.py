"""What carrying is worth: what is kept, recognised and found to be wrong, on stand-ins that are known to the letter."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from augmint.v1 import generator_pb2 as pb
from tests.training import mixed
from tests.training.kinds.audio import made
from training.data import Dataset
from training.data.splits import Splits
from training.judge.classifier import Classifier
from training.kinds.audio.audio import Audio
from training.kinds.image import Image
from training.kinds.image.properties import properties as of_images
from training.quality.findings.carrying import uncarried
from training.quality.findings.samples import sentences
from training.quality.measures import carrying
from training.quality.table import render


def moved(raw: np.ndarray, target: np.ndarray, source: np.ndarray, strength: float) -> np.ndarray:
    """A stand-in that keeps all and changes nothing but one level."""
    return np.clip(raw.astype(int) + (strength > 0), 0, 255).astype(np.uint8)


def fresh(labels: np.ndarray, start: int) -> np.ndarray:
    return np.random.default_rng(start).integers(0, 256, (len(labels), 8, 8, 1), dtype=np.uint8)


def test_a_stand_in_that_changes_nothing_keeps_all_and_is_not_recognised(
    digits: Dataset, splits: Splits, judge: Classifier
) -> None:
    found = carrying.measure(moved, fresh, digits, splits, judge, seed=0)
    assert {each.name for each in found.kept} >= {"mean light", "size", "slant", "place across", "place down"}
    # Not 1: what a class has is left in the samples, and they are compared with others of the class that was asked for.
    assert min(each.correlation for each in found.kept) > 0.5
    assert max(abs(each.fresh) for each in found.kept) < 0.2
    assert found.reconstruction_error == 0
    assert found.recognised < 0.1
    assert [one.label for one in found.classes] == list(digits.class_names)
    assert len({one.samples for one in found.classes}) == 1
    assert found.samples == sum(one.samples for one in found.classes)


def test_real_samples_of_the_class_in_their_place_are_recognised_and_keep_nothing(
    digits: Dataset, splits: Splits, judge: Classifier
) -> None:
    random, labels = np.random.default_rng(1), digits.labels[splits.train]
    members = [splits.train[labels == label] for label in range(digits.classes)]

    def another(raw: np.ndarray, target: np.ndarray, source: np.ndarray, strength: float) -> np.ndarray:
        return digits.samples[[random.choice(members[label]) for label in target]]

    found = carrying.measure(another, fresh, digits, splits, judge, seed=0)
    assert found.recognised > 0.9
    assert max(abs(each.correlation) for each in found.kept) < 0.2
    assert found.reconstruction_error > 0.05
    assert min(one.coverage for one in found.classes) > 0.6  # as a class covers itself


def test_correlation_is_inside_classes_and_leaves_out_what_is_missing() -> None:
    random = np.random.default_rng(0)
    source, target = np.arange(400) % 2, (np.arange(400) // 2) % 2
    before, noise = random.normal(size=400), random.normal(size=400)
    within = before - np.array([before[source == label].mean() for label in range(2)])[source]
    assert carrying.correlation(before + 100 * source, source, within - 50 * source, source) == pytest.approx(1)
    assert carrying.correlation(before + 100 * source, source, before - 50 * target, target) == pytest.approx(
        1, abs=0.01
    )
    assert abs(carrying.correlation(100.0 * source, source, 100.0 * source, source)) < 1e-6  # the class alone
    assert carrying.correlation(before, source, before + noise, target) == pytest.approx(0.71, abs=0.05)
    gaps = np.where(random.random(400) < 0.3, np.nan, before)
    assert carrying.correlation(gaps, source, 2 * before, target) == pytest.approx(1, abs=0.01)
    assert carrying.correlation(np.full(400, np.nan), source, before, target) == 0


def test_where_all_sounds_are_silent_noise_is_little_of_the_range() -> None:
    sounds, _ = made.sounds(40)
    sounds[:, 512:] = 0
    kind = Audio(made.RATE, sounds.shape[1]).fitted(sounds, np.zeros(40, np.int64), 1)
    assert carrying.missed(kind, sounds, sounds) == 0
    hiss = np.random.default_rng(0).integers(-3, 4, sounds.shape).astype(np.int16)
    assert 0 < carrying.missed(kind, sounds, sounds + hiss) < 0.2
    assert carrying.missed(kind, sounds, -sounds[::-1]) < 1


def test_what_a_column_lacks_is_a_share_of_the_range_of_all() -> None:
    raw, _ = mixed.samples(50)
    kind = mixed.Mixed(raw)
    assert carrying.missed(kind, raw, raw) == 0
    again = raw.copy()
    again[:, 0] += 0.1 * np.ptp(raw[:, 0])
    reach = np.ptp(kind.values(raw), axis=0)
    assert carrying.missed(kind, raw, again) == pytest.approx(0.1 * reach[0] / reach.sum(), abs=1e-3)
    assert carrying.missed(kind, raw, raw + 100 * reach.max()) == 1


def test_of_many_properties_those_are_measured_that_say_least_of_the_class() -> None:
    class Wide(mixed.Mixed):
        def properties(self, raw: np.ndarray) -> dict[str, np.ndarray]:
            random = np.random.default_rng(0)
            return {f"{number}": number * labels + random.normal(size=len(labels)) for number in range(20)} | {
                "constant": np.ones(len(labels))
            }

    raw, labels = mixed.samples(200)
    found = carrying.properties(Wide(raw), raw, labels)
    assert list(found) == [str(number) for number in range(12)]
    assert carrying.properties(mixed.Mixed(raw), raw, labels) == {}


def test_images_have_light_size_slant_and_a_place() -> None:
    upright, leaning, far = (np.zeros((16, 16, 1), np.uint8) for _ in range(3))
    upright[4:12, 7:9] = 200
    far[6:14, 10:12] = 200
    for row in range(4, 12):
        leaning[row, row - 1 : row + 1] = 200
    found = of_images(np.stack([upright, leaning, far]))
    assert found["slant"] == pytest.approx([0, 1, 0], abs=0.05)
    assert found["place across"] == pytest.approx([7.5, 7.0, 10.5], abs=0.01)
    assert found["place down"] == pytest.approx([7.5, 7.5, 9.5], abs=0.01)
    assert found["mean light"] == pytest.approx([12.5] * 3)
    assert found["size"][0] < found["size"][1]
    assert set(Image(16, 16, 1).properties(np.stack([upright]))) == set(found)


def card(recognised: float, count: int) -> pb.QualityCard:
    quality = pb.TransformQuality(samples=2 * count, recognised=recognised, reconstruction_error=0.04)
    quality.kept.add(name="slant", correlation=0.75, fresh=0.01)
    for label in ("cat", "[dog]"):
        quality.classes.add(label=label, recognised=recognised, samples=count, coverage=0.5)
    return pb.QualityCard(transform=quality)


def test_a_class_that_is_seldom_reached_is_a_warning_where_that_is_certain() -> None:
    found = list(uncarried(card(0.5, 100)))
    assert [(each.kind, each.label) for each in found] == [("uncarried", "cat"), ("uncarried", "[dog]")]
    assert "50%" in found[0].text
    assert {each.severity.name for each in found} == {"WARNING"}
    assert not list(uncarried(card(0.5, 3)))  # so few can be anything
    assert not list(uncarried(card(0.9, 100)))
    assert not list(uncarried(pb.QualityCard()))
    text = sentences(found, 3)
    assert len(text) == 1
    assert "2 of 3 classes are seldom reached" in text[0]


def test_a_terminal_shows_what_is_kept_and_what_is_not_reached() -> None:
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(render(card(0.5, 100)))
    text = console.export_text()
    assert "Carried into other classes: 200 held-out real samples" in text
    assert "kept: slant" in text
    assert "into [dog]" in text
    assert "50.0%, coverage 0.50 !" in text
