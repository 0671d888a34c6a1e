"""Data from named arrays, in an archive or in files of their own: shapes, levels and labels as people save them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from training.data.errors import DataError
from training.data.reading import Reading
from training.data.records import Records
from training.kinds.image import levels as ranges
from training.kinds.image import names, targets
from training.kinds.image.names import Pair

_LEAST_SIDE = 4
_CHANNELS = (1, 3)
_ALPHA = 4


class Arrays(Protocol):
    """Arrays by name, wherever they are kept."""

    def __getitem__(self, name: str) -> np.ndarray:
        """The array, as it lies there; raises DataError."""

    def names(self) -> list[str]: ...

    def where(self, name: str) -> str:
        """What messages call the array."""


@dataclass(slots=True)
class Source:
    """What was found of one data set, before images and labels are looked at.

    path:     for messages.
    parts:    images and labels by part: "", "train", "validation", "test".
    notes:    one sentence each.
    left_out: what is not read, and how many of it.
    """

    path: str
    parts: dict[str, Pair]
    notes: dict[str, None] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Content:
    """samples uint8 [n, h, w, c]; labels int64 [n]; test: positions, None if there is no such part."""

    samples: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    test: np.ndarray | None
    reading: Reading

    def records(self, source: Source) -> Records:
        """What a reader answers; levels are settled."""
        found = self.samples, self.labels, self.class_names, self.test
        return Records(*found, tuple(source.notes), reading=self.reading, settled=True)


def find(path: str, arrays: Arrays) -> Source:
    """Which arrays are the data; raises DataError if their names and shapes do not say."""
    found = names.pairs(arrays.names())
    source = Source(path, found)
    if not found:
        source.parts = _positional(arrays)
    if not source.parts:
        listed = ", ".join(sorted(arrays.names())) or "(none)"
        raise DataError(f"{path}: has the arrays {listed}; wanted {names.USUAL}")
    parts = source.parts
    if "train" in parts and "" in parts:
        whole = parts.pop("")
        source.notes[f"{whole.images} was left out: {parts['train'].images} is the training part"] = None
    main = parts.get("train") or parts.get("")
    if main is None:
        listed = ", ".join(pair.images for pair in parts.values())
        raise DataError(f"{path}: has only {listed}; wanted a training part too, e.g. x_train and y_train")
    if not main.labels:
        raise DataError(f"{path}: has {main.images} but no {wanted_labels(main.images)}")
    for part in ("validation", "test"):
        pair = parts.get(part)
        if pair is not None and not pair.labels:
            del parts[part]
            source.notes[f"{pair.images} has no labels ({wanted_labels(pair.images)}) and was left out"] = None
            source.left_out[f"images of {pair.images} without labels"] = len(arrays[pair.images])
    used = {name for pair in parts.values() for name in pair}
    for name in arrays.names():
        # Only what could have been meant; descriptions and the like are not worth a word.
        if names.role(name) and name not in used and not any(name in note for note in source.notes):
            source.notes[f"array {name} was left out"] = None
    return source


def read(source: Source, arrays: Arrays, stated: ranges.Levels | None) -> Content:
    """Images and labels of all parts, in memory; raises DataError."""
    parts = {part: source.parts[part] for part in ("", "train", "validation", "test") if part in source.parts}
    pairs = list(parts.values())
    labels, class_names = read_labels(source, arrays, pairs)
    shaped: list[np.ndarray] = []
    for number, pair in enumerate(pairs):
        images = shape(arrays[pair.images], arrays.where(pair.images), len(labels[number]), source.notes)
        if len(images) != len(labels[number]):
            raise DataError(
                f"{source.path}: {pair.images} has {len(images)} images "
                f"but {pair.labels} has {len(labels[number])} labels"
            )
        if shaped and images.shape[1:] != shaped[0].shape[1:]:
            raise DataError(
                f"{source.path}: {pair.images} holds {list(images.shape[1:])} images but {pairs[0].images} "
                f"{list(shaped[0].shape[1:])}; they must agree"
            )
        shaped.append(images)
    bunch = pairs[0].labels.lower() in ("target", "targets")
    where = [arrays.where(pair.images) for pair in pairs]
    done, found = ranges.to_uint8(list(zip(where, shaped, strict=True)), stated, source.notes, bunch=bunch)
    samples = _opaque(np.concatenate(done) if len(done) > 1 else done[0], source.notes)
    test = np.arange(len(samples) - len(done[-1]), len(samples)) if "test" in parts else None
    counts: dict[str, int] = {part: len(each) for part, each in zip(parts, labels, strict=True)}
    reading = Reading(layout(pairs), splits(counts), found, source.left_out)
    return Content(samples, np.concatenate(labels), class_names, test, reading)


def read_labels(source: Source, arrays: Arrays, pairs: Sequence[Pair]) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Class indices of each part, int64 [n], and the names of the classes; raises DataError."""
    raw = [arrays[pair.labels] for pair in pairs]
    flat = [targets.flat(each, arrays.where(pair.labels)) for each, pair in zip(raw, pairs, strict=True)]
    columns = {each.shape[1] if targets.one_hot(each) else 0 for each in raw}
    texts = {each.dtype.kind == "U" for each in flat}
    if len(columns) > 1 or len(texts) > 1:
        listed = ", ".join(
            f"{pair.labels} {each.dtype} {list(each.shape)}" for each, pair in zip(raw, pairs, strict=True)
        )
        raise DataError(f"{source.path}: the parts label their images in different ways ({listed}); they must agree")
    joined = np.concatenate(flat)
    if (
        joined.dtype.kind in "iu"
        and len(joined)
        and int(joined.min()) < 0 <= int(joined.max())
        and set(np.unique(joined)) != {-1, 1}
    ):
        count = int((joined < 0).sum())
        source.notes[
            f"{count:,} images have a label below 0, a class of its own here; leave them out if it means none"
        ] = None
    if columns != {0}:
        source.notes["one-hot labels became class indices"] = None
    listing = names.class_names(arrays.names())
    given = arrays[listing] if listing else None
    where = arrays.where(listing) if listing else source.path
    indices, class_names = targets.named(joined, given, where, max(columns))
    ends = np.cumsum([len(each) for each in flat])[:-1]
    return np.split(indices, ends), class_names


