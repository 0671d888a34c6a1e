"""Who is about to read a stream, as far as it does harm: loaders that would batch its batches, or divide them again.

They are found on the call stack: nothing else tells a data set what it was wrapped in.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from augmint.errors import InvalidRequest

# Classes that hand each rank a part of what they read, in the module of each.
_DIVIDERS = {
    "accelerate.data_loader": ("DataLoaderDispatcher", "IterableDatasetShard"),
    "transformers.trainer_pt_utils": ("IterableDatasetShard",),
}
# Collate functions of these put samples together; somebody's own may know that they are batches.
_COLLATE_SAMPLES = ("torch", "torchdata", "transformers")


def refuse_batching(dataset: Any) -> None:
    """From the data set's own `__iter__`: InvalidRequest if a DataLoader would make batches of its batches."""
    caller: Any = sys._getframe(2).f_locals.get("self")
    if type(caller).__name__ != "_IterableDatasetFetcher" or getattr(caller, "dataset", None) is not dataset:
        return
    collate = getattr(caller.collate_fn, "data_collator", caller.collate_fn)  # transformers wraps that of its user
    module = getattr(collate, "__module__", None) or type(collate).__module__
    if caller.auto_collation and module.partition(".")[0] in _COLLATE_SAMPLES:
        raise InvalidRequest(
            "a SyntheticStream gives batches, and this DataLoader would make batches of them: "
            "write DataLoader(stream, batch_size=None), or stream.loader()"
        )


def divider() -> str | None:
    """The library that is about to divide among the ranks what is read here, if there is one."""
    if not any(name in sys.modules for name in _DIVIDERS):
        return None
    for caller in _callers():
        module = type(caller).__module__
        if type(caller).__name__ in _DIVIDERS.get(module, ()):
            return module.partition(".")[0]
    return None


def refuse_division(library: str, ranks: int) -> None:
    """InvalidRequest if there are several ranks, among which the stream has divided."""
    if ranks > 1:
        raise InvalidRequest(
            f"{library} is about to divide among {ranks} ranks what this stream has divided among them already; most "
            "samples would be skipped. Hand it stream.loader(num_workers=...), which it leaves as it is, or make the "
            "stream with rank=0, world_size=1 and let it divide"
        )


def _callers() -> Iterator[Any]:
    """`self` of each method on the stack, innermost first."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        caller = frame.f_locals.get("self")
        if caller is not None:
            yield caller
        frame = frame.f_back
