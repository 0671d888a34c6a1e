"""Labels as people save them, brought to class indices and names: numbers, text, bytes, one-hot, a column."""

from __future__ import annotations

import numpy as np

from training.data.errors import DataError

_SHOWN = 8


def flat(labels: np.ndarray, where: str) -> np.ndarray:
    """One label per image, [n], whole numbers or text; of one-hot rows the column.

    labels: [n] or [n, 1] of whole numbers, whole floats, bool, text, UTF-8 bytes or Python objects of one of these; or
            one-hot rows [n, classes].
    raises: DataError for anything else, several labels of one image among it.
    """
    while labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if labels.dtype.kind == "O":
        labels = _from_objects(labels, where)
    if labels.ndim == 2 and labels.shape[1] > 1:
        return _column(labels, where)
    if labels.ndim != 1:
        raise DataError(f"{where} has the shape {list(labels.shape)}; wanted one label per image, [n], or one-hot rows")
    if labels.dtype.kind == "f":
        return _whole(labels, where)
    if labels.dtype.kind == "S":
        return _decoded(labels, where)
    if labels.dtype.kind == "b":
        return np.where(labels, "true", "false")
    if labels.dtype.kind not in "iuU":
        raise DataError(f"{where} holds {labels.dtype}; wanted whole numbers or text")
    return labels


def one_hot(labels: np.ndarray) -> bool:
    """Whether labels come as rows with a column per class."""
    return labels.ndim == 2 and labels.shape[1] > 1


def named(
    labels: np.ndarray, names: np.ndarray | None, where: str, columns: int = 0
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class indices, int64 [n], and the names of the classes.

    labels:  as `flat` returns them.
    names:   text [classes], or different whole numbers; None: the labels' own values are the names.
    columns: of one-hot rows; 0: the labels were none.
    where:   the array of names, for messages.
    """
    values, indices = np.unique(labels, return_inverse=True)
    if names is None or labels.dtype.kind == "U":
        return indices.astype(np.int64), tuple(str(value) for value in values)
    listed = _names(names, where)
    if columns and columns != len(listed):
        raise DataError(f"{where}: has {len(listed)} names, but one-hot labels have {columns} columns")
    first = 0
    if len(values) and values[0] == 1 and values[-1] == len(listed):
        first = 1  # counted from 1, as MATLAB and many label files do
    if values[0] < first or values[-1] >= len(listed) + first:
        raise DataError(
            f"{where}: labels go from {values[0]} to {values[-1]}, but there are {len(listed)} names; "
            f"labels must be in [0, {len(listed)}), or in [1, {len(listed)}]"
        )
    return labels.astype(np.int64) - first, listed


def _names(names: np.ndarray, where: str) -> tuple[str, ...]:
    if names.dtype.kind == "O":
        names = _from_objects(names, where)
    if names.dtype.kind == "S":
        names = _decoded(names, where)
    numbered = names.ndim == 1 and names.dtype.kind in "iu" and len(np.unique(names)) == len(names)
    if names.ndim != 1 or not (names.dtype.kind == "U" or numbered):
        raise DataError(f"{where} is {names.dtype} {list(names.shape)}; wanted text [classes]")
    return tuple(str(name) for name in names)


def _column(labels: np.ndarray, where: str) -> np.ndarray:
    shape = list(labels.shape)
    if labels.dtype.kind not in "biuf":
        raise DataError(f"{where} has the shape {shape} of {labels.dtype}; wanted one label per image, [n]")
    marks = labels.astype(np.float64)
    if not np.isfinite(marks).all():
        row, column = np.argwhere(~np.isfinite(marks))[0]
        raise DataError(f"{where}[{row}, {column}] is {marks[row, column]}; wanted one-hot rows of 0 and 1")
    full = marks.max(initial=0.0) or 1.0
    if full in (1.0, 255.0) and np.isin(marks, (0.0, full)).all():
        counts = (marks == full).sum(1)
        if (counts == 1).all():
            return marks.argmax(1)
        row = int(np.flatnonzero(counts != 1)[0])
        raise DataError(
            f"{where} is multi-label: image {row} has {counts[row]} of the {shape[1]} classes, and "
            f"{int((counts != 1).sum()):,} of {shape[0]:,} have several or none; a generator takes one class per "
            "image. Choose one column, or keep the images that have exactly one"
        )
    if (marks >= 0).all() and np.allclose(marks.sum(1), 1, atol=1e-3):
        raise DataError(f"{where} has soft labels, shares of {shape[1]} classes; wanted one class: labels.argmax(1)")
    raise DataError(
        f"{where} has the shape {shape} with {shape[1]} columns that are not one-hot; wanted one label per image, [n]: "
        "say which column, e.g. labels[:, 0]"
    )


def _whole(labels: np.ndarray, where: str) -> np.ndarray:
    if not np.isfinite(labels).all():
        at = int(np.flatnonzero(~np.isfinite(labels))[0])
        raise DataError(f"{where}[{at}] is {labels[at]}: the image has no label; leave it out")
    if not np.array_equal(labels, np.rint(labels)) or np.abs(labels).max(initial=0) >= 2**53:
        at = int(np.flatnonzero(labels != np.rint(labels))[0]) if (labels != np.rint(labels)).any() else 0
        raise DataError(f"{where}[{at}] is {labels[at]:g}, which is no class; wanted whole numbers or text")
    return labels.astype(np.int64)


def _decoded(labels: np.ndarray, where: str) -> np.ndarray:
    try:
        return np.char.decode(labels, "utf-8")
    except UnicodeDecodeError as error:
        # Not "replace": two classes may differ in just those bytes.
        raise DataError(
            f"{where} holds bytes that are not UTF-8 ({error.object!r}); np.char.decode(labels, 'latin-1') or another "
            "encoding makes text of them"
        ) from error


def _from_objects(labels: np.ndarray, where: str) -> np.ndarray:
    """An array of one type out of Python objects."""
    if labels.ndim == 0:
        raise DataError(f"{where} holds one Python object of type {type(labels.item()).__name__}; wanted an array")
    items = list(labels)
    kinds = {_kind(item) for item in items}
    if kinds == {"array"}:
        try:
            return np.stack([np.asarray(item) for item in items])
        except ValueError as error:
            raise DataError(f"{where} holds arrays of different shapes; wanted one label per image") from error
    if len(kinds) > 1 or not kinds <= {"text", "bytes", "whole", "bool"}:
        missing = [at for at, item in enumerate(items) if _kind(item) == "none"]
        if missing:
            raise DataError(f"{where}[{missing[0]}] is {items[missing[0]]}: the image has no label; leave it out")
        types = sorted({type(item).__name__ for item in items})[:_SHOWN]
        raise DataError(f"{where} holds Python objects of the types {', '.join(types)}; wanted all text or all numbers")
    return np.array(items)


def _kind(item: object) -> str:
    if item is None or (isinstance(item, float) and item != item):
        return "none"
    for types, kind in (
        ((str,), "text"),
        ((bytes,), "bytes"),
        ((bool, np.bool_), "bool"),
        ((int, np.integer), "whole"),
        ((np.ndarray, list, tuple), "array"),
    ):
        if isinstance(item, types):
            return kind
    return type(item).__name__
