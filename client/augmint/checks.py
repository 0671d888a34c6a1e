"""Checks of numbers that a caller passes; the message names the value and the allowed ones."""

from __future__ import annotations

import numpy as np

from augmint.errors import InvalidRequest


def whole(name: str, value: object, low: int, high: int) -> int:
    """The value as an int; InvalidRequest unless it is a whole number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= int(value) <= high:
        raise InvalidRequest(f"{name} is {value!r}; it must be a whole number in [{low}, {high}]")
    return int(value)


def seconds(name: str, value: object) -> float:
    """The value as a float; InvalidRequest unless it is above 0 and at most a year."""
    # Longer times overflow inside gRPC.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 365 * 86400:
        raise InvalidRequest(f"{name} is {value!r}; it must be a number of seconds above 0, at most a year")
    return float(value)
