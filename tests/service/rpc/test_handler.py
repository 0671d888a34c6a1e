import inspect
import sys

import grpc
import pytest
from prometheus_client import CollectorRegistry

from service import errors
from service.metrics import Metrics
from service.rpc.backpressure import Unread
from service.rpc.handler import STATUS, Handler


def test_every_error_has_a_status():
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.ServiceError) and kind is not errors.ServiceError
    ]
    assert kinds
    assert set(STATUS) == set(kinds)


def test_quoted_text_is_bounded_and_on_one_line():
    assert errors.quote("a\n\x1b[31m" + "b" * 1000).startswith(r"'a\n\x1b[31mb")
    assert len(errors.quote("b" * 1000)) < 80


class Context:
    """Of a call, as grpc keeps it."""

    def peer(self):
        return "ipv4:192.0.2.1:1"

    def time_remaining(self):
        return 60.0

    def add_callback(self, callback):
        return True


def test_a_refused_call_holds_neither_its_request_nor_its_answer():
    request, answer = bytes(1000), bytes(1001)
    metrics = Metrics(CollectorRegistry())
    unread = Unread(1500, metrics)

    def method(raw, call):
        unread.hold(Context().peer(), 1000)  # meanwhile another call of this connection was answered
        return answer

    handler = Handler("Generate", method, metrics, unread=unread)
    before = sys.getrefcount(request), sys.getrefcount(answer)
    ended = []
    handler.begin(request, Context(), lambda *outcome: ended.append(outcome))
    assert [(code, response) for code, response, *_ in ended] == [(grpc.StatusCode.RESOURCE_EXHAUSTED, b"")]
    assert (sys.getrefcount(request), sys.getrefcount(answer)) == before


def test_a_log_that_cannot_be_written_costs_nobody_an_answer():
    handler = Handler("Generate", lambda raw, call: b"answer", Metrics(CollectorRegistry()))

    class Full:
        def info(self, *_, **__):
            raise OSError("no space left on device")

    handler.log = Full()
    ended = []
    with pytest.raises(OSError, match="no space"):
        handler.begin(b"", Context(), lambda *outcome: ended.append(outcome))
    assert [(code, response) for code, response, *_ in ended] == [(grpc.StatusCode.OK, b"answer")]
