"""What worker processes have to know of the passes of a data set whose main process counts them."""

from __future__ import annotations

import contextlib

from augmint.torch.tensors import torch


class Announced:
    """The pass that `set_epoch` named last, in memory shared with workers that stay for several passes.

    Workers that begin with each pass get a copy of the data set, with all it knows; others would never hear of it.
    """

    def __init__(self) -> None:
        self._cells = torch.zeros(2, dtype=torch.int64, device="cpu")  # how often it was called, with what
        # Without shared memory workers that stay are as deaf as they would be without this.
        with contextlib.suppress(RuntimeError, OSError):
            self._cells.share_memory_()
        self._heard = 0

    def tell(self, number: int) -> None:
        """In the main process."""
        cells = self._cells.numpy()
        cells[1] = number
        cells[0] += 1
        self._heard = int(cells[0])

    def news(self) -> int | None:
        """The number, if one was told since this was called last; in a worker."""
        cells = self._cells.numpy()
        if cells[0] == self._heard:
            return None
        self._heard = int(cells[0])
        return int(cells[1])
