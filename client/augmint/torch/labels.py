"""Labels of a real data set, as it gives them: read, checked, and made for synthetic samples in the same form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augmint.errors import InvalidRequest
from augmint.torch.tensors import torch

# What a label stands for: a class number, or a class name.
Key = int | str


@dataclass(frozen=True)
class Labels:
    """Labels of the real samples.

    keys: int64 or str [n], the class number or name that each label stands for. source: where that was read.
    """

    keys: np.ndarray
    source: str

    def check(self, position: int, label: Any) -> None:
        """InvalidRequest unless the label of the real sample at this position is the one that was counted."""
        key, counted = read(label, f"real sample {position}"), self.keys[position]
        if key != counted or isinstance(key, str) != isinstance(counted, str):
            raise InvalidRequest(
                f"real sample {position} has the label {key!r}, but {counted.item()!r} in {self.source}; what real[i] "
                "gives is the label, always the same: hand what changes it to mix(target_transform=...)"
            )


def read(label: Any, where: str) -> Key:
    """The class number or name that a label stands for.

    label: a whole number as int, bool, float, NumPy scalar, or tensor or array of one element; a vector with a single 1
           and otherwise 0, one-hot; a name as str or UTF-8 bytes.
    where: what has it, for the message.
    raises: InvalidRequest for anything else.
    """
    if isinstance(label, str):
        return str(label)
    if isinstance(label, bytes):
        return _decoded(label, where)
    if label is None:
        raise InvalidRequest(f"{where} has no label (None): leave out what is not labelled, by torch.utils.data.Subset")
    if type(label) is int:
        return label
    array = _array(label)
    if array is None:
        raise InvalidRequest(
            f"{where} has a label of type {type(label).__name__} ({_short(label)}); it must be a class number, a class "
            "name, or a one-hot array or tensor"
        )
    if array.ndim == 1 and array.size > 1:
        return _place_of_one(array, where)
    if array.size != 1 or array.ndim > 1:
        raise InvalidRequest(f"{where} has a label of shape {list(array.shape)}; it must be one class per sample")
    number = array.item()
    if array.dtype.kind == "U":
        return str(number)
    if array.dtype.kind == "f" and not _whole(array).all():
        raise InvalidRequest(f"{where} has the label {number:g}; a class number is whole")
    return int(number)


def make(key: Key, example: Any) -> Any:
    """A label for this class, of the type, dtype and shape of `example`, so that both go into one batch."""
    if isinstance(example, bytes):
        return type(example)(str(key).encode())
    if not isinstance(example, torch.Tensor | np.ndarray):
        return type(example)(key)
    if isinstance(example, np.ndarray) and example.dtype.kind == "U":
        return np.full(example.shape, key)
    label: Any = torch.zeros_like(example) if isinstance(example, torch.Tensor) else np.zeros_like(example)
    if width(example) is None:
        label[...] = key
    else:
        label[int(key)] = 1
    return label


def check_makes(keys: Sequence[Key], example: Any) -> None:
    """InvalidRequest unless a label like `example` can stand for each of these classes, e.g. a bool for 2 only."""
    for key in keys:
        try:
            same = read(make(key, example), "") == key
        except (IndexError, ValueError, TypeError, OverflowError, RuntimeError, InvalidRequest):
            same = False
        if not same:
            raise InvalidRequest(
                f"real labels are {described(example)}, which cannot stand for class {key!r}: give names= for the real "
                "classes alone, or let the real data set give class numbers"
            )


def described(label: Any) -> str:
    """Type of a label, for a message."""
    of = f" {label.dtype} {list(label.shape)}" if isinstance(label, torch.Tensor | np.ndarray) else ""
    return f"{type(label).__name__}{of}"


def width(example: Any) -> int | None:
    """Number of classes of a one-hot label; None if it is of another form."""
    vector = isinstance(example, torch.Tensor | np.ndarray) and example.ndim == 1 and len(example) > 1
    return len(example) if vector else None


def keys_of(labels: Any, what: str) -> np.ndarray:
    """int64 or str [n]: many labels at once, each as `read` takes it.

    labels: a sequence, array, tensor or column of a table. what: its name, for the message, which adds the index.
    """
    array = _array(labels) if not isinstance(labels, Sequence) else _stacked(labels)
    if array is not None and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array is not None and array.ndim == 1 and array.dtype.kind in "biuU":
        return array if array.dtype.kind == "U" else array.astype(np.int64)
    if array is not None and array.ndim == 1 and array.dtype.kind == "f" and _whole(array).all():
        return array.astype(np.int64)
    if array is not None and array.ndim == 2 and array.dtype.kind in "biuf" and _one_hot(array).all():
        return array.argmax(axis=1)
    found = [read(label, f"{what}[{index}]") for index, label in enumerate(labels if array is None else array)]
    return keys_array(found, what)


def keys_array(keys: Sequence[Key], what: str) -> np.ndarray:
    """int64 or str [n]; InvalidRequest if there are numbers and names."""
    kinds = {isinstance(key, str) for key in keys}
    if len(kinds) > 1:
        first = next(index for index, key in enumerate(keys) if isinstance(key, str) != isinstance(keys[0], str))
        raise InvalidRequest(f"{what} has both numbers and names: {keys[0]!r} at 0, {keys[first]!r} at {first}")
    return np.array(keys, str if kinds == {True} else np.int64)


def _array(value: Any) -> np.ndarray | None:
    """As an array of numbers or strings; None if it is none."""
    if isinstance(value, torch.Tensor):
        tensor = value.detach().cpu()
        # NumPy has no bfloat16.
        array = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    elif isinstance(value, bool | int | float) or hasattr(value, "__array__"):
        array = np.asarray(value)
    else:
        return None
    return array if array.dtype.kind in "biufU" else None


def _stacked(labels: Sequence[Any]) -> np.ndarray | None:
    if not all(isinstance(label, bool | int | float | str | np.generic) for label in labels):
        return None
    if len({isinstance(label, str) for label in labels}) > 1:
        return None
    array = np.asarray(labels)
    return array if array.dtype.kind in "biufU" else None


def _whole(array: np.ndarray) -> np.ndarray:
    """bool [n]: which are numbers that an int64 has, too."""
    return (array == np.rint(array)) & (np.abs(array) < 2.0**53)


def _one_hot(array: np.ndarray) -> np.ndarray:
    """bool [n]: which rows have a single 1 and otherwise 0."""
    return ((array == 0) | (array == 1)).all(axis=-1) & ((array == 1).sum(axis=-1) == 1)


def _place_of_one(array: np.ndarray, where: str) -> int:
    if array.dtype.kind == "U":
        raise InvalidRequest(f"{where} has {array.size} names as its label; it must be one class per sample")
    if _one_hot(array):
        return int(array.argmax())
    if not np.isin(array, (0, 1)).all():
        raise InvalidRequest(
            f"{where} has the label {_short(array.tolist())}, which is no class but shares of several (soft labels): "
            "let the real data set give class numbers, and hand label smoothing or mixup to the loop"
        )
    raise InvalidRequest(
        f"{where} has a label with {int(array.sum())} ones among {array.size} values: no single class, where mix needs "
        "one per sample (a one-hot label has a single 1)"
    )


def _decoded(label: bytes, where: str) -> str:
    try:
        return label.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{where} has the label {_short(label)}, which is no name in UTF-8") from error


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
