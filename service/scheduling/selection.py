"""Keeps the k best of every block of m candidates, and keeps every address.

Position i of a selected stream is the (i mod k)-th kept candidate, in order of index, of block i div k, whose m
candidates have the indices m (i div k) + [0, m) and the class that the caller wants at position i. Which candidates
are kept depends on nothing else, so a selected stream is random-access like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from service import artifact
from service.errors import InvalidRequest
from service.scheduling.order import Order

# Beyond it the last few candidates hardly get better, and a scattered position costs as many rows.
OF_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Selection:
    """What must be computed for an order, and how to choose from it."""

    candidates: Order
    keep: int
    of: int
    group: np.ndarray  # int64 [n]: the block, among those computed, of each sample
    rank: np.ndarray  # int64 [n], in [0, keep): which of the block's kept candidates

    @classmethod
    def plan(cls, order: Order, most: int) -> Selection:
        """The candidates of an order with a selection.

        most: rows that one call may compute.
        Raises InvalidRequest if there would be more, or if they go past the end of the stream.
        """
        if order.indices is None:
            positions = np.arange(order.start_index, order.start_index + order.n, dtype=np.int64)
        else:
            positions = order.indices.astype(np.int64)
        blocks = positions // order.keep
        last = int(blocks.max())
        if (last + 1) * order.of > artifact.INDEX_LIMIT:
            raise InvalidRequest(
                f"position {last * order.keep} of the {order.keep} best of {order.of} needs candidates past the end of "
                f"the stream, 2^48 = {artifact.INDEX_LIMIT}"
            )
        # A block is computed once for each class that is wanted of it.
        pairs, group = np.unique(np.stack([blocks, order.labels]), axis=1, return_inverse=True)
        count = pairs.shape[1] * order.of
        if count > most:
            raise InvalidRequest(
                f"n {order.n} of the {order.keep} best of {order.of} needs {count} candidates; one call computes at "
                f"most {most}: ask for fewer samples, at positions that follow each other"
            )
        indices = (pairs[0][:, None] * order.of + np.arange(order.of)).reshape(-1).astype(np.uint64)
        labels = np.repeat(pairs[1], order.of)
        candidates = Order(labels, order.seed, 0, order.truncation, indices)
        return cls(candidates, order.keep, order.of, group.reshape(-1), positions % order.keep)

    def pick(self, samples: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """The samples of the order, in its order.

        samples: sample dtype [candidates, *sample shape]; scores: float32 [candidates], NaN counts as worst.
        returns: sample dtype [n, *sample shape].
        """
        worst_last = np.where(np.isnan(scores), np.inf, -scores).reshape(-1, self.of)
        # Stable: of candidates with equal scores the first are kept.
        kept = np.sort(np.argsort(worst_last, axis=1, kind="stable")[:, : self.keep], axis=1)
        return samples[self.group * self.of + kept[self.group, self.rank]]
