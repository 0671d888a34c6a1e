"""One position of a data set, as people write it."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from augmint.torch.tensors import data


def one_or_view(dataset: Any, index: Any) -> Any:
    """`dataset[index]`: the item at a whole number, from the end if below 0; for a slice a torch.utils.data.Subset.

    dataset: has `__len__` and `__getitems__`.
    raises: IndexError beyond its ends, TypeError for anything else.
    """
    count = len(dataset)
    if isinstance(index, slice):
        return data.Subset(dataset, range(count)[index])
    return dataset.__getitems__([position(index, count)])[0]


def position(index: Any, count: int) -> int:
    """The index from the beginning, in [0, count)."""
    try:
        if isinstance(index, bool | np.bool_):
            raise TypeError
        place = operator.index(index)
    except TypeError:
        raise TypeError(
            f"a data set is indexed by a whole number or a slice, not {type(index).__name__}; for several samples "
            "torch.utils.data.Subset(dataset, indices)"
        ) from None
    if not -count <= place < count:
        raise IndexError(f"index {place} of a data set of {count} samples")
    return place % count
