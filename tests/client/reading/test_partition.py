"""client/augmint/reading/partition.py"""

import random
from itertools import zip_longest

from hypothesis import given
from hypothesis import strategies as st

from augmint.reading.partition import shares

SIZES = {
    "position": st.integers(0, 300),
    "length": st.integers(0, 300),
    "batch_size": st.integers(1, 40),
    "ranks": st.integers(1, 5),
    "workers": st.integers(1, 5),
}


def rank_order(position, end, batch_size, rank, ranks, workers):
    """The shares of one rank as a DataLoader collects them: one from each worker in turn."""
    each = [shares(position, end, batch_size, rank, ranks, worker, workers) for worker in range(workers)]
    return [share for step in zip_longest(*each) for share in step if share is not None]


def side_by_side(per_rank):
    """Positions in global order: the ranks' batches of each step, one after the other."""
    return [
        position
        for step in zip(*per_rank, strict=True)
        for share in step
        for position in range(share.first, share.last)
    ]


@given(**SIZES)
def test_whatever_the_ranks_and_workers_the_positions_come_in_order(position, length, batch_size, ranks, workers):
    end = position + length
    per_rank = [rank_order(position, end, batch_size, rank, ranks, workers) for rank in range(ranks)]
    read = side_by_side(per_rank)
    assert read == list(range(position, end))[: len(read)]
    assert end - position - len(read) < ranks
    assert all(0 < share.last - share.first <= batch_size for mine in per_rank for share in mine)


@given(changes=st.integers(0, 4), seed=st.integers(0, 2**32), **SIZES)
def test_readers_may_change_in_number_and_batch_at_any_step(
    changes, seed, position, length, batch_size, ranks, workers
):
    draw = random.Random(seed)
    end, at, read = position + length, position, []
    for change in range(changes + 1):
        per_rank = [rank_order(at, end, batch_size, rank, ranks, workers) for rank in range(ranks)]
        steps = len(per_rank[0]) if change == changes else draw.randint(0, len(per_rank[0]))
        read += side_by_side([mine[:steps] for mine in per_rank])
        if steps:
            at = list(shares(at, end, batch_size, 0, ranks))[steps - 1].after
        ranks, workers, batch_size = draw.randint(1, 5), draw.randint(1, 5), draw.randint(1, 40)
    assert read == list(range(position, end))[: len(read)]


@given(stop=st.integers(0, 50), **SIZES)
def test_a_worker_goes_on_from_its_own_last_share(stop, position, length, batch_size, ranks, workers):
    end = position + length
    for worker in range(workers):
        mine = list(shares(position, end, batch_size, 0, ranks, worker, workers))
        done = min(stop, len(mine))
        if done:
            assert list(shares(mine[done - 1].after, end, batch_size, 0, ranks, worker, workers)) == mine[done:]


def test_an_endless_stream_costs_nothing_to_begin():
    share = next(shares(5, 2**48, 32, rank=3, ranks=8, worker=2, workers=4))
    assert (share.first, share.last) == (5 + 2 * 256 + 96, 5 + 2 * 256 + 128)
