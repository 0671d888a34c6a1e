"""Synthetic samples for NVIDIA DALI's parallel external source. Needs nothing of DALI itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from augmint.arrays import ArrayStream
from augmint.client import Client
from augmint.errors import InvalidRequest


class ExternalSource:
    """What `fn.external_source` calls for a batch: (list of arrays [*shape], list of class indices int64 [1]).

        source = ExternalSource("localhost:50051", batch_size=64, length=60_000, seed=7)

        @pipeline_def(batch_size=64, num_threads=2, device_id=0, py_num_workers=4, py_start_method="spawn")
        def training():
            images, labels = fn.external_source(
                source, num_outputs=2, batch=True, batch_info=True, parallel=True, dtype=[types.UINT8, types.INT64]
            )
            return images.gpu(), labels.gpu()

    Rows of a table are raw: types.FLOAT [columns], categories by index, NaN where a value is missing.

    Stateless, so any worker may make any batch and DALI's prefetch does the waiting: batch i of epoch e is the same
    samples always. An epoch has length // batch_size whole batches (of all ranks together: pass rank and world_size, as
    DALI's shard_id and num_shards) and the next one goes on behind it. Picklable; each worker connects by itself.
    """

    def __init__(
        self, target: str | Client, generator: str | None = None, *, batch_size: int, length: int, **options: Any
    ) -> None:
        """length: samples per epoch, at least a batch per rank. options: as `ArrayStream`."""
        self._stream = ArrayStream(target, generator, batch_size=batch_size, **options)
        self._world = options.get("world_size") or 1
        self._steps = length // (batch_size * self._world)
        if not self._steps:
            self._stream.close()
            raise InvalidRequest(f"length is {length}; an epoch needs a batch of {batch_size} per rank: {self._world}")

    def __call__(self, info: Any) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray]]:
        """info: DALI's BatchInfo (iteration, epoch_idx), or the number of the batch; StopIteration ends the epoch."""
        iteration = getattr(info, "iteration", info)
        epoch = getattr(info, "epoch_idx", 0)
        if iteration >= self._steps:
            raise StopIteration
        arrays, classes = self._stream.batch(epoch * self._steps + iteration)
        return list(arrays), list(classes.reshape(-1, 1))

    def __len__(self) -> int:
        """Batches of an epoch, on each rank."""
        return int(self._steps)

    def close(self) -> None:
        """Disconnect, unless the client was handed in."""
        self._stream.close()
