"""A server whose GPU, a make-believe one, fails for good."""

import asyncio
import urllib.request
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from service.inference import grpc_predict_v2_pb2 as oip
from service.server import Server, StartError
from service.settings import Settings
from tests import generators
from tests.gpu import Gpu

STATUS = health_pb2.HealthCheckResponse


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


def test_calls_are_sent_elsewhere_and_liveness_fails(gpu, settings):
    async def scenario():
        server = Server(settings)
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
                stub = GeneratorServiceStub(channel)
                health = health_pb2_grpc.HealthStub(channel)
                server_live = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")

                async def live():
                    return oip.ServerLiveResponse.FromString(await server_live(b"", timeout=60)).live

                async def status(name):
                    return (await health.Check(health_pb2.HealthCheckRequest(service=name), timeout=60)).status

                request = pb.GenerateRequest(generator="tiny", label="3", n=5)
                assert len((await stub.Generate(request, timeout=60)).data) == 5 * 64
                assert {await status(name) for name in ("", "liveness", "tiny")} == {STATUS.SERVING}
                assert await live()
                assert value(server, "augmint_device_broken") == 0
                replays = gpu.replays
                assert replays > 0

                gpu.faults["run"] = gpu.faults["replay"] = "CUDA failure 719: unspecified launch failure ; GPU=0"
                for _ in range(3):
                    with pytest.raises(grpc.aio.AioRpcError) as failed:
                        await stub.Generate(request, timeout=60)
                    assert failed.value.code() == grpc.StatusCode.UNAVAILABLE
                    assert "ask another one" in failed.value.details()
                while {await status(name) for name in ("", "liveness", "tiny")} != {STATUS.NOT_SERVING}:
                    await asyncio.sleep(0.01)
                assert not await live()
                assert value(server, "augmint_device_broken") == 1
                assert value(server, "augmint_ready") == 0
                # Neither a look at the models nor a device that seems well again makes it alive.
                gpu.faults.clear()
                generators.publish(Path(settings.models), "other")
                await asyncio.sleep(0.5)
                assert {await status(name) for name in ("", "liveness", "tiny")} == {STATUS.NOT_SERVING}
                metrics = f"http://127.0.0.1:{server.metrics_port}/metrics"
                text = await asyncio.to_thread(lambda: urllib.request.urlopen(metrics, timeout=60).read().decode())
                assert "augmint_device_broken 1.0" in text
        finally:
            await server.stop()

    asyncio.run(asyncio.wait_for(scenario(), 120))


def test_a_file_without_graphs_is_served_and_counted(gpu, settings):
    async def scenario():
        gpu.faults["capture"] = "CUDA failure 900: operation not permitted when stream is capturing"
        server = Server(settings)
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
                request = pb.GenerateRequest(generator="tiny", label="3", n=5)
                await GeneratorServiceStub(channel).Generate(request, timeout=60)
            count = server.registry.get_sample_value("augmint_cuda_graph_fallbacks_total", {"stage": "capture"})
            assert count == 1
            assert gpu.replays == 0
        finally:
            await server.stop()

    asyncio.run(asyncio.wait_for(scenario(), 120))


def test_graphs_can_be_switched_off(gpu, settings):
    async def scenario():
        server = Server(settings.model_copy(update={"cuda_graphs": "off"}))
        await server.start()
        await server.stop()
        assert not any(session.graphs for session in gpu.sessions)

    asyncio.run(asyncio.wait_for(scenario(), 120))


def test_a_device_that_is_broken_from_the_start_ends_the_start(gpu, settings):
    async def scenario():
        gpu.faults["load"] = "CUDA failure 46: CUDA-capable device(s) is/are busy or unavailable"
        server = Server(settings)
        with pytest.raises(StartError, match="device cuda has failed"):
            await server.start()
        await server.close()

    asyncio.run(asyncio.wait_for(scenario(), 120))
