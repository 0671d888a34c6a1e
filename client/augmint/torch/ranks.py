"""Which of how many processes this one is."""

from __future__ import annotations

from augmint.reading import partition
from augmint.reading.partition import Ranks, given
from augmint.torch.tensors import torch

__all__ = ["Ranks", "given", "one_seed", "resolve"]


def resolve(ranks: Ranks | None, same_seed: bool) -> Ranks:
    """The ranks given, or torch.distributed's if it is initialised, or one of one.

    same_seed: whether all ranks have one seed, as far as one can tell; InvalidRequest if there are several without.
    """
    if ranks is None:
        ranks = _of_the_group()
    if ranks is None:
        return partition.alone(
            "torch.distributed is not initialised: initialise it before, or give rank and world_size"
        )
    partition.one_seed(ranks[1], same_seed)
    return ranks


def one_seed(same_seed: bool) -> None:
    """InvalidRequest in a process group of several whose processes have each drawn a seed."""
    partition.one_seed((_of_the_group() or (0, 1))[1], same_seed)


def _of_the_group() -> Ranks | None:
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return None
