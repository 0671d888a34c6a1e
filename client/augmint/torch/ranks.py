"""Which of how many processes this one is."""

from __future__ import annotations

import os

from augmint import checks
from augmint.errors import InvalidRequest
from augmint.torch.tensors import torch

Ranks = tuple[int, int]


def given(rank: int | None, world_size: int | None) -> Ranks | None:
    """(rank, world size) as the caller gave them, checked; None: neither was given."""
    if (rank is None) != (world_size is None):
        raise InvalidRequest("give both rank and world_size, or neither")
    if world_size is None:
        return None
    count = checks.whole("world_size", world_size, 1, 2**20)
    return checks.whole("rank", rank, 0, count - 1), count


def resolve(ranks: Ranks | None, same_seed: bool) -> Ranks:
    """The ranks given, or torch.distributed's if it is initialised, or one of one.

    same_seed: whether all ranks have one seed, as far as one can tell; InvalidRequest if there are several without.
    """
    if ranks is None:
        ranks = _of_the_group()
    if ranks is None:
        world = os.environ.get("WORLD_SIZE", "1")
        if world != "1":
            # Every rank would train on the same samples, and nobody would notice.
            raise InvalidRequest(
                f"WORLD_SIZE is {world}, but torch.distributed is not initialised: initialise it before, or give rank "
                "and world_size"
            )
        return 0, 1
    _one_seed(ranks[1], same_seed)
    return ranks


def one_seed(same_seed: bool) -> None:
    """InvalidRequest in a process group of several whose processes each drew a seed: no order is common to them."""
    _one_seed((_of_the_group() or (0, 1))[1], same_seed)


def _one_seed(count: int, same_seed: bool) -> None:
    if count > 1 and not same_seed:
        raise InvalidRequest(f"each of the {count} ranks would draw a seed of its own: give all of them the same seed")


def _of_the_group() -> Ranks | None:
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return None
