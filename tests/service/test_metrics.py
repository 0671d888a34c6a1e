from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from service.metrics import Metrics

PAGE = Path(__file__).parents[2] / "docs" / "operations-metrics.md"


def rows(metrics):
    """The table of the page: one line for each metric, in order of name."""
    found = [metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)]
    lines = []
    for metric in found:
        name = metric._name + ("_total" if metric._type == "counter" else "")
        labels = ", ".join(metric._labelnames) or "-"
        lines.append(f"| `{name}` | {metric._type} | {labels} | {metric._documentation} |")
    return sorted(lines)


def test_every_metric_is_described_as_it_is():
    described = [line for line in PAGE.read_text().splitlines() if line.startswith("| `augmint_")]
    wanted = rows(Metrics(CollectorRegistry()))
    assert described == wanted, "the table should be:\n" + "\n".join(wanted)


def test_a_version_that_is_forgotten_leaves_no_series():
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for version in (1, 2):
        metrics.meters("g", version, "cpu").samples.inc()
        metrics.outputs("g", version).samples.inc()
        metrics.capacity.labels("g", str(version)).set(1)
    metrics.forget("g", 1)
    text = generate_latest(registry).decode()
    assert 'version="1"' not in text
    assert 'augmint_samples_total{generator="g",version="2"} 1.0' in text
