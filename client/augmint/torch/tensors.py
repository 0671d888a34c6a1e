"""From the client's arrays to tensors as PyTorch users expect them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from augmint import extras, kinds
from augmint.errors import InvalidRequest
from augmint.generators import Description
from augmint.samples import Samples

if TYPE_CHECKING:
    import torch
    from torch.utils import data
else:
    torch = extras.load("torch", "torch")
    data = extras.load("torch.utils.data", "torch")

Transform = Callable[[Any], Any]
Container = Literal["tensor", "pil", "array"]


def _unit_interval(array: np.ndarray) -> np.ndarray:
    return np.divide(array, np.float32(255)) if array.dtype == np.uint8 else array


def unit_interval(sample: torch.Tensor) -> torch.Tensor:
    """uint8 -> float32 in [0, 1], any shape (torchvision's `ToTensor` without the layout); other dtypes unchanged."""
    return torch.from_numpy(_unit_interval(sample.numpy()))


def tensors(samples: Samples, transform: Transform | None) -> torch.Tensor:
    """All samples in one tensor, images as [n, channels, height, width]; `unit_interval` applied to them if asked for.

    Sounds come as float32 [n, channels, frames] in [-1, 1] then, music as float32 [n, tracks, steps, pitches] in
    [0, 1], ids of texts as int64. Bytes of other kinds are no levels of light, and stay what they are.

    Other transforms are left to the caller.
    """
    array = samples.array
    kind = kinds.of(samples.description)
    pictures = kind.pictures
    if kind.floats is not None and transform is unit_interval:
        array = kind.floats(array)
    if pictures:
        # While it is bytes: a quarter of what floats cost. The reshape gives gray images the strides that PyTorch's own
        # tensors have; it takes others for a hint to compute in another memory format, at another speed.
        moved = array.transpose(0, 3, 1, 2)
        array = np.ascontiguousarray(moved).reshape(-1).reshape(moved.shape)
    if transform is unit_interval and pictures:
        # The whole batch at once, and by NumPy: the same result, where PyTorch would wake its threads for it (20 ms
        # rather than 0.3 for 256 small images, on two busy cores).
        array = _unit_interval(array)
    if kinds.of(samples.description).indices:
        array = array.astype(np.int64)
    return torch.from_numpy(array)


class Hands:
    """Gives samples to a transform, one by one, in the form that it takes."""

    def __init__(self, transform: Transform | None, form: Container | None, description: Description) -> None:
        """form: "tensor", "pil" (an image) or "array" (of an image: [height, width, channels]). Absent: a tensor, or a
        PIL image if the transform is or has a `ToTensor`, or does not take the first tensors (TypeError or
        AttributeError).
        raises: InvalidRequest if there is no such form of the generator's samples.
        """
        if form not in (None, "tensor", "pil", "array"):
            raise InvalidRequest(f'form is {form!r}; it must be "tensor", "pil" or "array"')
        self._image = kinds.of(description).pictures
        if form == "pil" and not self._image:
            raise InvalidRequest(
                f'form is "pil", but generator {description.name!r} makes {description.kind}, not images'
            )
        self._form = "pil" if form is None and self._image and _to_tensor(transform) else form
        # The default of the loaders: of the whole batch at once, by `tensors`.
        self.whole = transform is unit_interval and form in (None, "tensor")
        self._transform = None if transform is unit_interval else transform

    def __call__(self, batch: torch.Tensor) -> Any:
        """Every sample in its form, and transformed if there is a transform. batch: from `tensors`."""
        ready = self._formed(batch, self._form)
        if self._transform is None:
            return ready
        try:
            done = [self._transform(sample) for sample in ready]
        except (AttributeError, TypeError) as refused:
            if self._form is not None or not self._image:
                raise
            try:
                done = [self._transform(image) for image in self._formed(batch, "pil")]
            except Exception:
                raise refused from None
            self._form = "pil"
            return done
        self._form = self._form or "tensor"
        return done

    def _formed(self, batch: torch.Tensor, form: Container | None) -> Any:
        if form in (None, "tensor"):
            return batch
        array = batch.numpy()
        if self._image:
            array = np.ascontiguousarray(array.transpose(0, 2, 3, 1))
        if form == "array":
            return list(array)
        image = extras.load("PIL.Image", "images")
        return [image.fromarray(one[..., 0] if one.shape[2] == 1 else one) for one in array]


def _to_tensor(transform: Any) -> bool:
    """Whether torchvision's `ToTensor` is in it; the newer of the two lets tensors pass as they are, bytes and all."""
    inner = getattr(transform, "transforms", None)
    return type(transform).__name__ == "ToTensor" or (isinstance(inner, list | tuple) and any(map(_to_tensor, inner)))
