"""Every metric of the service. Labels come from short closed lists: loaded generators, methods, codes, reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.process_collector import ProcessCollector

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SHORT_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
SAMPLES = tuple(4**exponent for exponent in range(9))
BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


M = TypeVar("M", bound=MetricWrapperBase)


@dataclass(frozen=True, slots=True)
class Meters:
    """The metrics of one version of a generator, bound once: looking up labels costs more than counting."""

    samples: Counter
    offered_work: Counter
    request_samples: Histogram
    queue_duration: Histogram
    batch_samples: Histogram
    padding: Counter
    execute_duration: Histogram
    busy: Counter
    refused_queue_full: Counter
    refused_deadline: Counter
    cancelled: Counter
    expired: Counter


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is seen of the samples of one version; see service.repository.drift."""

    samples: Counter
    nonfinite: Counter
    mean: Gauge
    deviation: Gauge
    expected_mean: Gauge
    expected_deviation: Gauge


class Metrics:
    """All metrics, in the registry that is passed in. "Work seconds" are seconds of the whole device, all its lanes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """registry: the process's, or a fresh one per test."""
        self.registry = registry
        self._of_a_version: list[MetricWrapperBase] = []
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

        def noted(metric: M, labels: tuple[str, ...]) -> M:
            if labels == which:
                self._of_a_version.append(metric)
            return metric

        def counter(name: str, text: str, *labels: str) -> Counter:
            return noted(Counter(f"augmint_{name}", text, labels, registry=registry), labels)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return noted(Gauge(f"augmint_{name}", text, labels, registry=registry), labels)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return noted(Histogram(f"augmint_{name}", text, labels, buckets=buckets, registry=registry), labels)

        which = ("generator", "version")
        # Calls.
        self.requests = counter("requests_total", "Calls answered, by gRPC status code.", "method", "code")
        self.request_duration = histogram("request_duration_seconds", "From call to answer.", SECONDS, "method")
        self.in_flight = gauge("requests_in_flight", "Calls being answered.")
        self.unread = gauge(
            "unread_bytes", "Answers that wait to be read, and large requests that wait to be answered."
        )
        # Work, from its request to its batch.
        self.samples = counter("samples_total", "Samples delivered.", *which)
        self.request_samples = histogram("request_samples", "Samples per accepted call.", SAMPLES, *which)
        self.offered_work = counter("offered_work_seconds_total", "Predicted work of all calls, refused too.", *which)
        self.queued_work = gauge("queued_work_seconds", "Predicted work that waits.")
        self.queued_samples = gauge("queued_samples", "Samples that wait.")
        self.queue_duration = histogram("queue_duration_seconds", "Wait for the first batch.", SHORT_SECONDS, *which)
        self.batch_samples = histogram("batch_samples", "Samples per batch, without padding.", BATCH, *which)
        self.padding = counter("batch_padding_samples_total", "Rows computed as padding.", *which)
        self.execute_duration = histogram("execute_duration_seconds", "One batch on one lane.", SHORT_SECONDS, *which)
        self.busy = counter("device_busy_seconds_total", "Device time spent in batches.", "device")
        self.capacity = gauge("capacity_samples_per_second", "All lanes, full batches; follows service.", *which)
        # Refusals.
        self.refused = counter("refused_total", "Calls refused for want of room, time or right.", "reason")
        self.cancelled = counter("cancelled_total", "Calls given up by their callers.", *which)
        # Files: of generators and of settings.
        self.generator_info = gauge("generator_info", "1 for each version that is served.", *which, "digest")
        self.reloads = counter("reloads_total", "Changed files of settings, taken or refused.", "setting", "result")
        self.certificate_expiry = gauge(
            "certificate_expiry_timestamp_seconds", "When the first certificate of a file ends, Unix time.", "setting"
        )
        self.generators = gauge("generators", "Versions of generators: loading, ready, failed or retiring.", "state")
        self.load_failures = counter("load_failures_total", "Files that were refused.", "reason")
        self.load_duration = histogram(
            "load_duration_seconds", "To read, to verify and to calibrate a file.", SECONDS, "phase"
        )
        self.last_scan = gauge("last_scan_timestamp_seconds", "When the models were last listed in full, Unix time.")
        self.scan_failures = counter("scan_failures_total", "Attempts to list the models that failed.")
        self.cache_failures = counter("cache_failures_total", "Files that the cache could not keep or read.")
        # This process and its device.
        self.ready = gauge("ready", "1 while calls are welcome.")
        self.interpreter_lag = histogram(
            "interpreter_lag_seconds", "How late a thread gets the interpreter, twice a second.", SHORT_SECONDS
        )
        self.build_info = gauge("build_info", "1, with what this process runs.", "onnxruntime", "device", "precision")
        self.device_broken = gauge("device_broken", "1 once the device failed for good: restart this process.")
        self.graph_fallbacks = counter(
            "cuda_graph_fallbacks_total", "Files that do without CUDA graphs, by what failed.", "stage"
        )
        # What the samples look like; see service.repository.drift.
        self.output_samples = counter("output_samples_total", "Samples looked at, one batch in a hundred.", *which)
        self.output_nonfinite = counter(
            "output_nonfinite_samples_total", "Of those, samples with an element that is not a finite number.", *which
        )
        self.output_mean = gauge("output_mean", "Mean of the elements lately looked at, truncation 1.", *which)
        self.output_deviation = gauge("output_deviation", "Their standard deviation.", *which)
        self.output_expected_mean = gauge(
            "output_expected_mean", "Mean of samples of the same classes, computed at load.", *which
        )
        self.output_expected_deviation = gauge("output_expected_deviation", "Their standard deviation.", *which)

    def meters(self, generator: str, version: int, device: str) -> Meters:
        """The metrics of one version."""
        which = (generator, str(version))
        return Meters(
            samples=self.samples.labels(*which),
            offered_work=self.offered_work.labels(*which),
            request_samples=self.request_samples.labels(*which),
            queue_duration=self.queue_duration.labels(*which),
            batch_samples=self.batch_samples.labels(*which),
            padding=self.padding.labels(*which),
            execute_duration=self.execute_duration.labels(*which),
            busy=self.busy.labels(device),
            refused_queue_full=self.refused.labels("queue_full"),
            refused_deadline=self.refused.labels("deadline"),
            cancelled=self.cancelled.labels(*which),
            expired=self.refused.labels("expired"),
        )

    def outputs(self, generator: str, version: int) -> Outputs:
        """What is seen of the samples of one version."""
        which = (generator, str(version))
        return Outputs(
            samples=self.output_samples.labels(*which),
            nonfinite=self.output_nonfinite.labels(*which),
            mean=self.output_mean.labels(*which),
            deviation=self.output_deviation.labels(*which),
            expected_mean=self.output_expected_mean.labels(*which),
            expected_deviation=self.output_expected_deviation.labels(*which),
        )

    def forget(self, generator: str, version: int) -> None:
        """Drop the series of a version that is no longer here, or they would grow with every version ever served."""
        for metric in self._of_a_version:
            metric.remove(generator, str(version))

    def watch_queue(self, work_seconds: Callable[[], float], samples: Callable[[], float]) -> None:
        """Read the queue when the metrics are read."""
        self.queued_work.set_function(work_seconds)
        self.queued_samples.set_function(samples)
