"""From what a reader found to a data set: levels, a square size, checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.data import classes
from training.data.dataset import Dataset
from training.data.errors import DataError
from training.data.finish import finished
from training.data.records import Records
from training.data.wording import shown
from training.kinds.image import levels as ranges
from training.kinds.image.image import Image
from training.kinds.image.resize import _is_gray, check_size, choose_side, fit


def finish(
    name: str,
    records: Records,
    size: int | None,
    levels: ranges.Levels | None = None,
    *,
    drop_scarce: bool = False,
) -> Dataset:
    """Check what a reader found, bring it to a square size for networks and freeze it.

    size:   side in pixels, a multiple of 4 in [8, 256]; None: the smallest of SIDES that holds an image, at most 64.
    levels: what the person says is black and full; None: 0 and 255, and a question where no level comes near.
    drop_scarce: leave out the classes that have too few images, instead of refusing them.
    """
    name = shown(name)
    records = replace(records, class_names=classes.checked_names(name, records.class_names))
    if len(records.samples) != len(records.labels):
        raise DataError(
            f"{name}: {len(records.samples)} images but {len(records.labels)} labels; each image needs one label"
        )
    records = classes.with_enough(name, records, drop_scarce)
    samples = records.samples
    notes = list(records.notes)
    reading = records.reading
    if not records.settled:
        samples, found = _with_levels(name, records, levels, notes)
        if reading is not None and reading.levels is None and not records.on_disk:
            reading = replace(reading, levels=found)
    samples = _square(name, samples, size, records.on_disk, notes)
    records = replace(records, samples=samples, notes=tuple(notes), reading=reading)
    return finished(name, records, Image(*samples.shape[1:]), "images")


def _square(name: str, samples: np.ndarray, size: int | None, on_disk: bool, notes: list[str]) -> np.ndarray:
    """Samples [n, side, side, channels], of one channel if all three are equal; on disk they must be so already."""
    height, width = samples.shape[1:3]
    if on_disk and size not in (None, height):
        raise DataError(f"{name}: images of {height}x{width} on disk are used as they are; size {size} cannot be had")
    side = choose_side(max(height, width)) if size is None else check_size(size)
    side = height if on_disk else side
    if (height, width) != (side, side):
        samples = np.stack([fit(sample, side) for sample in samples])
        how = "padded" if max(height, width) <= side else "resized (aspect kept, then padded)"
        notes.append(f"images of {height}x{width} were {how} to {side}x{side}")
    if samples.shape[3] == 3 and not on_disk and _is_gray(samples):
        samples = samples[..., :1]
        notes.append("every image has three equal channels; one was kept")
    return np.ascontiguousarray(samples)


def _with_levels(
    name: str, records: Records, levels: ranges.Levels | None, notes: list[str]
) -> tuple[np.ndarray, ranges.Levels]:
    """Samples of a reader that took the levels as they came, in 0..255 or asked about; least and greatest before."""
    low, high = 255, 0
    for start in range(0, len(records.samples), 256):
        block = records.samples[start : start + 256]
        low, high = min(low, int(block.min())), max(high, int(block.max()))
        if records.on_disk and high >= ranges.DIM:
            break  # bright enough: what may be larger than memory is not read through for this
    if levels is not None:
        if records.on_disk and levels != ranges.WHOLE:
            raise DataError(
                f"{name}: images on disk are used as they are, and --levels would change them; "
                "an .npz file is converted, in memory"
            )
        if levels != ranges.WHOLE:
            notes.append(f"levels {levels[0]:g} to {levels[1]:g} became 0 to 255, as asked")
        return ranges.rescaled(records.samples, levels), (low, high)
    # Images that are all alike are a fault of their own, told in its own words.
    if low < high <= ranges.LOW_LEVEL:
        raise ranges.question(low, high, f"{name}: its brightest image")
    if low < high < ranges.DIM:
        notes.append(ranges.dim(high))
    return records.samples, (low, high)
