"""What `mix` must know of a real data set: its labels, the names of its classes, and the form of its samples."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augmint.errors import InvalidRequest
from augmint.generators import Description
from augmint.samples import Samples
from augmint.torch.tensors import data, torch

_SECONDS_BETWEEN_REPORTS = 5.0
# Samples that are looked at to tell whether pixel values are in [0, 1].
_LOOKED_AT = 16


def pair(item: Any) -> tuple[Any, Any]:
    """A real item as (sample, label), the label an int or a str; InvalidRequest if it is something else."""
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise InvalidRequest(f"the real data set gives {type(item).__name__}, where (sample, label) is needed")
    # Labels that are tensors would not go into one batch with the numbers of the synthetic samples.
    return item[0], item[1] if isinstance(item[1], str) else int(item[1])


def labels_of(real: Any, given: Any, progress: bool) -> np.ndarray:
    """int64 or str [n]: the label of every real sample, by the cheapest way there is.

    given: the caller's own; None: what the data set tells without loading samples, or else one pass over all of them.
    """
    count = len(real)
    labels = _without_loading(real) if given is None else given
    if labels is None:
        labels = _one_pass(real, count, progress)
    array = np.asarray(labels)
    if array.dtype.kind == "O" and all(isinstance(label, str) for label in array.flat):
        array = array.astype(str)
    if array.shape != (count,) or array.dtype.kind not in "iuU":
        raise InvalidRequest(
            f"labels must be one whole number or one name for each of the {count} real samples, not {array.dtype} "
            f"{list(array.shape)}"
        )
    return array if array.dtype.kind == "U" else array.astype(np.int64)


def _without_loading(real: Any) -> Any:
    if isinstance(real, data.Subset):
        inner = _without_loading(real.dataset)
        return None if inner is None else np.asarray(inner)[np.asarray(real.indices)]
    if isinstance(real, data.ConcatDataset):
        parts = [_without_loading(part) for part in real.datasets]
        return None if any(part is None for part in parts) else np.concatenate([np.asarray(part) for part in parts])
    if isinstance(real, data.TensorDataset):
        return real.tensors[1] if len(real.tensors) == 2 else None
    for name in ("targets", "labels"):  # torchvision's names
        labels = getattr(real, name, None)
        if labels is not None and not callable(labels) and len(labels) == len(real):
            return labels
    return None


def _one_pass(real: Any, count: int, progress: bool) -> list[Any]:
    def say(text: str) -> None:
        if progress:
            sys.stderr.write(f"augmint: {text}\n")

    say(f"reads all {count:,} real samples once for their labels (give labels= to avoid it)")
    labels, last = [], time.monotonic()
    for position in range(count):
        labels.append(pair(real[position])[1])
        if time.monotonic() - last > _SECONDS_BETWEEN_REPORTS:
            last = time.monotonic()
            say(f"{position + 1:,} of {count:,}")
    return labels


def class_names(real: Any, labels: np.ndarray, description: Description, given: Sequence[str] | None) -> list[str]:
    """Name of each real class: in order of the real data set's class numbers, or its own if the labels are names.

    A class that the generator does not have stays as it is; at least one must be known to it.
    """
    known = description.labels
    if labels.dtype.kind == "U":
        found = sorted(set(labels.tolist()))
        return _at_least_one_known([*found, *(name for name in known if name not in found)], found, description)
    inner = real
    while isinstance(inner, data.Subset):
        inner = inner.dataset
    names = list(given) if given is not None else [str(name) for name in getattr(inner, "classes", ())]
    if given is None and not set(names) & set(known):
        # No names, or names of another kind ("5 - five"): numbers mean the same on both sides, if they can.
        if names and len(names) != len(known):
            raise InvalidRequest(
                f"the real classes are {', '.join(names[:20])}, those of generator {description.name!r} "
                f"{', '.join(known[:20])}: give names=, the generator's name of each real class"
            )
        names = list(known)
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= len(names):
        raise InvalidRequest(
            f"real labels are in [{low}, {high}], but there are {len(names)} classes ({', '.join(names[:20])}): give "
            "names=, the generator's name of each real class"
        )
    return _at_least_one_known(names, names, description)


def _at_least_one_known(names: list[str], real: Sequence[str], description: Description) -> list[str]:
    if len(set(names)) != len(names):
        raise InvalidRequest(f"names of real classes must all differ: {', '.join(names)}")
    if not set(real) & set(description.labels):
        raise InvalidRequest(
            f"generator {description.name!r} has none of the real classes {', '.join(real[:20])}; its labels are "
            f"{', '.join(description.labels[:20])}"
        )
    return names


@dataclass(frozen=True)
class Form:
    """Gives synthetic samples the form of the real ones.

    axes:  the generator's, in the order of the real samples; shape, dtype: of a real sample. None: PIL images.
    unit:  bytes become floats in [0, 1]. as_array: arrays, else tensors.
    """

    axes: tuple[int, ...] | None
    shape: tuple[int, ...] = ()
    dtype: np.dtype | None = None
    unit: bool = False
    as_array: bool = False

    def __call__(self, samples: Samples) -> list[Any]:
        if self.axes is None:
            return samples.to_images()
        array = np.ascontiguousarray(samples.array.transpose(0, *(axis + 1 for axis in self.axes)))
        array = array.reshape(-1, *self.shape)
        if self.unit:
            array = np.divide(array, 255, dtype=self.dtype)
        return list(array if self.as_array else torch.from_numpy(array))


def form_of(real: Any, description: Description) -> Form:
    """The form of the real samples: PIL image, array or tensor, layout, dtype.

    raises: InvalidRequest if they are of another size or dtype than the generator's, or normalised already.
    """
    example = pair(real[0])[0]
    if description.kind == "image" and type(example).__module__.partition(".")[0] == "PIL":
        height, width, channels = description.shape
        mode = "L" if channels == 1 else "RGB"
        if example.size != (width, height) or example.mode != mode:
            raise InvalidRequest(
                f"real samples are {example.mode} images of {example.size[0]} x {example.size[1]}, the generator's "
                f"{mode} of {width} x {height}"
            )
        return Form(None)
    if not isinstance(example, np.ndarray | torch.Tensor):
        raise InvalidRequest(f"real samples are {type(example).__name__}; mix takes PIL images, arrays and tensors")
    as_array, shape = isinstance(example, np.ndarray), tuple(example.shape)
    dtype = np.empty(0, example.dtype).dtype if isinstance(example, np.ndarray) else _numpy_dtype(example)
    axes = _axes(shape, description, as_array)
    unit = description.kind == "image" and dtype.kind == "f"
    if axes is None or (dtype != description.dtype and not unit):
        raise InvalidRequest(
            f"real samples are {dtype} {list(shape)}, the generator's {description.dtype} {list(description.shape)}: "
            "let the real data set give them like that, and hand every transform to mix, which applies it to both"
        )
    if unit:
        _check_unit_interval(real)
    return Form(axes, shape, dtype, unit, as_array)


def _axes(shape: tuple[int, ...], description: Description, as_array: bool) -> tuple[int, ...] | None:
    """Order of the generator's axes that gives the real shape; None if there is none."""
    own = tuple(range(len(description.shape)))
    if description.kind != "image":
        return own if shape == description.shape else None
    height, width, channels = description.shape
    first, last = (2, 0, 1), own
    for axes in (last, first) if as_array else (first, last):
        if shape == tuple(description.shape[axis] for axis in axes):
            return axes
    return own if shape == (height, width) and channels == 1 else None


def _check_unit_interval(real: Any) -> None:
    for position in np.linspace(0, len(real) - 1, _LOOKED_AT).astype(int).tolist():
        sample = pair(real[position])[0]
        low, high = float(sample.min()), float(sample.max())
        if low < 0 or high > 1:
            raise InvalidRequest(
                f"real sample {position} has values in [{low:.3g}, {high:.3g}], where images have [0, 1]: it has been "
                "normalised or augmented already; hand that transform to mix, which applies it to both"
            )


def _numpy_dtype(tensor: torch.Tensor) -> np.dtype:
    return torch.empty(0, dtype=tensor.dtype).numpy().dtype
