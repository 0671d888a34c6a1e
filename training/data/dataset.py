"""What every reader of data ends in: uint8 images with class indices, checked once, of a size that networks take."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from training.data import classes
from training.data import levels as ranges
from training.data.errors import DataError
from training.data.kind import Kind
from training.data.question import Question
from training.data.reading import Reading
from training.data.rows import Rows, Samples
from training.data.wording import shown

# Sides that halve cleanly at least twice, to 2..16: the trunks of the networks grow from there.
SIDES = (8, 16, 28, 32, 48, 64)
LARGEST_SIDE = 256

# Uncompressed bytes of one source. Compressed files can claim any size; none is believed beyond this.
LARGEST_BYTES = 8 * 2**30


@dataclass(frozen=True, slots=True)
class Records:
    """What a reader found, before the checks that are the same for every source.

    samples: uint8 [n, h, w, c], c 1 or 3, any h and w.
    labels:  int64 [n], each in [0, len(class_names)).
    test:    positions of the source's own test split, None if it has none.
    on_disk: samples is a map of a file, to be used as it is and never read as a whole.
    reading: what the source was taken for; None where the reader does not say.
    questions: what looks wrong in it, but may be meant.
    settled: the reader has made sure of what the levels mean.
    """

    samples: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    test: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    on_disk: bool = False
    reading: Reading | None = None
    questions: tuple[Question, ...] = ()
    settled: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A labelled set of images, in memory or mapped from a file.

    name:          the source, as given.
    samples:       uint8 [n, h, w, c], 0 black to 255 full; h = w, a multiple of 4; c is 1 (gray) or 3 (sRGB).
    labels:        int64 [n], each in [0, classes).
    class_names:   in order of class index; at least one, all different. One alone is unconditional data.
    digest:        lower-case hexadecimal SHA-256 over shape, labels and samples as they are here.
    official_test: int64 positions, ascending, of the source's own test split; None if it has none.
    notes:         what was skipped, resized, padded or converted, one sentence each.
    kind:          of the samples.
    on_disk:       samples is a map of a file, perhaps larger than memory: take few rows, or a `part`.
    reading:       what the source was taken for; None where the reader does not say.
    questions:     what looks wrong in it, but may be meant; a person should look.
    """

    name: str
    samples: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    digest: str
    official_test: np.ndarray | None
    notes: tuple[str, ...]
    kind: Kind
    on_disk: bool = False
    reading: Reading | None = None
    questions: tuple[Question, ...] = ()

    @property
    def classes(self) -> int:
        return len(self.class_names)

    def counts(self, positions: np.ndarray | None = None) -> np.ndarray:
        """Samples per class, int64 [classes]; of all samples, or of those at the positions."""
        labels = self.labels if positions is None else self.labels[positions]
        return np.bincount(labels, minlength=self.classes)

    def part(self, positions: np.ndarray) -> Samples:
        """The samples at the positions: in memory if the data set is, else read as they are needed."""
        return Rows(self.samples, positions) if self.on_disk else self.samples[positions]


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
    name, names = shown(name), classes.checked_names(name, records.class_names)
    records = replace(records, class_names=names)
    if len(records.samples) != len(records.labels):
        raise DataError(
            f"{name}: {len(records.samples)} images but {len(records.labels)} labels; each image needs one label"
        )
    records = classes.with_enough(name, records, drop_scarce)
    samples, labels, names = records.samples, records.labels, records.class_names
    notes = list(records.notes)
    reading = records.reading
    if not records.settled:
        samples, found = _with_levels(name, records, levels, notes)
        if reading is not None and reading.levels is None and not records.on_disk:
            reading = replace(reading, levels=found)
    height, width = samples.shape[1:3]
    if records.on_disk and size not in (None, height):
        raise DataError(f"{name}: images of {height}x{width} on disk are used as they are; size {size} cannot be had")
    side = choose_side(max(height, width)) if size is None else check_size(size)
    side = height if records.on_disk else side
    if (height, width) != (side, side):
        samples = np.stack([fit(sample, side) for sample in samples])
        how = "padded" if max(height, width) <= side else "resized (aspect kept, then padded)"
        notes.append(f"images of {height}x{width} were {how} to {side}x{side}")
    if samples.shape[3] == 3 and not records.on_disk and _is_gray(samples):
        samples = samples[..., :1]
        notes.append("every image has three equal channels; one was kept")
    samples = np.ascontiguousarray(samples)
    digest, prints = _read_through(samples, labels)
    repeats = len(prints) - len(np.unique(prints))
    if repeats == len(samples) - 1:
        raise DataError(f"{name}: all {len(samples)} images are equal; there is nothing to learn")
    questions = list(records.questions)
    if repeats:
        notes.append(classes.of_copies(repeats, prints, records.test))
        questions += classes.of_two_labels(prints, labels, names)
    questions += classes.of_lookalikes(names)
    from training.kinds.image import Image as ImageKind  # which imports this package

    return Dataset(
        name,
        samples,
        labels,
        names,
        digest,
        records.test,
        tuple(map(shown, notes)),
        ImageKind(*samples.shape[1:]),
        records.on_disk,
        _shown_reading(reading),
        tuple(Question(shown(each.text), shown(each.advice)) for each in questions),
    )


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


