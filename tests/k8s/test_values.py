"""What values the chart has, which it refuses, and how they become settings of the service."""

import re

import helm_python as helm
import pytest
import yaml

from k8s import generate
from service import settings as service_settings
from tests.k8s.rendering import (
    CASES,
    CHART,
    FILE,
    KEDA,
    container,
    render,
    service_of,
)

# What the chart sets by other values, or leaves to its default.
NOT_VALUES = {
    *("models", "cache_folder", "device", "metrics_host", "health_port"),
    *("tls_certificate", "tls_key", "tls_client_ca", "tokens", "quotas"),
}


FETCH = {"source": "fetch", "fetch": {"files": [FILE]}}
REFUSED = {
    "replica": ({"replica": 2}, "replica"),
    "settings.queueLimit": ({"settings": {"queueLimit": 5}}, "queueLimit"),
    "settings.port": ({"settings": {"port": "grpc"}}, "/settings/port"),
    "settings.maxSamples": ({"settings": {"maxSamples": 0}}, "/settings/maxSamples"),
    "settings.logLevel": ({"settings": {"logLevel": "loud"}}, "/settings/logLevel"),
    "settings.host missing": ({"settings": {"host": None}}, "host"),
    "one port for both": ({"settings": {"metricsPort": 50051}}, "settings.metricsPort"),
    "tls.mutual without certificates": ({"tls": {"mutual": True}}, "tls.secret"),
    "tls.healthPort": ({"tls": {"secret": "a", "healthPort": 9464}}, "tls.healthPort"),
    "neither TLS nor tokens": ({"settings": {"insecure": False}}, "settings.insecure"),
    "models.claims": ({"models": {"claims": "generators"}}, "claims"),
    "models.claim": ({"models": {"source": "claim", "claim": "My Claim"}}, "/models/claim"),
    "models.claim missing": ({"models": {"source": "claim"}}, "models.claim"),
    "models.claim unused": ({"models": {"claim": "generators"}}, "models.source"),
    "models.source": ({"models": {"source": "s3"}}, "/models/source"),
    "models.imageVolume missing": ({"models": {"source": "imageVolume"}}, "models.imageVolume.reference"),
    "models.url missing": ({"models": {"source": "url"}}, "models.url"),
    "models.url": ({"models": {"source": "url", "url": "bucket/models"}}, "/models/url"),
    "models.fetch missing": ({"models": {"source": "fetch"}}, "models.fetch.files"),
    "models.fetch checksum": (
        {"models": {"source": "fetch", "fetch": {"files": [{**FILE, "sha256": "abc"}]}}},
        "/models/fetch/files/0/sha256",
    ),
    "models.fetch without checksum": (
        {"models": {"source": "fetch", "fetch": {"files": [{"generator": "a", "version": 1, "url": FILE["url"]}]}}},
        "sha256",
    ),
    "models.fetch path": (
        {"models": {"source": "fetch", "fetch": {"files": [{**FILE, "generator": "../a"}]}}},
        "/models/fetch/files/0/generator",
    ),
    "image.digest": ({"image": {"digest": "latest"}}, "/image/digest"),
    "image.pullPolicy": ({"image": {"pullPolicy": "always"}}, "/image/pullPolicy"),
    "gpu.enabled": ({"gpu": {"enabled": "yes"}}, "/gpu/enabled"),
    "gpu.resource": ({"gpu": {"resource": "gpu"}}, "/gpu/resource"),
    "resources.limit": ({"resources": {"limit": {"memory": "1Gi"}}}, "limit"),
    "autoscaling.mode": ({"autoscaling": {"mode": "vpa"}}, "/autoscaling/mode"),
    "autoscaling.target": ({"autoscaling": {"target": 70}}, "/autoscaling/target"),
    "autoscaling.minReplicas 0": ({"autoscaling": {**KEDA, "minReplicas": 0}}, "/autoscaling/minReplicas"),
    "autoscaling.minReplicas above": ({"autoscaling": {"minReplicas": 9}}, "autoscaling.minReplicas"),
    "autoscaling.keda.serverAddress": ({"autoscaling": {"mode": "keda"}}, "autoscaling.keda.serverAddress"),
    "autoscaling.keda.fallbackReplicas": (
        {"autoscaling": {"mode": "keda", "keda": {**KEDA["keda"], "fallbackReplicas": 5}}},
        "autoscaling.keda.fallbackReplicas",
    ),
    "autoscaling.hpa without its metric": ({"autoscaling": {"mode": "hpa"}}, "alerts.enabled"),
    "podMonitor.interval": ({"podMonitor": {"interval": "15 sec"}}, "/podMonitor/interval"),
    "training without a place to publish": ({"training": {"enabled": True}, "models": FETCH}, "training.enabled"),
    "export without a place": ({"export": {"enabled": True}}, "export.claim"),
    "export without a token": (
        {"export": {"enabled": True, "claim": "a"}, "access": {"tokensSecret": "clients"}},
        "client.tokenSecret",
    ),
    "browse without a token": (
        {"browse": {"enabled": True}, "access": {"tokensSecret": "clients"}},
        "browse.enabled needs client.tokenSecret",
    ),
    "browse.hosts": ({"browse": {"hosts": ["a b"]}}, "/browse/hosts/0"),
    "browse.extraVolumes": (
        {"browse": {"extraVolumes": [{"name": "token", "emptyDir": {}}]}},
        "browse.extraVolumes has token",
    ),
    "export.samples": ({"export": {"samples": "many"}}, "/export/samples"),
    "training.budget": ({"training": {"budget": "4m"}}, "budget"),
    "fullnameOverride too long": ({"fullnameOverride": "a" * 47}, "/fullnameOverride"),
    "fullnameOverride": ({"fullnameOverride": "Synth"}, "/fullnameOverride"),
    "fullnameOverride with a digit": ({"fullnameOverride": "2nd"}, "/fullnameOverride"),
    "nameOverride": ({"nameOverride": "a.b"}, "/nameOverride"),
    "commonLabels": ({"commonLabels": {"team": "the vision team"}}, "/commonLabels/team"),
    "commonLabels number": ({"commonLabels": {"cost": 7}}, "/commonLabels/cost"),
    "commonAnnotations": ({"commonAnnotations": {"on": True}}, "/commonAnnotations/on"),
    "image.pullSecrets": ({"image": {"pullSecrets": [{"secret": "a"}]}}, "/image/pullSecrets/0"),
    "extraEnv without a name": ({"extraEnv": [{"value": "1"}]}, "/extraEnv/0"),
    "extraEnv number": ({"extraEnv": [{"name": "A", "value": 1}]}, "/extraEnv/0/value"),
    "extraEnv map": ({"extraEnv": {"A": "1"}}, "/extraEnv"),
    "extraEnv of the chart": ({"extraEnv": [{"name": "AUGMINT_PORT", "value": "1"}]}, "extraEnv has AUGMINT_PORT"),
    "extraEnv twice": ({"extraEnv": [{"name": "A"}, {"name": "A"}]}, "extraEnv has A"),
    "envFrom": ({"envFrom": [{"secret": "a"}]}, "/envFrom/0"),
    "extraVolumes of the chart": ({"extraVolumes": [{"name": "tmp", "emptyDir": {}}]}, "extraVolumes has tmp"),
    "extraVolumeMounts": ({"extraVolumeMounts": [{"name": "a"}]}, "/extraVolumeMounts/0"),
    "extraContainers of the chart": ({"extraContainers": [{"name": "service"}]}, "extraContainers has service"),
    "training.extraVolumes": (
        {"training": {"extraVolumes": [{"name": "models", "emptyDir": {}}]}},
        "training.extraVolumes has models",
    ),
    "service.type": ({"service": {"type": "ExternalName"}}, "/service/type"),
    "service.nodePort": ({"service": {"nodePort": 30000}}, "service.nodePort is set, and service.type is ClusterIP"),
    "service.loadBalancerIP": (
        {"service": {"type": "NodePort", "loadBalancerIP": "10.0.0.1"}},
        "service.loadBalancerIP is set, and service.type is NodePort",
    ),
    "service.headless": ({"service": {"headless": True}}, "headless"),
    "serviceAccount.token": ({"serviceAccount": {"token": True}}, "token"),
    "grpcRoute without a gateway": ({"grpcRoute": {"enabled": True}}, "grpcRoute.parentRefs"),
    "ingress without a name": ({"ingress": {"enabled": True}}, "ingress.hosts"),
    "topologySpreadConstraints": ({"topologySpreadConstraints": [{"maxSkew": 1}]}, "/topologySpreadConstraints/0"),
    "settings.traces": ({"settings": {"traces": "yes"}}, "/settings/traces"),
}


