from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.scheduling.backlog import Backlog


@dataclass(eq=False)
class Request:
    n: int
    name: str = ""
    deadline: float = 1e9
    taken: int = 0
    cost: float = 1.0
    carries: bool = False


def up_to(rows):
    """A batch of so many rows, whatever their sort."""
    return rows, rows


def rows_of(batch):
    counts = {}
    for request, start, stop in batch:
        counts[request.name] = counts.get(request.name, 0) + stop - start
    return counts


def test_a_batch_is_filled_from_several_requests_and_a_large_one_is_split():
    backlog = Backlog(turn=8)
    first, second = Request(3), Request(20)
    backlog.push("a", first)
    backlog.push("b", second)
    assert backlog.take(up_to(8), 0)[0] == [(first, 0, 3), (second, 0, 5)]
    assert backlog.take(up_to(8), 0)[0] == [(second, 5, 13)]
    assert backlog.take(up_to(8), 0)[0] == [(second, 13, 20)]
    assert backlog.take(up_to(8), 0) == ([], [])
    assert backlog.rows == 0


def test_a_newcomer_goes_before_a_bulk_reader():
    backlog = Backlog(turn=8)
    for _ in range(10):
        backlog.push("bulk", Request(100, "bulk"))
    backlog.take(up_to(8), 0)
    backlog.push("one", Request(1, "one"))
    assert rows_of(backlog.take(up_to(8), 0)[0]) == {"one": 1, "bulk": 3}  # half a batch, since somebody waits for it
    assert rows_of(backlog.take(up_to(8), 0)[0]) == {"bulk": 8}


def test_newcomers_with_many_rows_share_full_batches():
    backlog = Backlog(turn=16)
    backlog.push("bulk", Request(100, "bulk"))
    backlog.take(up_to(16), 0)
    for name in "abc":
        backlog.push(name, Request(1, name))
    assert rows_of(backlog.take(up_to(16), 0)[0]) == {"a": 1, "b": 1, "c": 1, "bulk": 13}


def test_newcomers_alone_are_not_cut_short():
    backlog = Backlog(turn=16)
    for name in "abcdefghijklmnop":
        backlog.push(name, Request(1, name))
    assert len(rows_of(backlog.take(up_to(16), 0)[0])) == 16


def test_callers_with_a_backlog_get_equal_shares_whatever_the_size_of_their_requests():
    backlog = Backlog(turn=8)
    for _ in range(3):
        backlog.push("large", Request(500, "large"))
    for _ in range(300):
        backlog.push("small", Request(5, "small"))
    counts = {"large": 0, "small": 0}
    for _ in range(100):
        for name, rows in rows_of(backlog.take(up_to(8), 0)[0]).items():
            counts[name] += rows
    assert abs(counts["large"] - counts["small"]) <= 16


def test_a_caller_that_always_comes_back_does_not_starve_the_others():
    backlog = Backlog(turn=8)
    backlog.push("patient", Request(80, "patient"))
    got = 0
    for _ in range(30):
        backlog.push("pushy", Request(8, "pushy"))
        got += rows_of(backlog.take(up_to(8), 0)[0]).get("patient", 0)
    assert got == 80


def test_what_has_expired_is_dropped_and_costs_nothing():
    backlog = Backlog(turn=8)
    late, good = Request(5, deadline=10), Request(3)
    backlog.push("a", late)
    backlog.push("a", good)
    assert backlog.take(up_to(8), 10) == ([(good, 0, 3)], [late])


def test_removed_requests_leave_nothing_behind():
    backlog = Backlog(turn=8)
    gone, good = Request(20), Request(3)
    backlog.push("a", gone)
    backlog.push("b", good)
    backlog.take(up_to(4), 0)
    assert backlog.remove("a", gone) == 16
    assert backlog.remove("a", gone) == 0
    assert backlog.take(up_to(8), 0)[0] == [(good, 0, 3)]


def test_a_bulk_reader_s_pages_do_not_count_against_a_newcomer_s_deadline():
    backlog = Backlog(turn=8)
    backlog.push("bulk", Request(1000))
    assert backlog.load_before("one", 1) == 1 + 1 + 8
    assert backlog.load_before("bulk", 1) == 1001


def test_rows_that_cost_more_take_more_of_a_turn_and_of_the_load():
    backlog = Backlog(turn=8)
    dear, plain = Request(100, "dear", cost=4.0), Request(100, "plain")
    backlog.push("a", dear)
    backlog.push("b", plain)
    assert backlog.load == 500
    got = {"dear": 0, "plain": 0}
    while all(request.taken < request.n for request in (dear, plain)):
        for name, rows in rows_of(backlog.take(up_to(8), 0)[0]).items():
            got[name] += rows
    assert got["plain"] == 100
    assert 100 / 4 <= got["dear"] <= 100 / 4 + 8


def test_a_batch_is_of_one_sort_and_who_is_of_another_comes_first_in_the_next():
    backlog = Backlog(turn=8)
    for number in range(12):
        backlog.push(str(number), Request(1, str(number), carries=number % 3 == 1))
    limits = (8, 3)
    assert list(rows_of(backlog.take(limits, 0)[0])) == ["0", "2", "3", "5", "6", "8", "9", "11"]
    assert list(rows_of(backlog.take(limits, 0)[0])) == ["1", "4", "7"]
    assert list(rows_of(backlog.take(limits, 0)[0])) == ["10"]
    assert (backlog.rows, backlog.load) == (0, 0)


def test_bulk_readers_of_two_sorts_take_turns():
    backlog = Backlog(turn=8)
    backlog.push("draws", Request(80, "draws"))
    backlog.push("carries", Request(80, "carries", carries=True, cost=2.0))
    batches = [rows_of(backlog.take((8, 4), 0)[0]) for _ in range(8)]
    assert batches == [{"draws": 8}, {"carries": 4}] * 4


STEP = st.one_of(
    st.tuples(st.just("push"), st.integers(0, 3), st.integers(1, 30), st.sampled_from([0.3, 1.0, 2.7]), st.booleans()),
    st.tuples(st.just("take"), st.integers(1, 16), st.just(0), st.just(0), st.just(0)),
    st.tuples(st.just("remove"), st.integers(0, 50), st.just(0), st.just(0), st.just(0)),
)


@given(st.lists(STEP, max_size=80))
def test_every_row_is_handed_out_once_and_in_order(steps):
    backlog = Backlog(turn=8)
    waiting, handed = {}, {}

    def take(limit):
        batch, _ = backlog.take((limit, limit // 2 + 1), 0)
        assert len({request.carries for request, _, _ in batch}) <= 1
        most = limit // 2 + 1 if batch and batch[0].request.carries else limit
        assert sum(stop - start for _, start, stop in batch) <= most
        for request, start, stop in batch:
            assert request in waiting
            handed[request] += range(start, stop)
        return batch

    for action, number, n, cost, carries in steps:
        if action == "push":
            request = Request(n, cost=cost, carries=carries)
            waiting[request] = str(number)
            handed[request] = []
            backlog.push(str(number), request)
        elif action == "remove" and waiting:
            request = list(waiting)[number % len(waiting)]
            backlog.remove(waiting.pop(request), request)
        else:
            before = backlog.rows
            assert bool(take(max(1, number))) == (before > 0)
        assert backlog.rows == sum(request.n - request.taken for request in waiting)
        load = sum((request.n - request.taken) * request.cost for request in waiting)
        assert backlog.load == pytest.approx(load)
        assert (backlog.load > 0) == (backlog.rows > 0)
    while backlog.rows:
        take(16)
    for request in waiting:
        assert handed[request] == list(range(request.n))
