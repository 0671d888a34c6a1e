"""Traces of the real server, received as a collector receives them."""

import queue
import urllib.request
from concurrent import futures

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from tests import generators
from tests.processes import Service, code_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = (("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),)


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self):
        self.received = queue.Queue()

    def Export(self, request, context):
        for one in request.resource_spans:
            name = {each.key: each.value.string_value for each in one.resource.attributes}["service.name"]
            for scope in one.scope_spans:
                for span in scope.spans:
                    self.received.put((name, span))
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The spans of a few calls, all that a collector got until the service had ended, and its metrics before that."""
    models = tmp_path_factory.mktemp("models")
    generators.publish(models)
    server = grpc.server(futures.ThreadPoolExecutor(2))
    collector = Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        with Service(models, "--max-batch", "8", "--traces") as service, service.channel() as channel:
            stub = GeneratorServiceStub(channel)
            stub.Generate(pb.GenerateRequest(label="1", n=2), timeout=60, metadata=PARENT)
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)
            code_of(stub.Generate, pb.GenerateRequest(label="no", n=2), metadata=PARENT)
            wanted = {"accept": "application/openmetrics-text; version=1.0.0"}
            request = urllib.request.Request(service.metrics_url, headers=wanted)
            metrics = urllib.request.urlopen(request, timeout=60).read().decode()
    server.stop(0)
    return [collector.received.get_nowait() for _ in range(collector.received.qsize())], metrics


def test_a_call_is_a_span_in_the_trace_of_its_caller_and_the_last_ones_are_sent_at_the_end(told):
    spans, _ = told
    assert [(name, span.name, span.trace_id.hex()) for name, span in spans] == [
        ("augmint", "/augmint.v1.GeneratorService/Generate", TRACE)
    ] * 2
    codes = [{each.key: each.value.int_value for each in span.attributes}["rpc.grpc.status_code"] for _, span in spans]
    assert codes == [0, grpc.StatusCode.INVALID_ARGUMENT.value[0]]


def test_durations_lead_to_traces(told):
    _, metrics = told
    durations = "augmint_request_duration_seconds_bucket"
    examples = [line for line in metrics.splitlines() if line.startswith(durations) and " # " in line]
    assert examples
    assert all(f'# {{trace_id="{TRACE}"}}' in line and 'method="Generate"' in line for line in examples)
