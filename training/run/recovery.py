"""What a run that was lost is tried with next: a smaller rate, then more regularisation, then all there is."""

from __future__ import annotations

from typing import Any

from training.config.config import Config
from training.config.rules import faults

ATTEMPTS = 3
_SMALLER_RATE = 4.0
_MORE = 4.0  # times as much penalty
_TIGHTER = 10.0  # times shorter gradients, where no penalty can be
_MORE_AUGMENTATION = 0.3
_MOST_AUGMENTATION = 0.8  # above, augmented samples are what the generator learns


def climb(config: Config, attempt: int, augmentation: float) -> tuple[Config, str]:
    """The configuration of an attempt, and what it changes, in words.

    config:       what the run was asked for; each rung changes that, not the rung before.
    attempt:      1 to ATTEMPTS.
    augmentation: probability that the configuration comes to with this data, [0, 1].
    """
    slower: dict[str, Any] = {"learning_rate": config.learning_rate / _SMALLER_RATE}
    if config.discriminator_learning_rate:
        slower["discriminator_learning_rate"] = config.discriminator_learning_rate / _SMALLER_RATE
    regularised = _regularised(config)
    rungs = [slower, regularised, {**slower, **regularised, **_augmented(config, augmentation)}]
    changes = rungs[attempt - 1]
    words = ", ".join(f"{name} {value:g} instead of {_before(config, name)}" for name, value in changes.items())
    return config.model_copy(update=changes), words


def _regularised(config: Config) -> dict[str, Any]:
    """The strongest brake on the discriminator that goes with the other settings."""
    candidates: list[dict[str, Any]] = [
        {"unit_slope": config.unit_slope * _MORE} if config.unit_slope else {},
        {"gamma": config.gamma * _MORE or Config.model_fields["gamma"].default},
        {"gradient_clip": (config.gradient_clip or _TIGHTER) / _TIGHTER},
    ]
    return next(change for change in candidates if change and not _newly_faulty(config, change))


def _augmented(config: Config, augmentation: float) -> dict[str, Any]:
    more = max(augmentation, min(_MOST_AUGMENTATION, augmentation + _MORE_AUGMENTATION))
    change = {"augmentation": more}
    return {} if _newly_faulty(config, change) else change


def _newly_faulty(config: Config, change: dict[str, Any]) -> bool:
    return bool(set(faults(config.model_copy(update=change))) - set(faults(config)))


def _before(config: Config, name: str) -> str:
    value = getattr(config, name)
    return "the data's own" if value is None else f"{value:g}"
