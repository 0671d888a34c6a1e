"""What `mix` must know of a real data set: its labels, and what its classes are called."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from augmint.errors import InvalidRequest
from augmint.said import say
from augmint.torch.classes import GIVE, told_names
from augmint.torch.items import ItemForm
from augmint.torch.labels import Key, Labels, keys_array, keys_of, read
from augmint.torch.tensors import data

_SECONDS_BETWEEN_REPORTS = 5.0
# Samples looked at before any is mixed, from all over the data set: for the form of samples, and of labels that pass
# through a transform. Besides, the first of each class, up to this number of classes.
_LOOKED_AT = 16
_LOOKED_AT_TRANSFORMED = 128
_CLASSES_LOOKED_AT = 64


class Items:
    """Items of the real data set, each loaded once while it is being looked at."""

    def __init__(self, real: Any) -> None:
        if isinstance(real, Mapping):
            raise InvalidRequest(f"real is a dict of data sets ({', '.join(map(str, real))}): give one of them")
        if not hasattr(real, "__len__") or not hasattr(real, "__getitem__"):
            raise InvalidRequest(
                f"real is a {type(real).__name__}; mix needs a map-style data set, with len and an index"
            )
        self.real = real
        self.count = len(real)
        if not self.count:
            raise InvalidRequest("the real data set is empty")
        first = real[0]
        self.form = ItemForm.of(first)
        self._taken = {0: self.form.take(first, 0)}

    def __getitem__(self, position: int) -> tuple[Any, Any]:
        """Sample and label, as they are."""
        if position not in self._taken:
            self._taken[position] = self.form.take(self.real[position], position)
        return self._taken[position]

    def spread(self, number: int = _LOOKED_AT) -> list[int]:
        """Positions from the first to the last."""
        return sorted(set(np.linspace(0, self.count - 1, number).astype(int).tolist()))


def labels_of(items: Items, given: Any, named: bool, progress: bool) -> Labels:
    """The label of every real sample, by the cheapest way there is; what `real[i]` returns is the label.

    given: the caller's own; None: what the data set tells without loading samples, if a spread of its items bears it
           out, or else one pass over all of them.
    named: the caller has said what each label is. Without it, numbers are refused that may be others than those which
           the data set's names belong to.
    """
    changed = _changes_labels(items.real)
    told = _told(items)
    doubt = f"the real data set has a {changed}, and nothing tells the labels before it" if changed else ""
    if told is not None:
        try:
            _compare(items, told, changed)
            doubt = ""
        except InvalidRequest as error:
            seen = str(error).partition("; ")[0]
            by = changed or "its __getitem__"
            doubt = f"labels of the real data set are not those in its {told.source}, {by} gives others ({seen})"
            told = None
    if isinstance(read(items[0][1], "real sample 0"), str):
        doubt = ""  # a name stands for itself
    if doubt and not named:
        raise InvalidRequest(
            f"{doubt}, so it cannot be told which classes the numbers are: leave {changed or 'that'} out of the real "
            "data set and hand it to mix(target_transform=...), which applies it to real and synthetic labels alike; "
            f"or {GIVE} as a mapping from label to name"
        )
    if given is not None:
        labels = Labels(_counted(keys_of(given, "labels"), items.count, "labels"), "labels")
        _compare(items, labels, changed)
        return labels
    return told or Labels(_one_pass(items, progress, doubt), "an earlier pass")


def _counted(keys: np.ndarray, count: int, what: str) -> np.ndarray:
    if len(keys) != count:
        raise InvalidRequest(
            f"{what} has {len(keys)} entries, the real data set {count} samples; one for each is needed"
        )
    return keys


def _compare(items: Items, labels: Labels, changed: str) -> None:
    """Check some items all over the data set, and the first of each class in each of its parts."""
    _, first = np.unique(labels.keys, return_index=True)
    positions = set(items.spread(_LOOKED_AT_TRANSFORMED if changed else _LOOKED_AT))
    positions |= set(first[: None if changed else _CLASSES_LOOKED_AT].tolist())
    if changed and isinstance(items.real, data.ConcatDataset):
        for start, end in zip([0, *items.real.cumulative_sizes], items.real.cumulative_sizes, strict=False):
            positions |= set((start + np.unique(labels.keys[start:end], return_index=True)[1]).tolist())
    for position in sorted(positions):
        labels.check(position, items[position][1])


def _told(items: Items) -> Labels | None:
    """What the data set tells without loading samples; None: nothing that could be its labels."""
    found = _without_loading(items.real, items.form)
    if found is None:
        return None
    labels, source = found
    try:
        keys = _counted(keys_of(labels, source), items.count, source)
    except InvalidRequest:  # e.g. boxes, several attributes
        return None
    # Names beside items that have numbers tell nothing against the items.
    by_name = isinstance(read(items[0][1], "real sample 0"), str)
    return Labels(keys, source) if by_name == (keys.dtype.kind == "U") else None


def _without_loading(real: Any, form: ItemForm) -> tuple[Any, str] | None:
    """Labels, or something else by that name, and where they stand."""
    if isinstance(real, data.Subset):
        inner = _without_loading(real.dataset, form)
        return None if inner is None else (_picked(inner[0], real.indices), inner[1])
    if isinstance(real, data.ConcatDataset):
        parts = [_without_loading(part, form) for part in real.datasets]
        told = [part for part in parts if part is not None]
        try:
            return (np.concatenate([keys_of(*part) for part in told]), told[0][1]) if len(told) == len(parts) else None
        except InvalidRequest:
            return None
    if isinstance(real, data.TensorDataset):
        return (real.tensors[1], "tensors[1]") if len(real.tensors) == 2 else None
    if _is_hugging_face(real):
        column = _label_column(real, form)
        return (
            None
            if column is None
            else (real.select_columns([column]).with_format(None)[:][column], f"column {column!r}")
        )
    for name in ("targets", "labels", "_labels"):  # torchvision's names
        labels: Any = getattr(real, name, None)
        several = isinstance(labels, list | tuple) or getattr(labels, "shape", ()) != ()
        if several and not callable(labels) and len(labels) == len(real):
            return labels, name
    return None


def _picked(labels: Any, indices: Any) -> Any:
    where = np.asarray(indices).astype(np.int64)
    return (
        [labels[index] for index in where.tolist()] if isinstance(labels, list | tuple) else np.asarray(labels)[where]
    )


def _is_hugging_face(real: Any) -> bool:
    return hasattr(real, "features") and hasattr(real, "column_names") and hasattr(real, "select_columns")


def _label_column(real: Any, form: ItemForm) -> str | None:
    """The column of the labels; where a transform has renamed it, the only one that is a ClassLabel."""
    named = [
        name for name, feature in real.features.items() if hasattr(feature, "names") and hasattr(feature, "int2str")
    ]
    return form.label if form.label in real.column_names else named[0] if len(named) == 1 else None


def _layers(real: Any) -> Iterator[Any]:
    """The data set, and those that it wraps."""
    yield real
    for part in getattr(real, "datasets", None) or [getattr(real, "dataset", None)]:
        if part is not None and hasattr(part, "__getitem__") and not isinstance(part, str):
            yield from _layers(part)


def _changes_labels(real: Any) -> str:
    """What stands between a data set's `targets` and its labels, by torchvision's names; empty for nothing."""
    for layer in _layers(real):
        if getattr(layer, "target_transform", None) is not None:
            return "target_transform"
        transforms = getattr(layer, "transforms", None)
        if getattr(transforms, "target_transform", None) is not None:
            return "target_transform"
    return ""


def names_of(items: Items) -> list[tuple[str, ...]] | None:
    """The data set's own names of its class numbers, with synonyms; None: it has none.

    raises: InvalidRequest if its parts number their classes differently.
    """
    return _names(items.real, items.form)


def _names(real: Any, form: ItemForm) -> list[tuple[str, ...]] | None:
    own = told_names(getattr(real, "classes", None), getattr(real, "class_to_idx", None))
    if own is not None:
        return own
    info = getattr(real, "info", None)  # of MedMNIST: {"label": {"0": name, ...}}
    named = info.get("label") if isinstance(info, Mapping) else None
    if isinstance(named, Mapping) and list(named) == [str(number) for number in range(len(named))]:
        return told_names(list(named.values()), None)
    if _is_hugging_face(real):
        column = _label_column(real, form)
        return told_names(getattr(real.features.get(column), "names", None), None) if column else None
    parts = getattr(real, "datasets", None) or [getattr(real, "dataset", None)]
    told = [(number, _names(part, form)) for number, part in enumerate(parts) if hasattr(part, "__getitem__")]
    told = [(number, names) for number, names in told if names is not None]
    for number, names in told[1:]:
        if names != told[0][1]:
            raise InvalidRequest(
                f"parts of the real data set number their classes differently: part {told[0][0]} has "
                f"{_numbered(told[0][1])}, part {number} has {_numbered(names)}: give them one numbering, by a "
                "target_transform of each part, and name it by names="
            )
    return told[0][1] if told else None


def _numbered(names: list[tuple[str, ...]] | None) -> str:
    shown = [f"{number} = {synonyms[0]}" for number, synonyms in enumerate(names or [])]
    return ", ".join(shown[:5]) + (", ..." if len(shown) > 5 else "")


def _one_pass(items: Items, progress: bool, why: str) -> np.ndarray:
    reason = f"{why}: " if why else ""
    say(f"{reason}reads all {items.count:,} real samples once for their labels (give labels= to avoid it)", progress)
    keys: list[Key] = []
    last = time.monotonic()
    for position in range(items.count):
        label = items.form.take(items.real[position], position)[1]
        keys.append(read(label, f"real sample {position}"))
        if time.monotonic() - last > _SECONDS_BETWEEN_REPORTS:
            last = time.monotonic()
            say(f"{position + 1:,} of {items.count:,}", progress)
    return keys_array(keys, "the real data set")
