"""benchmarks/quality/scarce.py"""

import json

import numpy as np
import pytest

from benchmarks.quality import scarce


def test_a_long_tail_falls_from_the_first_class_to_the_last():
    labels = np.repeat(np.arange(10), 100)
    train = np.arange(0, 1000, 2)
    chosen = scarce.long_tail(labels, train, most=40, imbalance=20, seed=0)
    counts = np.bincount(labels[chosen]).tolist()
    assert counts == [40, 29, 21, 15, 11, 8, 8, 8, 8, 8]  # a generator can be trained on no fewer than 8
    assert set(chosen.tolist()) <= set(train.tolist())
    assert len(set(chosen.tolist())) == len(chosen)


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [([0.05, 0.06, 0.055], "a gain"), ([-0.05, -0.06, -0.055], "a loss"), ([0.05, -0.04, 0.01], "no measurable")],
)
def test_a_gain_is_one_if_its_interval_is_above_zero(gains, verdict):
    assert verdict in scarce.in_words(gains)


def test_an_interval_is_students():
    assert scarce.in_words([0.01, 0.02, 0.03]).startswith("+2.0 points [-0.5, +4.5]")
    assert "no measurable difference" in scarce.in_words([-0.2])


def cell(draw, seed, arm, *recalls):
    return {"draw": draw, "seed": seed, "arm": arm, "recalls": recalls}


def test_gains_are_paired_by_draw_and_seed_and_over_the_balanced_draw():
    cells = [
        *(cell(0, 0, "natural", 1.0, 0.2), cell(0, 0, "balanced", 1.0, 0.6), cell(0, 0, "same", 1.0, 0.7)),
        *(cell(1, 0, "natural", 0.8, 0.1), cell(1, 0, "balanced", 0.8, 0.2), cell(1, 0, "same", 0.8, 0.32)),
    ]
    summary = scarce.summarise(cells)
    assert list(summary) == ["natural", "balanced", "same"]
    assert summary["same"]["all"]["gain"] == pytest.approx(0.055)
    assert summary["same"]["rarer half"]["gain"] == pytest.approx(0.11)
    assert summary["same"]["rarer half"]["gain_low"] < 0.11 < summary["same"]["rarer half"]["gain_high"]
    assert summary["natural"]["rarer half"]["gain"] == pytest.approx(-0.25)
    assert "gain" not in summary["balanced"]["all"]


def test_finished_cells_are_read_again_and_half_a_line_is_none(tmp_path):
    path = tmp_path / "cells.jsonl"
    assert scarce.read(path) == {}
    path.write_text(json.dumps({"key": "a", "recalls": [1]}) + '\n{"key": "b", "rec')
    assert scarce.read(path) == {"a": {"recalls": [1]}}


def test_the_balanced_draw_has_every_class_equally_often_and_the_natural_one_as_they_come():
    labels = np.repeat([0, 1], [90, 10])
    real = scarce.Scarce(np.zeros((100, 8, 8, 1), np.uint8), labels, ("a", "b"))
    shares = {}
    for balanced in (True, False):
        drawn = np.concatenate([batch[1].numpy() for batch in scarce.loader(real, balanced)])
        assert len(drawn) == 20 * scarce.BATCH
        shares[balanced] = drawn.mean()
    assert shares[True] == pytest.approx(0.5, abs=0.08)
    assert shares[False] == pytest.approx(0.1, abs=0.05)
