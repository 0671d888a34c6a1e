"""A server whose GPU, a make-believe one, fails for good."""

import contextlib
import threading
import time
import urllib.request
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from service.errors import StartError
from service.rpc.inference import grpc_predict_v2_pb2 as oip
from service.server import Server
from service.settings import Settings
from tests import generators
from tests.gpu import Gpu

STATUS = health_pb2.HealthCheckResponse
# All that the health service has a status of.
NAMES = ("", "liveness", "tiny", "augmint.v1.GeneratorService", "inference.GRPCInferenceService")


@pytest.fixture
def gpu(monkeypatch):
    made = Gpu().install(monkeypatch)
    yield made
    assert made.wrongs == []


@pytest.fixture
def settings(tmp_path):
    generators.publish(tmp_path)
    return Settings(models=str(tmp_path), port=0, metrics_port=0, device="cuda", max_batch=8, watch_seconds=0.05)


def value(server, name):
    """Of a metric, as Prometheus would read it; None if there is none."""
    return server.registry.get_sample_value(name)


@contextlib.contextmanager
def started(settings):
    """A server, and a channel to it."""
    server = Server(settings)
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield server, channel
    finally:
        server.stop()


def wait_until(holds):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


REQUEST = pb.GenerateRequest(generator="tiny", label="3", n=5)


def test_calls_are_sent_elsewhere_and_liveness_fails(gpu, settings):
    with started(settings) as (server, channel):
        stub = GeneratorServiceStub(channel)
        health = health_pb2_grpc.HealthStub(channel)
        server_live = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")

        def live():
            return oip.ServerLiveResponse.FromString(server_live(b"", timeout=60)).live

        def statuses():
            return {health.Check(health_pb2.HealthCheckRequest(service=name), timeout=60).status for name in NAMES}

        assert len(stub.Generate(REQUEST, timeout=60).data) == 5 * 64
        assert statuses() == {STATUS.SERVING}
        assert live()
        assert value(server, "augmint_device_broken") == 0
        assert gpu.replays > 0

        gpu.faults["run"] = gpu.faults["replay"] = "CUDA failure 719: unspecified launch failure ; GPU=0"
        for _ in range(3):
            with pytest.raises(grpc.RpcError) as failed:
                stub.Generate(REQUEST, timeout=60)
            assert failed.value.code() == grpc.StatusCode.UNAVAILABLE
            assert "ask another one" in failed.value.details()
        wait_until(lambda: statuses() == {STATUS.NOT_SERVING})
        assert not live()
        assert value(server, "augmint_device_broken") == 1
        assert value(server, "augmint_ready") == 0
        # Neither a look at the models nor a device that seems well again makes it alive.
        gpu.faults.clear()
        generators.publish(Path(settings.models), "other")
        wait_until(lambda: {identity.name for identity in server.repository.ready()} == {"tiny", "other"})
        scanned = value(server, "augmint_last_scan_timestamp_seconds")
        wait_until(lambda: value(server, "augmint_last_scan_timestamp_seconds") > scanned)
        assert statuses() == {STATUS.NOT_SERVING}
        metrics = f"http://127.0.0.1:{server.metrics_port}/metrics"
        assert "augmint_device_broken 1.0" in urllib.request.urlopen(metrics, timeout=60).read().decode()


def test_a_file_without_graphs_is_served_and_counted(gpu, settings):
    gpu.faults["capture"] = "CUDA failure 900: operation not permitted when stream is capturing"
    with started(settings) as (server, channel):
        GeneratorServiceStub(channel).Generate(REQUEST, timeout=60)
        count = server.registry.get_sample_value("augmint_cuda_graph_fallbacks_total", {"stage": "capture"})
        assert count == 1
        assert gpu.replays == 0


def test_graphs_can_be_switched_off(gpu, settings):
    with started(settings.model_copy(update={"cuda_graphs": "off"})):
        assert not any(session.graphs for session in gpu.sessions)


def test_a_device_that_is_broken_from_the_start_ends_the_start(gpu, settings):
    gpu.faults["load"] = "CUDA failure 46: CUDA-capable device(s) is/are busy or unavailable"
    server = Server(settings)
    with pytest.raises(StartError, match="device cuda has failed"):
        server.start()
    server.close()


def test_a_start_that_fails_leaves_no_thread_and_no_port_behind(gpu, settings):
    before = set(threading.enumerate())
    gpu.faults["load"] = "CUDA failure 46: CUDA-capable device(s) is/are busy or unavailable"
    server = Server(settings)
    with pytest.raises(StartError):
        server.start()
    server.close()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics", timeout=20)
    wait_until(lambda: not [thread for thread in set(threading.enumerate()) - before if "lane" in thread.name])
