"""Calls answered from other threads, on a real grpc server."""

import gc
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import grpc
import pytest
from grpc._server import _RPCState
from prometheus_client import CollectorRegistry

from service.call import Later
from service.errors import InvalidRequest, Overloaded
from service.metrics import Metrics
from service.rpc import deferred
from service.rpc.handler import PUSHBACK, handlers
from tests.processes import code_of


class Method:
    """Answers with the request, in a thread of its own; `held` answers wait for `release`."""

    def __init__(self):
        self.cancelled = threading.Event()
        self.release = threading.Event()
        self.began = threading.Event()

    def __call__(self, raw, call):
        if raw == b"refuse":
            raise InvalidRequest("it says refuse")
        if raw == b"bug":
            raise ZeroDivisionError("not for callers")
        if raw == b"now":
            return b"at once"
        work = Future()
        work.add_done_callback(lambda done: done.cancelled() and self.cancelled.set())
        threading.Thread(target=self._work, args=(work, raw)).start()
        return Later(work, lambda result: b"encoded " + result)

    def _work(self, work, raw):
        self.began.set()
        if raw == b"held":
            self.release.wait(60)
        if not work.set_running_or_notify_cancel():
            return
        if raw == b"full":
            work.set_exception(Overloaded("no room", 0.25))
        else:
            work.set_result(raw)


class Passes(grpc.ServerInterceptor):
    """Wraps behaviours, as the interceptor of OpenTelemetry does."""

    def intercept_service(self, continuation, details):
        inner = continuation(details).unary_unary
        return grpc.unary_unary_rpc_method_handler(lambda raw, context: inner(raw, context))


def serving(method, interceptors=()):
    server = grpc.server(ThreadPoolExecutor(4), interceptors=interceptors)
    server.add_registered_method_handlers("test", handlers({"Call": method}, Metrics(CollectorRegistry())))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)])


@pytest.fixture(params=["deferred", "in a thread that waits"])
def served(request):
    method = Method()
    server, channel = serving(method, [] if request.param == "deferred" else [Passes()])
    with channel:
        yield method, channel.unary_unary("/test/Call")
    server.stop(0).wait(60)


def test_the_installed_grpc_is_one_that_calls_can_be_deferred_with():
    assert deferred.POOL is not None


def test_answers_of_both_kinds_arrive(served):
    _, call = served
    assert call(b"now", timeout=60) == b"at once"
    assert call(b"later", timeout=60) == b"encoded later"
    calls = [call.future(b"%d" % number, timeout=60) for number in range(50)]
    assert [one.result() for one in calls] == [b"encoded %d" % number for number in range(50)]


def test_errors_become_statuses_and_bugs_stay_in_the_log(served):
    _, call = served
    assert code_of(call, b"refuse") == (grpc.StatusCode.INVALID_ARGUMENT, "it says refuse")
    assert code_of(call, b"bug") == (grpc.StatusCode.INTERNAL, "internal error")
    with pytest.raises(grpc.RpcError) as full:
        call(b"full", timeout=60)
    assert full.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert dict(full.value.trailing_metadata())[PUSHBACK] == "250"


def test_a_caller_that_goes_cancels_its_work(served):
    method, call = served
    future = call.future(b"held", timeout=60)
    assert method.began.wait(60)
    future.cancel()
    assert method.cancelled.wait(60)
    method.release.set()


def test_a_deadline_that_passes_cancels_the_work(served):
    method, call = served
    with pytest.raises(grpc.RpcError) as late:
        call(b"held", timeout=0.3)
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert method.cancelled.wait(60)
    method.release.set()


def test_a_call_without_a_message_is_refused():
    server, channel = serving(Method())
    with channel:
        stream = channel.stream_unary("/test/Call")
        assert code_of(stream, iter(()))[0] is grpc.StatusCode.UNIMPLEMENTED
    server.stop(0).wait(60)


def kept():
    """Calls that somebody still holds."""
    return sum(type(each) is _RPCState for each in gc.get_objects())


def test_calls_leave_no_garbage_that_waits_for_the_collector():
    # A call in a cycle stays open for grpc's core, which refuses a connection that has too many.
    server, channel = serving(Method())
    with channel:
        call = channel.unary_unary("/test/Call")
        call(b"now", timeout=60)
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                assert call(b"now", timeout=60) == b"at once"
                assert call(b"later", timeout=60) == b"encoded later"
                code_of(call, b"refuse")
                code_of(call, b"full")
            call(b"last", timeout=60)
            # grpc's threads let go of the last ones a moment after their answers; what is in a cycle stays for ever.
            deadline = time.monotonic() + 60
            while (left := kept()) > 3 and time.monotonic() < deadline:
                time.sleep(0.1)
        finally:
            gc.enable()
    server.stop(0).wait(60)
    assert left <= 3
