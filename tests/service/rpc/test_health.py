"""Probes and watchers, on a real grpc server."""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service.rpc import deferred
from service.rpc.health import HEALTH, NO_REQUEST, Health
from tests.processes import code_of

STATUS = health_pb2.HealthCheckResponse
REQUEST = health_pb2.HealthCheckRequest()


@pytest.fixture(params=["deferred", "in threads that wait"])
def served(request, monkeypatch):
    if request.param != "deferred":
        monkeypatch.setattr(deferred, "POOL", None)
    server = grpc.server(ThreadPoolExecutor(1))
    health = Health()
    server.add_registered_method_handlers(HEALTH, health.handlers())
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield health, channel
    server.stop(0).wait(60)


def test_a_probe_is_told_the_status(served):
    health, channel = served
    check = health_pb2_grpc.HealthStub(channel).Check
    assert code_of(check, REQUEST)[0] is grpc.StatusCode.NOT_FOUND
    health.set("", STATUS.SERVING)
    assert check(REQUEST, timeout=60).status == STATUS.SERVING
    health.set("", STATUS.NOT_SERVING)
    assert check(REQUEST, timeout=60).status == STATUS.NOT_SERVING


def test_all_statuses_can_be_listed(served):
    health, channel = served
    every = health_pb2_grpc.HealthStub(channel).List
    assert not every(health_pb2.HealthListRequest(), timeout=20).statuses
    health.set("", STATUS.SERVING)
    health.set("digits", STATUS.NOT_SERVING)
    answer = every(health_pb2.HealthListRequest(), timeout=20)
    told = {name: each.status for name, each in answer.statuses.items()}
    assert told == {"": STATUS.SERVING, "digits": STATUS.NOT_SERVING}


def test_every_method_of_the_protocol_is_answered(served):
    health, _ = served
    methods = health_pb2.DESCRIPTOR.services_by_name["Health"].methods
    assert set(health.handlers()) == {method.name for method in methods}


def test_a_watcher_is_told_every_change_that_lasts(served):
    health, channel = served
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service="digits"), timeout=60)
    assert next(watch).status == STATUS.SERVICE_UNKNOWN
    for status in (STATUS.SERVING, STATUS.NOT_SERVING, STATUS.SERVING):
        health.set("digits", status)
        assert next(watch).status == status
    health.set("digits", STATUS.SERVING)  # no change
    health.leave()
    health.set("digits", STATUS.SERVING)  # too late
    assert next(watch).status == STATUS.NOT_SERVING
    assert health.status("digits") == STATUS.NOT_SERVING
    watch.cancel()


def test_what_is_no_request_is_refused(served):
    _, channel = served
    check, watch = channel.unary_unary(f"/{HEALTH}/Check"), channel.unary_stream(f"/{HEALTH}/Watch")
    assert code_of(check, b"\xff") == (grpc.StatusCode.INVALID_ARGUMENT, NO_REQUEST)
    with pytest.raises(grpc.RpcError) as refused:
        next(watch(b"\xff", timeout=60))
    assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.INVALID_ARGUMENT, NO_REQUEST)


def test_watchers_that_come_while_others_leave_hang_nobody(served):
    # grpc's own servicer hung here within a dozen watchers: each new connection of a client brings one, and each that
    # is given up takes one.
    health, channel = served
    stub = health_pb2_grpc.HealthStub(channel)
    health.set("", STATUS.SERVING)

    def come_and_go():
        for _ in range(50):
            watch = stub.Watch(REQUEST, timeout=60)
            next(watch)
            watch.cancel()

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(100):
        health.set("", STATUS.NOT_SERVING if number % 2 else STATUS.SERVING)
    for thread in threads:
        thread.join(60)
    assert stub.Check(REQUEST, timeout=60).status == STATUS.NOT_SERVING
    leaves = threading.Event()
    last = stub.Watch(REQUEST, timeout=60)
    assert next(last).status == STATUS.NOT_SERVING
    last.add_callback(leaves.set)
    last.cancel()
    assert leaves.wait(60)


def test_a_watcher_that_reads_nothing_holds_up_nobody():
    class Context:
        def add_callback(self, callback):
            self.leave = callback
            return True

    health = Health()
    health.set("", STATUS.SERVING)
    stalled, told = queue.SimpleQueue(), queue.SimpleQueue()
    contexts = Context(), Context()

    def tell(response, sent):
        told.put(STATUS.FromString(response).status)
        sent()

    health.watch("", contexts[0], lambda response, sent: stalled.put(sent))
    health.watch("", contexts[1], tell)
    for status in (STATUS.NOT_SERVING, STATUS.SERVING, STATUS.NOT_SERVING):
        health.set("", status)
    assert [told.get_nowait() for _ in range(4)] == [
        STATUS.SERVING,
        STATUS.NOT_SERVING,
        STATUS.SERVING,
        STATUS.NOT_SERVING,
    ]
    stalled.get_nowait()()  # it reads at last, and is told the last status only
    stalled.get_nowait()()
    assert stalled.empty()
    for context in contexts:
        context.leave()
    health.set("", STATUS.SERVING)
    assert stalled.empty()
    assert told.empty()


def test_a_watcher_whose_call_is_over_is_not_kept():
    class Over:
        def add_callback(self, callback):
            return False

    health = Health()
    sent = []
    health.watch("any", Over(), lambda response, done: sent.append(response))
    health.set("any", STATUS.SERVING)
    assert not sent
