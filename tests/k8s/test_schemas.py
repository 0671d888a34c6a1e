"""Every set of values, rendered by both Helms, judged by Kubernetes' own schemas; an unknown field is an error."""

import json
import os
import subprocess
from functools import cache

import helm_python as helm
import kubernetes_validate
import pytest

from tests.k8s.rendering import CASES, CHART, NAMESPACE, everything, objects, parse
from tests.k8s.tools import crds, tool

KUBERNETES = ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")

# What is younger than the oldest: image volumes.
SINCE = {"image volume": "1.33"}

# Custom resources, and every field of theirs that the chart uses: their schemas let unknown ones pass.
CUSTOM = {
    "ScaledObject": {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "fallback", "advanced", "triggers"},
    "PodMonitor": {"selector", "podMetricsEndpoints"},
    "PrometheusRule": {"groups"},
    "GRPCRoute": {"parentRefs", "hostnames", "rules"},
}


_contents = cache(kubernetes_validate.utils.schema_contents)


@pytest.fixture(autouse=True)
def _schemas_are_read_once(monkeypatch):
    """Of each Kubernetes, not of each object: they are some MB."""
    monkeypatch.setattr(kubernetes_validate.utils, "schema_contents", _contents)


def versions(case: str) -> list[str]:
    return [each for each in KUBERNETES if each >= SINCE.get(case, "")]


@cache
def by_helm_3(case: str, kubernetes: str) -> subprocess.CompletedProcess:
    command = [tool("helm3"), "template", "release", str(CHART), "--namespace", NAMESPACE, "--values", "-"]
    command += ["--kube-version", f"{kubernetes}.0"]
    environment = {**os.environ, "GOGC": "off"}  # it ends before there is anything to collect
    return subprocess.run(
        command, input=json.dumps(CASES[case]), env=environment, capture_output=True, text=True, check=False
    )


@cache  # many sets of values make the same Services
def validate(each: str, version: str) -> None:
    kubernetes_validate.validate(json.loads(each), version, strict=True)


def key(each: dict) -> tuple[str, str]:
    return each["kind"], each["metadata"]["name"]


@pytest.mark.parametrize("case", CASES)
def test_every_object_is_valid_for_every_kubernetes(case):
    for each in everything(CASES[case]):
        if each["kind"] not in CUSTOM:
            for version in versions(case):
                validate(json.dumps(each), version)


@pytest.mark.parametrize("case", CASES)
def test_both_helms_render_the_same_for_the_oldest_and_the_newest_kubernetes(case):
    every = {key(each): each for each in everything(CASES[case])}
    for version in (versions(case)[0], versions(case)[-1]):
        found = by_helm_3(case, version)
        assert found.returncode == 0, found.stderr
        assert {key(each): each for each in parse(found.stdout)} == every


def test_what_a_kubernetes_cannot_do_is_refused_before_it_is_tried():
    refused = by_helm_3("image volume", "1.32")
    assert refused.returncode == 1
    assert "models.source is imageVolume, which needs Kubernetes 1.33" in refused.stderr


def test_helm_finds_no_fault_in_the_chart():
    for case in ("as it comes", "KEDA", "training once", "names and labels of one's own", "reached from outside"):
        values = CASES[case]
        result = helm.lint(str(CHART), values=values, strict=True, kube_version=f"v{KUBERNETES[0]}.0")
        assert result["errors"] == []
        assert result["messages"] == []
    linted = subprocess.run(
        [tool("helm3"), "lint", "--strict", str(CHART)], capture_output=True, text=True, check=False
    )
    assert linted.returncode == 0, linted.stdout


# Runs in Node, in the folder of the schemas; prints what is wrong with each object, "" if nothing.
VALIDATE = """
import fs from 'node:fs';
import * as gateway from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1';
import * as keda from '@kubernetes-models/keda/keda.sh/v1alpha1';
import * as monitoring from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
const kinds = {...gateway, ...keda, ...monitoring};
console.log(JSON.stringify(JSON.parse(fs.readFileSync(0)).map(each => {
  try { new kinds[each.kind](each).validate(); return ''; } catch (error) { return error.message; }
})));
"""


def judge(resources: list[dict]) -> list[str]:
    command = [tool("node"), "--input-type=module", "--eval", VALIDATE]
    found = subprocess.run(
        command, cwd=crds(), input=json.dumps(resources), capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(found.stdout)


def test_custom_resources_are_valid():
    resources = [each for values in CASES.values() for each in objects(values) if each["kind"] in CUSTOM]
    assert {each["kind"] for each in resources} == set(CUSTOM)
    for each in resources:
        assert set(each["spec"]) <= CUSTOM[each["kind"]]
    broken = json.loads(json.dumps(next(each for each in resources if each["kind"] == "ScaledObject")))
    broken["spec"]["minReplicaCount"] = "1"
    *good, bad = judge([*resources, broken])
    assert good == [""] * len(resources)
    assert "minReplicaCount" in bad