@pytest.mark.parametrize(("values", "named"), REFUSED.values(), ids=REFUSED)
def test_wrong_values_are_refused_by_name(values, named):
    with pytest.raises(helm.HelmError) as refusal:
        render(values)
    assert named in str(refusal.value)


@pytest.mark.parametrize(
    ("other", "here"),
    [
        ("httpRoute", "grpcRoute, since calls are gRPC"),
        ("serviceAccountName", "serviceAccount.name"),
        ("imagePullSecrets", "image.pullSecrets"),
        ("replicaCount", "replicas"),
        ("env", "extraEnv"),
        ("volumes", "extraVolumes"),
        ("serviceMonitor", "podMonitor"),
        ("tracing", "settings.traces"),
    ],
)
def test_a_value_that_others_call_so_is_refused_with_its_name_here(other, here):
    for given in ({"enabled": True}, {"enabled": False}, "x", []):
        with pytest.raises(helm.HelmError) as refusal:
            render({other: given})
        assert f"{other} is no value of this chart; it is called {here}" in str(refusal.value)


def test_every_name_that_the_schema_lets_pass_is_refused_with_a_value_that_there_is():
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    (pattern,) = schema["patternProperties"]
    there = leaves(yaml.safe_load((CHART / "values.yaml").read_text()))
    for other in pattern.strip("^()$").split("|"):
        with pytest.raises(helm.HelmError) as refusal:
            render({other: {}})
        here = re.search(rf"{other} is no value of this chart; it is called ([\w.]+)", str(refusal.value))[1]
        assert any(path == here or path.startswith(f"{here}.") for path in there), other


