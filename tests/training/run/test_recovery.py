from __future__ import annotations

import pytest

from training.config.presets import PRESETS, resolve
from training.config.rules import faults
from training.run.recovery import ATTEMPTS, climb


def test_the_rungs_are_a_smaller_rate_then_more_regularisation_then_both_and_augmentation() -> None:
    config = resolve("rpgan")
    slower, regularised, both = (climb(config, attempt, 0.6)[0] for attempt in (1, 2, 3))
    assert (slower.learning_rate, slower.gamma) == (config.learning_rate / 4, config.gamma)
    assert (regularised.learning_rate, regularised.gamma) == (config.learning_rate, config.gamma * 4)
    assert (both.learning_rate, both.gamma) == (slower.learning_rate, regularised.gamma)
    assert both.augmentation == 0.8
    assert climb(config, 1, 0.6)[1] == "learning_rate 0.00025 instead of 0.001"


@pytest.mark.parametrize("attempt", range(1, ATTEMPTS + 1))
@pytest.mark.parametrize("preset", PRESETS)
def test_every_rung_of_every_preset_can_work_and_differs(preset: str, attempt: int) -> None:
    config = resolve(preset)
    tried, words = climb(config, attempt, config.augmentation_for(1000))
    assert faults(tried) == []
    assert tried != config
    assert type(config)(**tried.model_dump()) == tried  # within the bounds of every setting
    assert words


def test_augmentation_is_never_taken_away() -> None:
    assert climb(resolve("rpgan", {"augmentation": 1.0}), 3, 1.0)[0].augmentation == 1.0
