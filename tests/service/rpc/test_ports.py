"""What gRPC's own server is told, and what it then does with a flood of calls."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import grpc
from grpc._cython import cygrpc
from prometheus_client import CollectorRegistry

from service.metrics import Metrics
from service.rpc import ports
from service.rpc.handler import handlers
from service.settings import Settings


def test_grpc_knows_every_option():
    # It ignores those that it does not know without a word; idle clients were sent away for pings so allowed.
    known = Path(cygrpc.__file__).read_bytes()
    assert [name for name, _ in ports.options(Settings(models="models")) if name.encode() not in known] == []


def test_no_call_of_a_flood_is_dropped():
    # grpc hands over one call after the other; while that stops, those that come wait in its core.
    stopped, go_on = threading.Event(), threading.Event()

    def stop(raw, call):
        stopped.set()
        assert go_on.wait(60)
        return raw

    grpc_server = grpc.server(ThreadPoolExecutor(1), options=ports.options(Settings(models="models")))
    methods = handlers({"Stop": stop, "Go": lambda raw, call: raw}, Metrics(CollectorRegistry()))
    grpc_server.add_registered_method_handlers("Flood", methods)
    port = grpc_server.add_insecure_port("127.0.0.1:0")
    grpc_server.start()
    # Connections of their own, with no more calls each than one may have open.
    own = [("grpc.use_local_subchannel_pool", 1)]
    with ExitStack() as stack:
        stack.callback(lambda: grpc_server.stop(None).wait(60))
        channels = [stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{port}", own)) for _ in range(4)]
        first = channels[0].unary_unary("/Flood/Stop").future(b"stop", timeout=60)
        assert stopped.wait(60)
        flood = [channel.unary_unary("/Flood/Go").future(b"go", timeout=60) for channel in channels for _ in range(900)]
        time.sleep(1)  # until they have come
        go_on.set()
        assert first.result() == b"stop"
        assert {call.code() for call in flood} == {grpc.StatusCode.OK}