def leaves(values: dict, path: str = "") -> set[str]:
    """Paths of all values, those of maps that Kubernetes defines left out."""
    found = set()
    for name, value in values.items():
        here = f"{path}{name}"
        if isinstance(value, dict) and value and not here.endswith(("resources", "ecurityContext", "labels")):
            found |= leaves(value, f"{here}.")
        else:
            found.add(here)
    return found


def properties(schema: dict, path: str = "") -> set[str]:
    found = set()
    for name, spec in schema.items():
        here = f"{path}{name}"
        inner = {} if here.endswith(("resources", "ecurityContext", "rollingUpdate")) else spec.get("properties")
        found |= properties(inner, f"{here}.") if inner else {here}
    return found


def test_the_schema_knows_exactly_the_values_that_there_are():
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    assert properties(schema["properties"]) - {"global"} == leaves(yaml.safe_load((CHART / "values.yaml").read_text()))


def test_every_value_is_explained():
    values = (CHART / "values.yaml").read_text()
    explained = set(re.findall(r"^\| `([\w./]+)` \|", generate.table(values), re.MULTILINE))
    inside = ("podSecurityContext.", "securityContext.", "resources.", "autoscaling.behavior.", "labels.")
    assert {
        path for path in leaves(yaml.safe_load(values)) - explained if not any(part in path for part in inside)
    } == set()


def test_the_table_of_values_and_the_dashboard_are_up_to_date():
    assert generate.README.read_text() == generate.readme(
        generate.README.read_text(), (CHART / "values.yaml").read_text()
    )
    assert generate.DASHBOARD.read_text() == generate.dashboard() + "\n", "run: make chart"


def test_the_values_are_the_settings_of_the_service_with_its_ranges():
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())["properties"]["settings"]["properties"]
    by_setting = {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): spec for name, spec in schema.items()}
    fields = service_settings.Settings.model_json_schema()["properties"]
    assert set(by_setting) == set(fields) - NOT_VALUES
    for name in set(by_setting) - {"host"}:
        wanted = {key: value for key, value in fields[name].items() if key not in {"title", "default", "description"}}
        if name in {"port", "metrics_port"}:
            wanted["minimum"] = 1  # with a free port, nobody would know where the service is
        assert by_setting[name] == wanted, name


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_the_service_accepts_the_variables_it_gets(values):
    chosen = service_of(values)
    assert chosen.models == (values["models"]["url"] if values.get("models", {}).get("url") else "/models")
    assert chosen.device == ("cuda" if values.get("gpu") else "cpu")
    assert chosen.host == values.get("settings", {}).get("host", "0.0.0.0")


def test_values_reach_the_service_as_they_were_given():
    given = {"maxSamples": 2**20, "queueLimitSeconds": 0.25, "concurrentCalls": 3_000_000, "logFormat": "console"}
    chosen = service_of({"settings": given})
    assert chosen.max_samples == 2**20
    assert chosen.queue_limit_seconds == 0.25
    assert chosen.concurrent_calls == 3_000_000
    assert chosen.log_format == "console"


def test_on_a_cpu_lanes_follow_the_request_unless_given():
    def lanes(values):
        (variable,) = [each for each in container(values)["env"] if each["name"] == "AUGMINT_LANES"]
        return variable

    assert lanes({})["valueFrom"]["resourceFieldRef"] == {"resource": "requests.cpu", "divisor": "1"}
    assert lanes({"settings": {"lanes": 3}})["value"] == "3"
    assert lanes({"gpu": {"enabled": True}})["value"] == "0"
