"""Who reads a stream, as far as it matters: loaders that would batch its batches, or divide them among the ranks.

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
    loader = next((caller for caller in _callers() if type(caller).__name__ == "_IterableDatasetFetcher"), None)
    read: Any = getattr(loader, "dataset", None)
    if loader is None or (read.dataset if _divides(read) else read) is not dataset:
        return
    collate = getattr(loader.collate_fn, "data_collator", loader.collate_fn)  # transformers wraps that of its user
    module = getattr(collate, "__module__", None) or type(collate).__module__
    if loader.auto_collation and module.partition(".")[0] in _COLLATE_SAMPLES:
        raise InvalidRequest(
            "a SyntheticStream gives batches, and this DataLoader would make batches of them: "
            "write DataLoader(stream, batch_size=None), or stream.loader()"
        )


def divider(ranks: int | None) -> str | None:
    """The library that divides among the ranks what is read here, if there is one: then the reader must not.

    ranks: among which the reader was told to divide. raises: InvalidRequest if it was, or if the library could not.
    """
    if not any(name in sys.modules for name in _DIVIDERS):
        return None
    for caller in _callers():
        if not _divides(caller):
            continue
        library = type(caller).__module__.partition(".")[0]
        if ranks is not None and ranks > 1:
            raise InvalidRequest(
                f"{library} is about to divide among the ranks what this stream divides among {ranks} of them already; "
                "most samples would be skipped. Leave rank and world_size out, or hand it stream.loader(), which it "
                "leaves as it is"
            )
        if type(caller).__name__ == "IterableDatasetShard" and caller.batch_size is None:
            raise InvalidRequest(
                f"{library} cannot divide a DataLoader of batch_size=None with dispatch_batches=False: leave "
                "dispatch_batches out, or hand it stream.loader(), which it leaves as it is"
            )
        return library
    return None


def _divides(caller: Any) -> bool:
    return type(caller).__name__ in _DIVIDERS.get(type(caller).__module__, ())


def _callers() -> Iterator[Any]:
    """`self` of each method on the stack, innermost first."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        caller = frame.f_locals.get("self")
        if caller is not None:
            yield caller
        frame = frame.f_back
