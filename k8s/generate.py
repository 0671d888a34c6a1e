"""Write what the chart has twice: the table of values in its README, and the Grafana dashboard.

    make chart

The table is made of the comments in values.yaml; the dashboard of the list below. A test says when this must be run.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHART = Path(__file__).parent / "augmint"
README, DASHBOARD = CHART / "README.md", CHART / "files/dashboard.json"
BEGIN, END = "<!-- values: made by k8s/generate.py -->\n", "<!-- end of values -->\n"

# The chart puts the release's own names in the place of the capitals.
SERIES = 'namespace="NAMESPACE",pod=~"RELEASE-[a-z0-9]+-[a-z0-9]{5}"'


def table(values: str) -> str:
    """A Markdown table of every value that can be set, its default and its comment."""
    rows = ["| value | default | |", "|---|---|---|"]
    path: list[str] = []
    comment: list[str] = []
    for line in values.splitlines():
        if match := re.match(r"( *)# ?(.*)", line):
            comment.append(match[2])
        elif match := re.match(r"( *)([\w./]+):(?: (.*))?$", line):
            depth = len(match[1]) // 2
            path[depth:] = [match[2]]
            # What has no comment is the inside of the last thing that has one.
            if comment:
                shown = f"`{match[3]}`" if match[3] else ""
                rows.append(f"| `{'.'.join(path)}` | {shown} | {' '.join(comment).replace('|', chr(92) + '|')} |")
            comment = []
        else:
            comment = []
    return "\n".join(rows) + "\n"


@dataclass
class Panel:
    """One chart: a title, its queries with their legends, and a unit as Grafana names it."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    about: str = ""
    kind: str = "timeseries"
    more: dict[str, Any] = field(default_factory=dict)


def quantiles(metric: str, matchers: str = "") -> dict[str, str]:
    buckets = f"sum by (le) (rate({metric}_bucket{{{SERIES}{matchers}}}[$__rate_interval]))"
    return {f"p{round(q * 100)}": f"histogram_quantile({q}, {buckets})" for q in (0.5, 0.95, 0.99)}


def rate(metric: str, by: str = "", matchers: str = "") -> str:
    return f"sum {f'by ({by}) ' if by else ''}(rate({metric}{{{SERIES}{matchers}}}[$__rate_interval]))"


def gpu(metric: str) -> str:
    """A metric of dcgm-exporter, by the pod that has the GPU.

    Its labels namespace and pod are that pod's; a Prometheus that does not honour them puts the exporter's own there,
    and keeps these as exported_namespace and exported_pod.
    """
    kept = SERIES.replace("namespace=", "exported_namespace=").replace("pod=~", "exported_pod=~")
    return f'{metric}{{{SERIES}}} or label_replace({metric}{{{kept}}}, "pod", "$1", "exported_pod", "(.*)")'


GENERATE = ',method=~"Generate|Transform"'
FAULT = GENERATE + ',code=~"INTERNAL|UNKNOWN|DATA_LOSS|UNAVAILABLE"'
REFUSAL = GENERATE + ',code="RESOURCE_EXHAUSTED"'
CALLS = rate("augmint_requests_total", matchers=GENERATE)
BATCHES = rate("augmint_batch_samples_count")
LOAD = f"{rate('augmint_offered_work_seconds_total')} + sum(augmint_queued_work_seconds{{{SERIES}}}) / CATCH_UP"
READY = f"sum(augmint_ready{{{SERIES}}})"

