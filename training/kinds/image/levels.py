"""What the numbers of an array of images mean: levels from black to full, brought to 0..255 or asked about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.data.errors import DataError

Levels = tuple[float, float]

WHOLE = (0.0, 255.0)
# A quarter of the range: what never gets above it was most likely never meant for 0..255.
LOW_LEVEL = 63
# Greatest levels of sensors with 10, 12, 14 and 16 bits.
_DEEP = (1023, 4095, 16383, 65535)
# Below it the brightest level of 0..255 is worth a word.
DIM = 128
_BLOCK = 2**22  # values looked at together
_ROUNDING = 1e-6
# scikit-learn's digits: 8 x 8 counts of 0..16.
_DIGITS_SIDE, _DIGITS_LEVELS = 8, (0.0, 16.0)


@dataclass(frozen=True, slots=True)
class _Facts:
    low: float
    high: float
    whole: bool  # all are whole numbers


def to_uint8(
    parts: Sequence[tuple[str, np.ndarray]], stated: Levels | None, notes: dict[str, None], *, bunch: bool = False
) -> tuple[list[np.ndarray], Levels]:
    """Images in levels of 0..255, and least and greatest value before.

    parts:  what messages call an array, and its bool, whole numbers or floats, [n, h, w, c]. Arrays of one kind of
            number are on one scale: a test part that happens to be dark is not brightened by itself.
    stated: what the person says is black and full; None: made out from the values.
    bunch:  the arrays have the names of scikit-learn's bunches, so that 0..16 in 8 x 8 are its digits.
    notes:  gets what was made out.
    raises: DataError for what is no image, and as a question where the values leave it open.
    """
    for where, images in parts:
        if images.dtype.kind not in "buif":
            raise DataError(f"{where} holds {images.dtype}; wanted uint8, whole numbers, floats or bool")
    facts = [_look(images, where) for where, images in parts]
    scales: dict[str, Levels] = {}
    for kind in dict.fromkeys(images.dtype.kind for _, images in parts):
        alike = [number for number, (_, images) in enumerate(parts) if _alike(images.dtype.kind, kind)]
        together = _Facts(
            min(facts[number].low for number in alike),
            max(facts[number].high for number in alike),
            all(facts[number].whole for number in alike),
        )
        where, images = parts[alike[0]]
        digits = bunch and images.shape[1:] == (_DIGITS_SIDE, _DIGITS_SIDE, 1)
        if kind == "b":
            scales[kind] = (0.0, 1.0)
            notes["true and false became 255 and 0"] = None
        elif stated is not None:
            scales[kind] = stated
        else:
            scales[kind] = _made_out(together, where, notes, digits)
    if stated is not None:
        _tell_of(stated, [images for _, images in parts if images.dtype.kind != "b"], notes)
    done = [
        images if images.dtype == np.uint8 and scales["u"] == WHOLE else _scaled(images, scales[images.dtype.kind])
        for _, images in parts
    ]
    return done, (min(each.low for each in facts), max(each.high for each in facts))


def _alike(kind: str, other: str) -> bool:
    return kind == other or {kind, other} == {"i", "u"}


def _tell_of(stated: Levels, arrays: Sequence[np.ndarray], notes: dict[str, None]) -> None:
    if stated != WHOLE:
        notes[f"levels {stated[0]:g} to {stated[1]:g} became 0 to 255, as asked"] = None
    outside = sum(
        int(((block < stated[0]) | (block > stated[1])).sum()) for images in arrays for block in _blocks(images)
    )
    if outside:
        share = outside / sum(images.size for images in arrays)
        notes[f"{outside:,} values ({share:.2%}) beyond the levels that were asked for became the nearest"] = None


def _look(images: np.ndarray, where: str) -> _Facts:
    low, high, whole = np.inf, -np.inf, True
    first = 0
    for block in _blocks(images):
        if images.dtype.kind == "f":
            if not np.isfinite(block).all():
                at = np.argwhere(~np.isfinite(block))[0]
                value = block[tuple(at)]
                at[0] += first
                raise DataError(
                    f"{where}[{', '.join(map(str, at))}] is {value}; every level must be a number "
                    "(np.nan_to_num, or leave the image out)"
                )
            whole = whole and bool((block == np.rint(block)).all())
        low, high = min(low, float(block.min())), max(high, float(block.max()))
        first += len(block)
    return _Facts(low, high, whole)


def _blocks(images: np.ndarray) -> Iterator[np.ndarray]:
    rows = max(1, _BLOCK // max(1, int(np.prod(images.shape[1:]))))
    return (images[start : start + rows] for start in range(0, len(images), rows))


def _made_out(facts: _Facts, where: str, notes: dict[str, None], digits: bool) -> Levels:
    """Black and full, where the values leave no doubt; else a question."""
    low, high = facts.low, facts.high
    if low < -_ROUNDING:
        # One end has to be reached nearly: -0.5..0.5, and what was standardised, stay within too.
        if (
            low >= -1 - _ROUNDING
            and high <= 1 + _ROUNDING
            and ((low <= -0.75 < 0.25 < high) or (low < -0.25 < 0.75 <= high))
        ):
            notes["levels from -1 to 1 became 0 to 255"] = None
            return -1.0, 1.0
        raise _question(facts, where, "")
    if high <= 1 + _ROUNDING:
        if facts.whole:
            notes["levels 0 and 1 became 0 and 255"] = None
        elif high > LOW_LEVEL / 255:
            notes["floats from 0 to 1 became levels from 0 to 255"] = None
        else:
            raise _question(facts, where, "of 0 to 1, if that is what floats are in")
        return 0.0, 1.0
    if digits and facts.whole and 8 < high <= _DIGITS_LEVELS[1]:
        notes[
            "8 x 8 images with levels up to 16, under scikit-learn's names: taken as its digits, 0..16 became 0..255"
        ] = None
        return _DIGITS_LEVELS
    if high <= LOW_LEVEL:
        raise _question(facts, where, "of 0 to 255")
    if high <= 255:
        if high < DIM:
            notes[dim(high)] = None
        return WHOLE
    deep = next((limit for limit in _DEEP if high <= limit), None)
    if deep is None or not facts.whole:
        raise _question(facts, where, "")
    bits = int(deep).bit_length()
    weak = f", of which the brightest is {high:g}" if high < deep / 2 else ""
    notes[f"{bits}-bit levels, 0 to {deep}{weak}, became 0 to 255"] = None
    return 0.0, float(deep)


def dim(high: float) -> str:
    """The note about images that are dark, or of another range than 0..255."""
    return (
        f"the brightest of all levels is {high:g} of 255; if the range ends there, "
        f"--levels 0..{_likely(high):g} makes it 0..255"
    )


def question(low: float, high: float, where: str) -> DataError:
    """What is asked when whole levels stay far below 255."""
    return _question(_Facts(low, high, whole=True), where, "of 0 to 255")


def _question(facts: _Facts, where: str, of: str) -> DataError:
    """of: the range that the values would fill a small part of; empty if they fit none."""
    low, high = facts.low, facts.high
    end = _likely(high) if facts.whole and low >= 0 else high
    mine = f"--levels {min(low, 0):.4g}..{end:.4g}"
    if -1 <= low < 0 and high <= 1:
        usual = "--levels -1..1"
    elif high <= 1.5 and not facts.whole:
        usual = "--levels 0..1"
    else:
        usual = "--levels 0..255"
    wanted = f", a small part {of}" if of else "; wanted 0 to 255, 0 to 1, -1 to 1 or whole numbers of up to 16 bits"
    return DataError(
        f"{where} has values from {low:g} to {high:g}{wanted}. Say which are black and full: {mine} if they are the "
        f"ends, {usual} if it is those (what lies outside becomes the nearest)"
    )


def _likely(high: float) -> float:
    """The range that ends at, or soon after, the greatest level seen: 3 bits for 7 and 6, 16 for 16."""
    whole = int(np.ceil(high))
    return next((end for end in (1, 3, 7, 10, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255) if end >= whole), whole)


def _scaled(images: np.ndarray, levels: Levels) -> np.ndarray:
    low, high = levels
    result = np.empty(images.shape, np.uint8)
    first = 0
    # Block by block: no float copy of the whole array.
    for block in _blocks(images):
        values = (block.astype(np.float64) - low) * (255 / (high - low))
        result[first : first + len(block)] = np.rint(values).clip(0, 255)
        first += len(block)
    return result


def rescaled(samples: np.ndarray, levels: Levels) -> np.ndarray:
    """uint8 [n, h, w, c] of levels that the person has named, in 0..255."""
    return samples if levels == WHOLE else _scaled(samples, levels)