def shape(images: np.ndarray, where: str, wanted: int, notes: dict[str, None]) -> np.ndarray:
    """Images as [n, h, w, 1, 3 or 4], whatever way they lie; raises DataError where that is open.

    wanted: the number of labels, which tells images that are counted along the last axis.
    """
    found = list(images.shape)
    if images.dtype.kind == "O":
        try:
            images = np.stack([np.asarray(image) for image in images])
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{where} holds images of different shapes; save them as PNG files, one folder per class, "
                "which are resized"
            ) from error
        found = list(images.shape)
    if images.ndim == 2:
        return _unrolled(images, where, notes)
    if images.ndim in (3, 4) and images.shape[0] != wanted and images.shape[-1] == wanted:
        raise DataError(
            f"{where} has the shape {found}: its images are counted along the last axis; np.moveaxis(x, -1, 0)"
        )
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim == 4:
        first, last = images.shape[1] in (*_CHANNELS, _ALPHA), images.shape[3] in (*_CHANNELS, _ALPHA)
        if images.shape[1] in _CHANNELS and last:
            raise DataError(
                f"{where} has the shape {found}: both the second and the last axis could be channels; "
                "x.transpose(0, 2, 3, 1) makes the last one of the second"
            )
        if first and not last:
            images = images.transpose(0, 2, 3, 1)
            notes["channels came first and were moved last"] = None
    if images.ndim != 4 or images.shape[3] not in (*_CHANNELS, _ALPHA) or 0 in images.shape:
        raise DataError(
            f"{where} has the shape {found}; wanted [n, h, w], [n, h, w, 1, 3 or 4], [n, 1, 3 or 4, h, w] or [n, h * h]"
        )
    if min(images.shape[1:3]) < _LEAST_SIDE:
        raise DataError(f"{where} has the shape {found}: images of {images.shape[1]} x {images.shape[2]} are too small")
    return images