def check_size(size: int) -> int:
    """The side asked for, if networks can take it."""
    if not 8 <= size <= LARGEST_SIDE or size % 4:
        raise DataError(f"size {size} is not a multiple of 4 in [8, {LARGEST_SIDE}]")
    return size


def choose_side(longest: float) -> int:
    """The smallest of SIDES that holds an image whose longer side is `longest`; 64 for all that are larger."""
    return next((side for side in SIDES if side >= longest), SIDES[-1])


def fit(image: np.ndarray, side: int, *, enlarge: bool = False) -> np.ndarray:
    """Bring one image to [side, side, c]: shrink what is too large (aspect kept), then pad evenly.

    image:   uint8 [h, w, c], c 1 or 3.
    enlarge: scale smaller ones up until the longer side fits, for sources whose images differ in size.

    The padding has the median colour of the image's border, so that a plain background goes on unbroken.
    """
    height, width = image.shape[:2]
    longest = max(height, width)
    background = np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]), axis=0)
    if longest > side or (enlarge and longest < side):
        new = tuple(max(1, round(extent * side / longest)) for extent in (width, height))
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        image = np.asarray(picture.resize(new, Image.Resampling.LANCZOS)).reshape(new[1], new[0], image.shape[2])
        height, width = image.shape[:2]
    if (height, width) == (side, side):
        return image
    canvas = np.empty((side, side, image.shape[2]), np.uint8)
    canvas[:] = background.astype(np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width] = image
    return canvas


def _shown_reading(reading: Reading | None) -> Reading | None:
    if reading is None:
        return None
    skipped = {shown(what): count for what, count in reading.skipped.items()}
    return replace(reading, layout=shown(reading.layout), splits=shown(reading.splits), skipped=skipped)


def _is_gray(samples: np.ndarray) -> bool:
    # In blocks: most colour images show it in the first, and no temporary as large as the data is made.
    blocks = (samples[start : start + 256] for start in range(0, len(samples), 256))
    return all(bool((block[..., 1:] == block[..., :1]).all()) for block in blocks)


def _read_through(samples: np.ndarray, labels: np.ndarray) -> tuple[str, np.ndarray]:
    """The data set's digest, and a print of each sample, uint64 [n], to find equal ones; one pass."""
    digest = hashlib.sha256(repr(samples.shape).encode())
    digest.update(labels.astype("<i8").data)
    prints = np.empty(len(samples), np.uint64)
    for number, sample in enumerate(samples):
        digest.update(sample.data)
        prints[number] = int.from_bytes(hashlib.blake2b(sample.data, digest_size=8).digest())
    return digest.hexdigest(), prints
