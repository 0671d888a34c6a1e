"""What a HorizontalPodAutoscaler does with a number, as Kubernetes documents it (autoscaling/v2, 1.30 to 1.37).

And what number KEDA gives it when there is none.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
https://keda.sh/docs/2.17/reference/scaledobject-spec/#fallback
Pure bookkeeping: no clock, no cluster.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Of kube-controller-manager: it changes nothing for less, and looks this often.
TOLERANCE = 0.1
SYNC_SECONDS = 15.0


def external_replicas(total: float, target: float, replicas: int, tolerance: float = TOLERANCE) -> int:
    """Pods wanted by an external metric with an AverageValue: what KEDA makes of a ScaledObject.

    total:    of the fleet; target: per pod. replicas: that there are, ready or not.
    """
    if replicas and abs(1 - total / (target * replicas)) <= tolerance:
        return replicas
    return math.ceil(total / target)


def pods_replicas(
    values: Mapping[str, float],
    target: float,
    pods: Sequence[str],
    pending: Sequence[str] = (),
    tolerance: float = TOLERANCE,
) -> int:
    """Pods wanted by a Pods metric with an AverageValue.

    values:  of the pods that have one; target: per pod.
    pods:    all that are not ending; pending: those of them that do not run yet.
    returns: len(pods) where what is missing could turn the decision round.

    Raises ValueError if no pod that runs has a value: then the autoscaler changes nothing.
    """
    known = {pod: values[pod] for pod in pods if pod in values and pod not in pending}
    missing = [pod for pod in pods if pod not in values and pod not in pending]
    if not known:
        raise ValueError("no running pod has a value")
    ratio = sum(known.values()) / len(known) / target
    if not missing and not (pending and ratio > 1):
        return len(pods) if abs(1 - ratio) <= tolerance else math.ceil(ratio * len(known))
    # Whatever is not known is taken to speak against the change.
    assumed = dict(known)
    assumed.update(dict.fromkeys(missing, target if ratio < 1 else 0.0))
    if ratio > 1:
        assumed.update(dict.fromkeys(pending, 0.0))
    again = sum(assumed.values()) / len(assumed) / target
    if abs(1 - again) <= tolerance or (ratio < 1 < again) or (again < 1 < ratio):
        return len(pods)
    wanted = math.ceil(again * len(assumed))
    return len(pods) if (again < 1 and wanted > len(pods)) or (again > 1 and wanted < len(pods)) else wanted


@dataclass
class Behavior:
    """How one autoscaler follows what is wanted: `spec.behavior`, with its memory."""

    least: int
    most: int
    spec: Mapping[str, Any]  # {"scaleUp": {...}, "scaleDown": {...}} as in the chart's values
    _wanted: list[tuple[float, int]] = field(default_factory=list)
    _changes: list[tuple[float, int]] = field(default_factory=list)

    def step(self, now: float, replicas: int, wanted: int) -> int:
        """Pods to have from now on.

        now: seconds, never going back; replicas: that there are; wanted: by the metric.
        """
        wanted = min(self.most, max(self.least, wanted))
        self._wanted.append((now, wanted))
        up = min(count for then, count in self._wanted if then > now - self._window("scaleUp") or then == now)
        down = max(count for then, count in self._wanted if then > now - self._window("scaleDown") or then == now)
        # Up no further than the least that was wanted of late, down no further than the most.
        chosen = max(replicas, up) if replicas < up else min(replicas, max(down, self.least))
        if chosen > replicas:
            chosen = min(chosen, max(replicas, self._limit("scaleUp", now, replicas)))
        elif chosen < replicas:
            chosen = max(chosen, min(replicas, self._limit("scaleDown", now, replicas)))
        if chosen != replicas:
            self._changes.append((now, chosen - replicas))
        longest = max(self._window("scaleUp"), self._window("scaleDown"))
        self._wanted = [entry for entry in self._wanted if entry[0] > now - longest or entry[0] == now]
        self._changes = [entry for entry in self._changes if entry[0] > now - 1800]
        return chosen

    def _window(self, way: str) -> float:
        return self.spec[way]["stabilizationWindowSeconds"]

    def _limit(self, way: str, now: float, replicas: int) -> int:
        """Pods that the policies allow to reach."""
        rules = self.spec[way]
        if rules["selectPolicy"] == "Disabled":
            return replicas
        sign = 1 if way == "scaleUp" else -1
        reach = []
        for policy in rules["policies"]:
            began = replicas - sum(change for then, change in self._changes if then > now - policy["periodSeconds"])
            if policy["type"] == "Pods":
                reach.append(began + sign * policy["value"])
            elif sign > 0:
                reach.append(math.ceil(began * (1 + policy["value"] / 100)))
            else:
                reach.append(int(began * (1 - policy["value"] / 100)))
        furthest = (rules["selectPolicy"] == "Max") == (sign > 0)
        return max(reach) if furthest else min(reach)


@dataclass
class Fallback:
    """How KEDA answers while its source does not: `spec.fallback` with the behavior currentReplicasIfHigher."""

    spec: Mapping[str, Any]  # {"failureThreshold": 3, "replicas": 2, "behavior": ...} as rendered
    target: float
    failures: int = 0  # in a row

    def total(self, answer: float | None, replicas: int) -> float | None:
        """The fleet's metric, None for an error, upon which an autoscaler changes nothing.

        answer: of the query, None if there is none; replicas: that there are.
        """
        if answer is not None:
            self.failures = 0
            return answer
        self.failures += 1
        if self.failures <= self.spec["failureThreshold"]:
            return None
        # KEDA 2.17 takes the target as a whole number; later ones as it is.
        return float(int(self.target) * max(replicas, self.spec["replicas"]))


@dataclass
class Autoscaler:
    """KEDA and the HorizontalPodAutoscaler that it keeps, of one fleet."""

    target: float
    fallback: Fallback
    behavior: Behavior
    held: int = 0  # looks that had no answer

    def look(self, now: float, answer: float | None, replicas: int) -> int:
        """Pods to have from now on; see Behavior.step. answer: of the query, None if there is none."""
        self.held += answer is None
        total = self.fallback.total(answer, replicas)
        if total is None:
            return replicas
        return self.behavior.step(now, replicas, external_replicas(total, self.target, replicas))
