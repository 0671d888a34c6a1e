from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from service.scheduling.backlog import Backlog


@dataclass(eq=False)
class Request:
    n: int
    name: str = ""
    deadline: float = 1e9
    taken: int = 0


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
    assert backlog.take(8, 0)[0] == [(first, 0, 3), (second, 0, 5)]
    assert backlog.take(8, 0)[0] == [(second, 5, 13)]
    assert backlog.take(8, 0)[0] == [(second, 13, 20)]
    assert backlog.take(8, 0) == ([], [])
    assert backlog.rows == 0


def test_a_newcomer_goes_before_a_bulk_reader():
    backlog = Backlog(turn=8)
    for _ in range(10):
        backlog.push("bulk", Request(100, "bulk"))
    backlog.take(8, 0)
    backlog.push("one", Request(1, "one"))
    assert rows_of(backlog.take(8, 0)[0]) == {"one": 1, "bulk": 3}  # half a batch, since somebody waits for it
    assert rows_of(backlog.take(8, 0)[0]) == {"bulk": 8}


def test_newcomers_with_many_rows_share_full_batches():
    backlog = Backlog(turn=16)
    backlog.push("bulk", Request(100, "bulk"))
    backlog.take(16, 0)
    for name in "abc":
        backlog.push(name, Request(1, name))
    assert rows_of(backlog.take(16, 0)[0]) == {"a": 1, "b": 1, "c": 1, "bulk": 13}


def test_newcomers_alone_are_not_cut_short():
    backlog = Backlog(turn=16)
    for name in "abcdefghijklmnop":
        backlog.push(name, Request(1, name))
    assert len(rows_of(backlog.take(16, 0)[0])) == 16


def test_callers_with_a_backlog_get_equal_shares_whatever_the_size_of_their_requests():
    backlog = Backlog(turn=8)
    for _ in range(3):
        backlog.push("large", Request(500, "large"))
    for _ in range(300):
        backlog.push("small", Request(5, "small"))
    counts = {"large": 0, "small": 0}
    for _ in range(100):
        for name, rows in rows_of(backlog.take(8, 0)[0]).items():
            counts[name] += rows
    assert abs(counts["large"] - counts["small"]) <= 16


def test_a_caller_that_always_comes_back_does_not_starve_the_others():
    backlog = Backlog(turn=8)
    backlog.push("patient", Request(80, "patient"))
    got = 0
    for _ in range(30):
        backlog.push("pushy", Request(8, "pushy"))
        got += rows_of(backlog.take(8, 0)[0]).get("patient", 0)
    assert got == 80


def test_what_has_expired_is_dropped_and_costs_nothing():
    backlog = Backlog(turn=8)
    late, good = Request(5, deadline=10), Request(3)
    backlog.push("a", late)
    backlog.push("a", good)
    assert backlog.take(8, 10) == ([(good, 0, 3)], [late])


def test_removed_requests_leave_nothing_behind():
    backlog = Backlog(turn=8)
    gone, good = Request(20), Request(3)
    backlog.push("a", gone)
    backlog.push("b", good)
    backlog.take(4, 0)
    assert backlog.remove("a", gone) == 16
    assert backlog.remove("a", gone) == 0
    assert backlog.take(8, 0)[0] == [(good, 0, 3)]


def test_a_bulk_reader_s_pages_do_not_count_against_a_newcomer_s_deadline():
    backlog = Backlog(turn=8)
    backlog.push("bulk", Request(1000))
    assert backlog.rows_before("one", 1) == 1 + 1 + 8
    assert backlog.rows_before("bulk", 1) == 1001


STEP = st.one_of(
    st.tuples(st.just("push"), st.integers(0, 3), st.integers(1, 30)),
    st.tuples(st.just("take"), st.integers(1, 16), st.just(0)),
    st.tuples(st.just("remove"), st.integers(0, 50), st.just(0)),
)


@given(st.lists(STEP, max_size=80))
def test_every_row_is_handed_out_once_and_in_order(steps):
    backlog = Backlog(turn=8)
    waiting, handed = {}, {}
    for action, number, n in steps:
        if action == "push":
            request = Request(n)
            waiting[request] = str(number)
            handed[request] = []
            backlog.push(str(number), request)
        elif action == "remove" and waiting:
            request = list(waiting)[number % len(waiting)]
            backlog.remove(waiting.pop(request), request)
        else:
            batch, _ = backlog.take(max(1, number), 0)
            assert sum(stop - start for _, start, stop in batch) <= max(1, number)
            for request, start, stop in batch:
                assert request in waiting
                handed[request] += range(start, stop)
        assert backlog.rows == sum(request.n - request.taken for request in waiting)
    while backlog.rows:
        for request, start, stop in backlog.take(16, 0)[0]:
            handed[request] += range(start, stop)
    for request in waiting:
        assert handed[request] == list(range(request.n))
