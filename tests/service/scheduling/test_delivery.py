import gc
import time
import weakref
from concurrent.futures import Future
from contextlib import closing

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from service.errors import DeadlineExceeded
from service.metrics import Metrics
from service.scheduling.delivery import Answers
from service.scheduling.order import Order
from service.scheduling.queue import Queue, Request
from tests.fakes import Engine


@pytest.fixture
def queue():
    return Queue(Engine(), Metrics(CollectorRegistry()).meters("g", 1, "cpu"))


def request(queue, n=2, scores=None):
    order = Order(np.zeros(n, np.int64), 7, 0, 1.0)
    samples = np.arange(n)
    return Request(order, n, np.uint64(7), "a", 0.0, queue, Future(), 0.0, samples=samples, beside=scores)


def test_each_request_is_answered_with_what_it_holds(queue):
    plain, scored = request(queue), request(queue, scores=np.ones(2, np.float32))
    with closing(Answers()) as answers:
        answers.give([plain, scored])
        assert plain.result.result(60) is plain.samples
        samples, scores = scored.result.result(60)
        assert samples is scored.samples
        assert scores is scored.beside


def test_an_error_is_the_answer_of_all_that_it_is_given_for(queue):
    late = [request(queue), request(queue)]
    with closing(Answers()) as answers:
        answers.give(late, DeadlineExceeded("late"))
        for each in late:
            with pytest.raises(DeadlineExceeded, match="late"):
                each.result.result(60)


def test_a_caller_that_has_gone_is_passed_over(queue):
    leaver, stayer = request(queue), request(queue)
    assert leaver.result.cancel()
    with closing(Answers()) as answers:
        answers.give([leaver, stayer])
        assert stayer.result.result(60) is stayer.samples


def test_what_was_given_before_the_end_is_answered(queue):
    given = [request(queue) for _ in range(100)]
    answers = Answers()
    for each in given:
        answers.give([each])
    answers.close()
    assert all(each.result.done() for each in given)


def test_no_answer_is_held_when_it_has_been_handed_out(queue):
    gc.disable()  # nothing may wait for it
    try:
        with closing(Answers()) as answers:
            given = request(queue)
            answers.give([given])
            held = weakref.ref(given.result.result(60))
            del given
            end = time.monotonic() + 60
            while held() is not None and time.monotonic() < end:
                time.sleep(0.001)
            assert held() is None
    finally:
        gc.enable()
