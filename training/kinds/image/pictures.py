"""Many pictures into one array: sizes, colour and levels made alike, damaged files left out, memory bounded."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from training.data.errors import DataError
from training.data.folders.faults import tolerate
from training.data.question import Question
from training.data.records import LARGEST_BYTES
from training.data.wording import shown
from training.kinds.image import levels as ranges
from training.kinds.image import picture
from training.kinds.image.levels import LOW_LEVEL, WHOLE, Levels
from training.kinds.image.picture import Content, Header, Pixels
from training.kinds.image.resize import check_size, choose_side

_FLAT = 24  # levels of 255 between the darkest and the lightest pixel of all pictures

# Pictures that are read ahead of the one that is waited for.
_AHEAD = 64
# How many are decoded at once, by their pixels: memory grows with neither the cores nor the pictures. Threads of their
# own for the large ones, since each thread keeps what it has once had.
_AT_ONCE = {picture.LARGE: 8, 2**24: 4, picture.LARGEST_JPEG_PIXELS: 1}

_Ends = tuple[int, int, bool]  # least and greatest level of a picture, and whether it has 16 bits

_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """samples: uint8 [n, side, side, c]; kept: int64 [n], which of the pictures these are; levels: as stored."""

    samples: np.ndarray
    kept: np.ndarray
    levels: tuple[float, float]
    notes: tuple[str, ...]
    questions: tuple[Question, ...]


def read(
    where: str,
    names: Sequence[str],
    contents: Callable[[], Iterable[Content]],
    size: int | None,
    levels: Levels | None = None,
) -> Pictures:
    """Decode pictures into one array.

    where:    the source, for messages; names: of the pictures, too.
    contents: the pictures in the same order, each a path or the file's bytes; asked for twice.
    size:     side in pixels; None: chosen from the median of the pictures' longer sides, at most 64.
    levels:   which levels are black and full; None: 0 and 255, of 16 bits 0 and 65535, and a question where no level
              comes near. Where some pictures have 8 bits and some 16, levels above 255 are of those with 16.

    Pictures are turned upright (EXIF), resized with their aspect kept until the longer side fits, and padded. Colour is
    kept if any picture has it; transparency is laid over white; 16-bit levels become 8-bit; of several frames or pages
    the first is taken.
    """
    faults: dict[int, str] = {}
    with _unlimited(), _pools() as submit:
        headers: list[Header | str] = list(_ahead(lambda each: submit(0, picture.header, each), contents()))
        faults |= {number: found for number, found in enumerate(headers) if isinstance(found, str)}
        tolerate(where, names, faults, "images")
        found = [header for header in headers if isinstance(header, Header)]
        side = choose_side(float(np.median([max(each.width, each.height) for each in found]))) if size is None else size
        check_size(side)
        color = any(header.colored for header in found)
        shape = (len(found), side, side, 3 if color else 1)
        if int(np.prod(shape, dtype=object)) > LARGEST_BYTES:
            raise DataError(f"{where}: {len(found)} images of {side}x{side} are more than {LARGEST_BYTES} bytes")
        uniform = len({(header.width, header.height) for header in found}) == 1
        samples = np.empty(shape, np.uint8)
        usable = [number for number in range(len(names)) if number not in faults]
        wanted = (
            (header, each) for header, each in zip(headers, contents(), strict=True) if not isinstance(header, str)
        )
        mixed = len({header.deep for header in found}) > 1

        def ends(is_deep: bool) -> Levels | None:
            return levels if levels and (not mixed or (levels[1] > WHOLE[1]) == is_deep) else None

        def start(item: tuple[Header, Content]) -> Future[Pixels | str]:
            work = partial(picture.decode, side=side, color=color, enlarge=not uniform, levels=ends)
            return submit(item[0].pixels, work, item[1])

        kept, ends_found = _fill(samples, usable, _ahead(start, wanted), faults)
    tolerate(where, names, faults, "images")
    notes = [f"skipped {shown(names[number])}: {fault}" for number, fault in sorted(faults.items())]
    notes += _describe(found, side, uniform)
    stored = _levels(ends_found)
    questions: list[Question] = []
    if levels is not None:
        notes.append(f"levels {levels[0]:g} to {levels[1]:g} became 0 to 255, as asked")
    else:
        questions = _doubts(where, stored, [high for _, high, deep in ends_found if deep], notes)
    return Pictures(samples[: len(kept)], np.array(kept, np.int64), stored, tuple(notes), tuple(questions))


def _fill(
    samples: np.ndarray, usable: list[int], decoded: Iterable[Pixels | str], faults: dict[int, str]
) -> tuple[list[int], list[_Ends]]:
    """Put what could be decoded into the array; which pictures these are, and their levels as stored."""
    kept: list[int] = []
    found: list[_Ends] = []
    for number, pixels in zip(usable, decoded, strict=True):
        if isinstance(pixels, str):
            faults[number] = pixels
            continue
        samples[len(kept)] = pixels.image
        kept.append(number)
        found.append((pixels.low, pixels.high, pixels.deep))
    return kept, found


@contextmanager
def _unlimited() -> Iterator[None]:
    """Without Pillow's own limit of pixels: training.kinds.image.picture has its own, and names the file."""
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@contextmanager
def _pools() -> Iterator[Callable[..., Future[Any]]]:
    """What starts work on a picture by its number of pixels: submit(pixels, function, argument)."""
    with ExitStack() as stack:
        pools = {most: stack.enter_context(ThreadPoolExecutor(count)) for most, count in _AT_ONCE.items()}
        yield lambda pixels, work, item: pools[min(most for most in pools if most >= pixels)].submit(work, item)


