"""Checks of numbers that a caller passes; the message names the value and the allowed ones."""

from __future__ import annotations

import re
import secrets

import numpy as np

from augmint.errors import InvalidRequest

SEED_LIMIT = 2**64
# Of a seed that is drawn here: a reader of JSON that knows numbers as doubles keeps these exactly. Two of 10 million
# calls have the same one with a chance of 1 in 200.
DRAWN_BITS = 53


def whole(name: str, value: object, low: int, high: int) -> int:
    """The value as an int; InvalidRequest unless it is a whole number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= int(value) <= high:
        raise InvalidRequest(f"{name} is {value!r}; it must be a whole number in [{low}, {high}]")
    return int(value)


def seed(value: object) -> int:
    """The value as an int in [0, 2**64), given as one or as its decimal digits, as JSON has it; or InvalidRequest."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}", value):
        return whole("seed", int(value), 0, SEED_LIMIT - 1)
    return whole("seed", value, 0, SEED_LIMIT - 1)


def seed_or_drawn(value: object) -> int:
    """As `seed`; None: a random one."""
    return secrets.randbits(DRAWN_BITS) if value is None else seed(value)


def seconds(name: str, value: object) -> float:
    """The value as a float; InvalidRequest unless it is above 0 and at most a year."""
    # Longer times overflow inside gRPC.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 365 * 86400:
        raise InvalidRequest(f"{name} is {value!r}; it must be a number of seconds above 0, at most a year")
    return float(value)


def share(name: str, value: object) -> float:
    """A number in [0, 1], as float32 has it; InvalidRequest names it otherwise."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:  # type: ignore[operator]
        raise InvalidRequest(f"{name} is {value!r}; it must be a number in [0, 1]")
    return float(np.float32(value))  # type: ignore[arg-type]
