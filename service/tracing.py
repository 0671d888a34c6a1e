"""OpenTelemetry traces: a span for each call, in the trace of its caller. Needs the extra `otel`."""

from __future__ import annotations

from collections.abc import Callable

import grpc
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.grpc import filters, server_interceptor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

SERVICE_NAME = "augmint"
# As Grafana and others look for it in an exemplar.
TRACE_ID = "trace_id"
_UNNAMED = "unknown_service"


def start() -> tuple[grpc.ServerInterceptor, Callable[[], None]]:
    """An interceptor that sends spans, and a function that sends the last of them and ends it.

    OpenTelemetry's own variables say where to, how many and under which name: OTEL_EXPORTER_OTLP_ENDPOINT
    (default http://localhost:4317), OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME (default augmint) and others. A collector
    that is away delays no call: spans wait, and too many are dropped.
    """
    resource = Resource.create()
    if str(resource.attributes["service.name"]).startswith(_UNNAMED):
        resource = resource.merge(Resource({"service.name": SERVICE_NAME}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    # Probes come every few seconds and tell nothing.
    interceptor = server_interceptor(tracer_provider=provider, filter_=filters.negate(filters.health_check()))
    return interceptor, provider.shutdown


def exemplar() -> dict[str, str] | None:
    """Exemplar labels of the call that this thread answers: its trace; None if it has none.

    https://prometheus.io/docs/specs/om/open_metrics_spec/#exemplars
    """
    context = trace.get_current_span().get_span_context()
    # A trace that was not sampled is stored nowhere.
    return {TRACE_ID: trace.format_trace_id(context.trace_id)} if context.trace_flags.sampled else None