def _ahead(start: Callable[[_In], Future[_Out]], items: Iterable[_In]) -> Iterator[_Out]:
    """As an executor's map, which would take all items at once, and with them their bytes."""
    waiting: deque[Future[_Out]] = deque()
    for item in items:
        waiting.append(start(item))
        if len(waiting) >= _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _describe(headers: list[Header], side: int, uniform: bool) -> list[str]:
    notes = []
    if not uniform:
        widths, heights = ([header.width for header in headers], [header.height for header in headers])
        notes.append(
            f"images from {min(widths)}x{min(heights)} to {max(widths)}x{max(heights)} were resized to {side}x{side}, "
            "aspect kept, then padded"
        )
    elif (headers[0].width, headers[0].height) != (side, side):
        notes.append(f"images of {headers[0].width}x{headers[0].height} were fitted into {side}x{side}")
    colored = sum(header.colored for header in headers)
    if 0 < colored < len(headers):
        notes.append(f"{colored} of {len(headers)} images are in colour, so that all samples have three channels")
    if any(header.transparent for header in headers):
        notes.append(f"transparency of {sum(header.transparent for header in headers)} images was laid over white")
    deep = sum(header.deep for header in headers)
    if deep:
        notes.append(f"{deep} images with 16-bit levels were reduced to 8-bit")
    animated = sum(header.animated for header in headers)
    if animated:
        notes.append(f"of {animated} files with several frames or pages the first one was taken")
    return notes


def _levels(found: list[_Ends]) -> Levels:
    """Least and greatest level, of 65535 if all pictures have 16 bits, else of 255."""
    scale = 1 if all(deep for _, _, deep in found) else 257
    return (
        min(low // scale if deep else low for low, _, deep in found),
        max(high // scale if deep else high for _, high, deep in found),
    )


def _doubts(where: str, stored: Levels, deep_highs: list[int], notes: list[str]) -> list[Question]:
    """What the levels of all pictures leave open; raises DataError where they would be nearly black as they are."""
    low, high = stored
    brightest = max(deep_highs, default=0)
    if 0 < brightest < 2**14:
        end = 2 ** brightest.bit_length() - 1
        raise DataError(
            f"{where}: its brightest picture of 16 bits has the level {brightest}, a small part of 0 to 65535. Say "
            f"which levels are black and full: --levels 0..{end} if they are the ends, --levels 0..65535 if it is those"
        )
    most = WHOLE[1] if high <= WHOLE[1] else 65535
    if not deep_highs and low < high <= LOW_LEVEL:
        raise ranges.question(low, high, f"{where}: its brightest picture")
    if not deep_highs and low < high < ranges.DIM:
        notes.append(ranges.dim(high))
    if 0 < (high - low) * WHOLE[1] / most < _FLAT:
        text = f"All levels are from {low:g} to {high:g} of {most:g}: the pictures have next to no contrast."
        return [Question(text, f"If these are black and white, --levels {low:g}..{high:g} makes them 0..255.")]
    return []
