from concurrent.futures import Future

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from service.metrics import Metrics
from service.scheduling.backlog import Segment
from service.scheduling.order import Order
from service.scheduling.queue import Queue, Request, rows_of
from tests.fakes import Engine


@pytest.fixture
def queue():
    return Queue(Engine(best_batch=8, lanes=2), Metrics(CollectorRegistry()).meters("g", 1, "cpu"))


def request(queue, order, scores=None, cost=1.0):
    return Request(order, order.n, np.uint64(order.seed + 1), "a", 0.0, queue, Future(), 0.0, cost, beside=scores)


def test_rows_of_a_batch_are_those_of_its_segments_in_order(queue):
    run = request(queue, Order(np.array([3, 4, 5]), 10, 100, 0.5))
    scattered = request(queue, Order(np.array([6, 7]), 20, 0, 2.0, np.array([9, 2**40], np.uint64)))
    rows = rows_of([Segment(run, 1, 3), Segment(scattered, 0, 2)], 4)
    assert rows.seed.tolist() == [11, 11, 21, 21]
    assert rows.index.tolist() == [101, 102, 9, 2**40]
    assert rows.label.tolist() == [4, 5, 6, 7]
    assert rows.truncation.tolist() == [0.5, 0.5, 2.0, 2.0]


def test_work_is_that_of_the_whole_device_and_more_with_scores(queue):
    order = Order(np.zeros(32, np.int64), 7, 0, 1.0)
    assert request(queue, order).work == pytest.approx(2)  # 16 rows/s
    assert request(queue, order, np.empty(32, np.float32), queue.engine.scored_cost).work == pytest.approx(4)
