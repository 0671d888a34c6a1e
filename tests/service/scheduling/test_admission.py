from concurrent.futures import Future

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from service.errors import DeadlineExceeded, Overloaded
from service.metrics import Metrics
from service.scheduling.admission import check_deadline, check_room
from service.scheduling.order import Order
from service.scheduling.queue import Queue, Request
from tests.fakes import Engine


@pytest.fixture
def queue():
    """Of a device that computes 8 rows a second, one batch at a time."""
    return Queue(Engine(best_batch=8), Metrics(CollectorRegistry()).meters("g", 1, "cpu"))


def request(queue, n, caller="a"):
    order = Order(np.zeros(n, np.int64), 1, 0, 1.0)
    return Request(order, n, np.uint64(1), caller, 0.0, queue, Future(), 0.0)


def test_there_is_room_up_to_the_limit_and_for_any_request_where_nothing_waits(queue):
    check_room(request(queue, 8000), 0.0, 3.0)
    check_room(request(queue, 16), 1.0, 3.0)
    with pytest.raises(Overloaded, match=r"2\.00 s of work wait and this call adds 2\.00 s; at most 3 s") as refused:
        check_room(request(queue, 16), 2.0, 3.0)
    assert refused.value.retry_after_seconds == 1.0
    assert queue.meters.refused_queue_full._value.get() == 1


@pytest.mark.parametrize(
    ("waiting", "n", "needed"),
    [
        (0, 8, 1),
        (0, 9, 9 / 8),
        (8, 8, 2),
        (80, 8, 3),
    ],  # of another caller, rows: at most a turn more than its own run first
)
def test_a_deadline_is_met_if_what_runs_before_fits(queue, waiting, n, needed):
    if waiting:
        queue.backlog.push("b", request(queue, waiting, "b"))
    work = queue.work(waiting)
    check_deadline(request(queue, n), work, needed)
    with pytest.raises(DeadlineExceeded, match=rf"n {n} would be ready in {needed:.3f} s"):
        check_deadline(request(queue, n), work, needed - 0.001)


def test_other_generators_get_no_more_of_the_device_than_this_one(queue):
    for waiting, needed in ((0.5, 1.5), (100.0, 2.0)):  # seconds of other queues
        check_deadline(request(queue, 8), waiting, needed)
        with pytest.raises(DeadlineExceeded):
            check_deadline(request(queue, 8), waiting, needed - 0.001)
