"""The autoscaling part of the chart, as rendered, with its times divided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import helm_python as helm
import yaml

from benchmarks.fleet.cluster import ROOT
from benchmarks.fleet.hpa import Autoscaler, Behavior, Fallback

TARGET = 0.3  # four replicas fit onto two cores
MILLI = 1000  # the chart asks KEDA in thousandths


@dataclass(frozen=True)
class Policy:
    """The autoscaling part of the chart, as rendered."""

    query: str
    target: float
    least: int
    most: int
    behavior: dict[str, Any]
    fallback: dict[str, Any]

    def autoscaler(self) -> Autoscaler:
        behavior = Behavior(self.least, self.most, self.behavior)
        return Autoscaler(self.target, Fallback(self.fallback, self.target), behavior)


def policy(speed: float, most: int) -> Policy:
    """Render the chart with all its times divided by `speed`."""
    defaults = yaml.safe_load((ROOT / "k8s/augmint/values.yaml").read_text())["autoscaling"]
    behavior = {}
    for way, rules in defaults["behavior"].items():
        policies = [
            each | {"periodSeconds": max(1, round(each["periodSeconds"] / speed))} for each in rules["policies"]
        ]
        window = round(rules["stabilizationWindowSeconds"] / speed)
        behavior[way] = rules | {"stabilizationWindowSeconds": window, "policies": policies}
    scaling = {
        "mode": "keda",
        "keda": {"serverAddress": "http://127.0.0.1:1"},
        "target": TARGET,
        "maxReplicas": most,
        "windowSeconds": max(2, round(defaults["windowSeconds"] / speed)),
        "catchUpSeconds": defaults["catchUpSeconds"] / speed,
        "behavior": behavior,
    }
    with helm.Chart.load(str(ROOT / "k8s/augmint")) as chart:
        texts = chart.render({"autoscaling": scaling}, name="release", namespace="lab")
    (text,) = [text for path, text in texts.items() if path.endswith("/autoscaling.yaml")]
    spec = yaml.safe_load(text)["spec"]
    (trigger,) = spec["triggers"]
    return Policy(
        trigger["metadata"]["query"],
        float(trigger["metadata"]["threshold"]),
        spec["minReplicaCount"],
        spec["maxReplicaCount"],
        spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
        spec["fallback"],
    )