def _unrolled(images: np.ndarray, where: str, notes: dict[str, None]) -> np.ndarray:
    """Rows of values as square images, [n, side, side, 1]."""
    count, length = images.shape
    side = math.isqrt(length)
    if side * side == length and side >= _LEAST_SIDE and count:
        notes[f"rows of {length} values were taken for images of {side} x {side}"] = None
        return images.reshape(count, side, side, 1)
    said = f"{where} has the shape {[count, length]}"
    color = math.isqrt(length // 3)
    if length and 3 * color * color == length and color >= _LEAST_SIDE:
        raise DataError(
            f"{said}: colour images of {color} x {color}, but in which order? x.reshape(-1, 3, {color}, {color}) if "
            f"the channels come first, as in CIFAR, x.reshape(-1, {color}, {color}, 3) if they come last"
        )
    before = math.isqrt(max(0, length - 1))
    if before * before == length - 1 and before >= _LEAST_SIDE:
        raise DataError(f"{said}: one column more than images of {before} x {before}; save the labels apart from them")
    raise DataError(
        f"{said}: rows of {length} values are no square image; x.reshape(-1, height, width) says their sides"
    )


def _opaque(samples: np.ndarray, notes: dict[str, None]) -> np.ndarray:
    """Four channels are colour and opacity: laid over white, as pictures in folders are."""
    if samples.shape[3] != _ALPHA:
        return samples
    notes["four channels were taken for RGBA: transparency was laid over white"] = None
    result = np.empty((*samples.shape[:3], 3), np.uint8)
    for number, sample in enumerate(samples):
        alpha = sample[..., 3:].astype(np.uint16)
        result[number] = (sample[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return result


def _positional(arrays: Arrays) -> dict[str, Pair]:
    """The parts of arrays that np.savez has numbered: images and labels tell themselves apart by their shapes."""
    numbered = sorted(
        (name for name in arrays.names() if name.lower().startswith("arr_")), key=lambda name: (len(name), name)
    )
    if len(numbered) != len(arrays.names()) or len(numbered) not in (2, 4):
        return {}
    shapes = {name: arrays[name].shape for name in numbered}
    labels = [name for name in numbered if math.prod(shapes[name][1:]) == 1]
    images = [name for name in numbered if name not in labels]
    if len(images) != len(labels):
        return {}
    if any(shapes[first][0] != shapes[second][0] for first, second in zip(images, labels, strict=True)):
        return {}
    return dict(zip(("train", "test") if len(images) == 2 else ("",), map(Pair, images, labels), strict=True))


def layout(pairs: Sequence[Pair]) -> str:
    """The arrays that were read, in words."""
    return "arrays " + ", ".join(f"{pair.images} with {pair.labels}" for pair in pairs)


def splits(counts: dict[str, int]) -> str:
    """What each part is used as, in words; "" if there is one alone."""
    if len(counts) == 1:
        return ""
    said = [f"{counts['train' if 'train' in counts else '']:,} for training"]
    if "validation" in counts:
        said.append(f"{counts['validation']:,} for validation joined to them")
    if "test" in counts:
        said.append(f"{counts['test']:,} kept for testing")
    return ", ".join(said)


def wanted_labels(images: str) -> str:
    """The name that labels of such images would have."""
    for known, wanted in (
        ("images", "labels"),
        ("imgs", "labels"),
        ("img", "label"),
        ("image", "label"),
        ("data", "target"),
    ):
        if known in images.lower():
            return images.lower().replace(known, wanted)
    return images.lower().replace("x", "y") if "x" in images.lower() else "labels"
