"""The form of a real data set's samples, given to synthetic ones: PIL image, array or tensor, layout, dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augmint import kinds
from augmint.errors import InvalidRequest
from augmint.generators import Description
from augmint.samples import Samples
from augmint.torch.real import Items
from augmint.torch.tensors import torch

_ADVICE = ": let the real data set give them like that, and hand every transform to mix, which applies it to both"


@dataclass(frozen=True)
class Form:
    """Gives synthetic samples the form of the real ones.

    axes:  the generator's, in the order of the real samples; shape, dtype: of a real sample. None: PIL images.
    unit:  bytes become floats in [0, 1]. floats: what makes floats of other kinds. as_array: arrays, else tensors.
    """

    axes: tuple[int, ...] | None
    shape: tuple[int, ...] = ()
    dtype: np.dtype | None = None
    unit: bool = False
    as_array: bool = False
    floats: Callable[[np.ndarray], np.ndarray] | None = None

    def __call__(self, samples: Samples) -> list[Any]:
        if self.axes is None:
            return samples.to_images()
        if self.floats is not None:
            values = self.floats(samples.array).astype(self.dtype, copy=False).reshape(-1, *self.shape)
            return list(values if self.as_array else torch.from_numpy(values))
        array = np.ascontiguousarray(samples.array.transpose(0, *(axis + 1 for axis in self.axes)))
        array = array.reshape(-1, *self.shape).astype(array.dtype if self.unit else self.dtype, copy=False)
        if self.unit:
            array = np.divide(array, 255, dtype=self.dtype)
        return list(array if self.as_array else torch.from_numpy(array))

    def raw(self, samples: Sequence[Any], description: Description) -> np.ndarray:
        """The way back: the generator's own samples, [n, *shape], of some in the form of the real ones.

        Floats become the level that is nearest. InvalidRequest if they have values that no level is near to.
        """
        if self.axes is None:
            return kinds.raw(list(samples), description)
        values = np.stack([np.asarray(sample) for sample in samples])
        if values.shape[1:] != self.shape:
            raise InvalidRequest(f"samples are {list(values.shape[1:])}, the others {list(self.shape)}")
        if self.floats is not None:
            intake = kinds.of(description).intake
            assert intake is not None
            assert intake.floats is not None
            return kinds.raw(intake.floats(values, description), description)
        if self.unit:
            if not np.all((values >= 0) & (values <= 1)):
                raise InvalidRequest(
                    f"samples have values in [{values.min():.3g}, {values.max():.3g}], and only those in [0, 1] can be "
                    "carried into another class: normalise them afterwards"
                )
            values = np.rint(values * 255)
        shape = [description.shape[axis] for axis in self.axes]
        back = np.argsort(self.axes)
        values = values.reshape(len(values), *shape).transpose(0, *(axis + 1 for axis in back))
        made = values.astype(description.dtype)
        if not np.array_equal(made, values, equal_nan=made.dtype.kind == "f"):
            raise InvalidRequest(f"samples have values that are no {description.dtype.name}")
        return kinds.raw(made, description)


def form_of(items: Items, description: Description) -> Form:
    """The form of the real samples: PIL image, array or tensor, layout, dtype.

    raises: InvalidRequest if they are of another size or dtype than the generator's, or normalised already.
    """
    example = items[0][0]
    if kinds.of(description).pictures and type(example).__module__.partition(".")[0] == "PIL":
        height, width, channels = description.shape
        mode = "L" if channels == 1 else "RGB"
        for position in items.spread():
            image = items[position][0]
            if image.size != (width, height) or image.mode != mode:
                raise InvalidRequest(
                    f"real sample {position} is a {image.mode} image of {image.size[0]} x {image.size[1]}, the "
                    f"generator's are {mode} of {width} x {height}: let the real data set convert and resize, e.g. by "
                    f'transform=lambda image: image.convert("{mode}").resize(({width}, {height}))'
                )
        return Form(None)
    form = form_like(example, description, advice=_ADVICE)
    for position in items.spread():
        _check_alike(position, items[position][0], example, form.unit)
    return form


def form_like(example: Any, description: Description, what: str = "real samples", advice: str = "") -> Form:
    """The form of an array or a tensor; InvalidRequest if the generator's samples cannot be given it.

    what: these are, for the message. advice: the end of it.
    """
    if not isinstance(example, np.ndarray | torch.Tensor):
        raise InvalidRequest(f"{what} are {type(example).__name__}; wanted PIL images, arrays or tensors")
    as_array, shape = isinstance(example, np.ndarray), tuple(example.shape)
    dtype = np.empty(0, example.dtype).dtype if isinstance(example, np.ndarray) else _numpy_dtype(example)
    floats = kinds.of(description).floats
    if floats is not None and dtype.kind == "f" and shape in (_float_shape(floats, description), description.shape):
        return Form((), shape, dtype, False, as_array, floats)
    axes = _axes(shape, description, as_array)
    unit = kinds.of(description).pictures and dtype.kind == "f"
    whole = kinds.of(description).indices and dtype in (np.int32, np.int64)
    if axes is None or (dtype != description.dtype and not unit and not whole):
        raise InvalidRequest(
            f"{what} are {dtype} {list(shape)}, the generator's {description.dtype} {list(description.shape)}{advice}"
        )
    return Form(axes, shape, dtype, unit, as_array)


def _axes(shape: tuple[int, ...], description: Description, as_array: bool) -> tuple[int, ...] | None:
    """Order of the generator's axes that gives the real shape; None if there is none."""
    own = tuple(range(len(description.shape)))
    if not kinds.of(description).pictures:
        return own if shape == description.shape else None
    height, width, channels = description.shape
    first, last = (2, 0, 1), own
    for axes in (last, first) if as_array else (first, last):
        if shape == tuple(description.shape[axis] for axis in axes):
            return axes
    return own if shape == (height, width) and channels == 1 else None


def _float_shape(floats: Callable[[np.ndarray], np.ndarray], description: Description) -> tuple[int, ...]:
    return floats(np.zeros((1, *description.shape), description.dtype)).shape[1:]


def _check_alike(position: int, sample: Any, example: Any, unit: bool) -> None:
    if type(sample) is not type(example) or sample.dtype != example.dtype or sample.shape != example.shape:
        raise InvalidRequest(
            f"real sample {position} is {_described(sample)}, the first one {_described(example)}; all must be alike"
        )
    if not unit:
        return
    low, high = float(sample.min()), float(sample.max())
    if low >= 0 and high <= 1:
        return
    why = "these seem to be bytes as floats: divide them by 255"
    if low < 0 or high <= 8:
        why = "it has been normalised or augmented already; hand that transform to mix, which applies it to both"
    raise InvalidRequest(
        f"real sample {position} has values in [{low:.3g}, {high:.3g}], where images have [0, 1]: {why}"
    )


def _described(sample: Any) -> str:
    of = f" {sample.dtype} {list(sample.shape)}" if isinstance(sample, np.ndarray | torch.Tensor) else ""
    return f"{type(sample).__name__}{of}"


def _numpy_dtype(tensor: torch.Tensor) -> np.dtype:
    if tensor.device.type != "cpu":
        raise InvalidRequest(
            f"real samples are on {tensor.device}; leave them on the CPU, and let the loop move whole batches"
        )
    try:
        return torch.empty(0, dtype=tensor.dtype).numpy().dtype
    except TypeError as error:  # e.g. bfloat16
        raise InvalidRequest(
            f"real samples are {tensor.dtype}, which mix cannot make; float32 or uint8 would be right"
        ) from error
