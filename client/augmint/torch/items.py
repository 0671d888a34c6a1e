"""Items of a real data set: a pair of sample and label, or a dict of both, as Hugging Face's data sets give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from augmint.errors import InvalidRequest

# Names of labels in dicts.
LABELS = ("label", "labels", "target", "targets", "class", "y", "fine_label")


@dataclass(frozen=True)
class ItemForm:
    """How an item holds its sample and its label: by these keys of a dict, in the order of `keys`; without: a pair."""

    keys: tuple[str, ...] = ()
    label: str = ""

    @classmethod
    def of(cls, item: Any) -> ItemForm:
        """The form of the first item; InvalidRequest if mix could not make one like it."""
        if not isinstance(item, Mapping):
            _pair(item, 0)
            return cls()
        keys = tuple(item)
        named = [key for key in keys if key in LABELS]
        if len(keys) != 2 or len(named) != 1:
            raise InvalidRequest(
                f"real sample 0 is a dict of {', '.join(map(repr, keys))}; mix needs two entries, the sample and a "
                f"label named {', '.join(LABELS[:-1])} or {LABELS[-1]}: leave the others out or rename them, e.g. by "
                "select_columns"
            )
        return cls(keys, named[0])

    def take(self, item: Any, position: int) -> tuple[Any, Any]:
        """Sample and label of the real item at this position, as they are."""
        if not self.keys:
            return _pair(item, position)
        if not isinstance(item, Mapping) or set(item) != set(self.keys):
            seen = f"a dict of {', '.join(map(repr, item))}" if isinstance(item, Mapping) else f"a {_kind(item)}"
            raise InvalidRequest(f"real sample {position} is {seen}, the first a dict of {', '.join(self.keys)}")
        return item[self._sample], item[self.label]

    def give(self, sample: Any, label: Any, synthetic: bool | None) -> Any:
        """An item. synthetic: what it says about that; None: nothing."""
        if not self.keys:
            return (sample, label) if synthetic is None else (sample, label, synthetic)
        item = {key: label if key == self.label else sample for key in self.keys}
        return item if synthetic is None else {**item, "synthetic": synthetic}

    @property
    def _sample(self) -> str:
        return self.keys[1] if self.keys[0] == self.label else self.keys[0]


def _pair(item: Any, position: int) -> tuple[Any, Any]:
    if isinstance(item, tuple | list) and len(item) == 2:
        return item[0], item[1]
    raise InvalidRequest(f"real sample {position} is a {_kind(item)}, where (sample, label) is needed")


def _kind(item: Any) -> str:
    length = f" of {len(item)}" if isinstance(item, tuple | list) else ""
    return type(item).__name__ + length
