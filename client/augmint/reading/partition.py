"""Who reads what: the same global order for any number of ranks and workers.

A stream is positions 0, 1, 2, ... A step of R ranks that take batches of b begins at a position P and covers P to
P + R b: rank r takes the r-th b of them. So the ranks' batches, laid side by side step by step, are the positions in
order, whatever R and b are; and after each step one number, P, says how far all of them have come, from which any other
number of ranks can go on.

Inside a rank, W workers take the steps in turn, which is the order in which a `DataLoader` collects from them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from augmint import checks
from augmint.errors import InvalidRequest

Ranks = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Share:
    """What one reader takes of one step: positions from `first` to before `last`.

    after: where this reader has to begin for the step that follows its own last one to be the next that it takes. For a
           single worker that is where the global step ends.
    """

    first: int
    last: int
    after: int


def shares(
    position: int, end: int, batch_size: int, rank: int = 0, ranks: int = 1, worker: int = 0, workers: int = 1
) -> Iterator[Share]:
    """The reader's shares of the positions from `position` to before `end`.

    What remains for the last step is divided as evenly as it can be; fewer than one sample per rank are left out, so
    that all ranks take the same number of steps (one that took more would wait for the others for ever).
    """
    whole = batch_size * ranks
    step = 0
    while end - position >= ranks:
        n = min(whole, end - position)
        if step % workers == worker:
            after = position + (workers - worker) * whole if workers > 1 else position + n
            # Behind the last step is the end, so that fewer ranks, going on, do not read what all of them left out.
            last = end - after < ranks
            yield Share(position + rank * n // ranks, position + (rank + 1) * n // ranks, end if last else after)
        position += n
        step += 1


def steps(n: int, batch_size: int, ranks: int) -> int:
    """How many shares each reader has of n positions."""
    whole, rest = divmod(n, batch_size * ranks)
    return whole + (rest >= ranks)


def given(rank: int | None, world_size: int | None) -> Ranks | None:
    """(rank, world size) as the caller gave them, checked; None: neither was given."""
    if (rank is None) != (world_size is None):
        raise InvalidRequest("give both rank and world_size, or neither")
    if world_size is None:
        return None
    count = checks.whole("world_size", world_size, 1, 2**20)
    return checks.whole("rank", rank, 0, count - 1), count


def alone(remedy: str) -> Ranks:
    """One of one; InvalidRequest where the environment speaks of more. remedy: how to say which."""
    world = os.environ.get("WORLD_SIZE", "1")
    if world != "1":
        # Every rank would train on the same samples, and nobody would notice.
        raise InvalidRequest(f"WORLD_SIZE is {world}, but {remedy}")
    return 0, 1


def one_seed(count: int, same_seed: bool) -> None:
    """InvalidRequest if there are several ranks that have each drawn a seed: no order is common to them."""
    if count > 1 and not same_seed:
        raise InvalidRequest(f"each of the {count} ranks would draw a seed of its own: give all of them the same seed")