ROWS: dict[str, list[Panel]] = {
    "Is it well?": [
        Panel("Pods that serve", {"pods": READY}, kind="stat"),
        Panel("Samples per second", {"samples/s": rate("augmint_samples_total")}, kind="stat"),
        Panel(
            "Calls that fail by the service's fault",
            {"share": f"{rate('augmint_requests_total', matchers=FAULT)} / {CALLS}"},
            "percentunit",
            kind="stat",
        ),
        Panel(
            "Calls that are refused",
            {"share": f"{rate('augmint_requests_total', matchers=REFUSAL)} / {CALLS}"},
            "percentunit",
            kind="stat",
        ),
    ],
    "Is it large enough?": [
        Panel(
            "Load per pod",
            {"load": f"({LOAD}) / {READY}", "target": "vector(TARGET)"},
            about="Seconds of work asked for per second and pod, refused calls too: what the autoscaler steers by.",
        ),
        Panel(
            "Load and pods",
            {"load": LOAD, "pods that serve": READY},
            about="The load of the whole fleet; pods follow it, divided by the target.",
        ),
        Panel("Wait for the first batch", quantiles("augmint_queue_duration_seconds"), "s"),
        Panel("Refused, by reason", {"{{reason}}": rate("augmint_refused_total", "reason")}, "reqps"),
        Panel(
            "Work that waits",
            {"{{pod}}": f"augmint_queued_work_seconds{{{SERIES}}}"},
            "s",
            "Predicted seconds until a pod has done what it has accepted.",
        ),
        Panel(
            "Capacity as calibrated",
            {"{{generator}}/{{version}} {{pod}}": f"augmint_capacity_samples_per_second{{{SERIES}}}"},
        ),
    ],
    "What do callers see?": [
        Panel("Calls, by status", {"{{code}}": f"{rate('augmint_requests_total', 'code', GENERATE)} > 0"}, "reqps"),
        Panel("Duration of a call", quantiles("augmint_request_duration_seconds", GENERATE), "s"),
        Panel(
            "Samples per second, by generator",
            {"{{generator}}/{{version}}": rate("augmint_samples_total", "generator, version")},
        ),
        Panel("Samples per call", quantiles("augmint_request_samples")),
        Panel("Calls under way", {"{{pod}}": f"augmint_requests_in_flight{{{SERIES}}}"}),
        Panel("Given up by their callers", {"{{generator}}": rate("augmint_cancelled_total", "generator")}, "reqps"),
    ],
    "What do the devices do?": [
        Panel(
            "Samples per second, by pod",
            {"{{pod}}": rate("augmint_samples_total", "pod")},
            about="Lines that lie apart: clients do not spread their calls.",
        ),
        Panel("Devices busy", {"{{pod}}": rate("augmint_device_busy_seconds_total", "pod")}, "percentunit"),
        Panel("Samples per batch", {"mean": f"{rate('augmint_batch_samples_sum')} / {BATCHES}"}),
        Panel(
            "Rows computed as padding",
            {
                "share": f"{rate('augmint_batch_padding_samples_total')} / "
                f"({rate('augmint_batch_padding_samples_total')} + {rate('augmint_batch_samples_sum')})"
            },
            "percentunit",
        ),
        Panel("Duration of a batch", quantiles("augmint_execute_duration_seconds"), "s"),
        Panel("Memory", {"{{pod}}": f"process_resident_memory_bytes{{{SERIES}}}"}, "bytes"),
        Panel("Processor", {"{{pod}}": rate("process_cpu_seconds_total", "pod")}, about="Cores in use."),
    ],
    "What is served?": [
        Panel(
            "Generators",
            {"": f"count by (generator, version, digest) (augmint_generator_info{{{SERIES}}} == 1)"},
            about="Pods that serve each file. Two digests of one version: the same address gives different samples.",
            kind="table",
        ),
        Panel(
            "Files refused at load",
            {"{{reason}}": f"sum by (reason) (augmint_load_failures_total{{{SERIES}}}) or vector(0)"},
        ),
        Panel(
            "Loading a file",
            {
                "{{phase}}": f"sum by (phase) (augmint_load_duration_seconds_sum{{{SERIES}}})"
                f" / sum by (phase) (augmint_load_duration_seconds_count{{{SERIES}}})"
            },
            "s",
        ),
    ],
    "GPUs (from NVIDIA's dcgm-exporter, if it runs)": [
        Panel("Memory of the GPUs", {"{{pod}}": gpu("DCGM_FI_DEV_FB_USED")}, "decmbytes"),
        Panel("Part of the time in kernels", {"{{pod}}": gpu("DCGM_FI_PROF_GR_ENGINE_ACTIVE")}, "percentunit"),
        Panel("Last error (XID)", {"{{pod}}": gpu("DCGM_FI_DEV_XID_ERRORS")}),
    ],
}


def dashboard() -> str:
    """The dashboard as Grafana's JSON; rows of panels, four small or two large ones beside each other."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS.items():
        panels.append({"type": "row", "title": title, "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}, "panels": []})
        y += 1
        x = 0
        for panel in row:
            width, height = (6, 4) if panel.kind == "stat" else (12, 8)
            panels.append(
                {
                    "type": panel.kind,
                    "title": panel.title,
                    "description": panel.about,
                    "datasource": {"type": "prometheus", "uid": "${datasource}"},
                    "gridPos": {"x": x, "y": y, "w": width, "h": height},
                    "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
                    "targets": [
                        {
                            "refId": chr(ord("A") + number),
                            "expr": query,
                            "legendFormat": legend or "__auto",
                            **({"format": "table", "instant": True} if panel.kind == "table" else {}),
                        }
                        for number, (legend, query) in enumerate(panel.queries.items())
                    ],
                }
            )
            x += width
            if x >= 24:
                x, y = 0, y + height
        y += height if x else 0
    for number, made in enumerate(panels, 1):
        made["id"] = number
    return json.dumps(
        {
            "uid": "UNIQUE",
            "title": "augmint: RELEASE in NAMESPACE",
            "tags": ["augmint"],
            "schemaVersion": 39,
            "editable": True,
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "templating": {
                "list": [
                    {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
                ]
            },
            "panels": panels,
        },
        indent=1,
    )


def readme(old: str, values: str) -> str:
    """The README with its table made anew; raises ValueError if the marks are gone."""
    before, middle, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (middle and end):
        raise ValueError(f"{README} has lost the lines {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + table(values) + END + after


def main() -> None:
    README.write_text(readme(README.read_text(), (CHART / "values.yaml").read_text()))
    DASHBOARD.write_text(dashboard() + "\n")


if __name__ == "__main__":
    main()
