"""The chart as Helm renders it, and the sets of values that all tests try."""

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helm_python as helm
import yaml

from service import settings

ROOT = Path(__file__).parents[2]
CHART = ROOT / "k8s/augmint"
NAMESPACE = "lab"

DIGEST = "sha256:" + "a" * 64
FILE = {
    "generator": "digits",
    "version": 3,
    "url": "https://store.example/digits-3.onnx?sig=a%2Fb&x=1",
    "sha256": "0" * 64,
}
KEDA = {"mode": "keda", "keda": {"serverAddress": "http://prometheus.monitoring.svc:9090"}}
WATCHED = {"podMonitor": {"enabled": True}, "alerts": {"enabled": True}, "dashboard": {"enabled": True}}

# A tenth of the time, where PyYAML was built with it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

CASES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "GPU": {"gpu": {"enabled": True, "resource": "nvidia.com/mig-1g.10gb", "runtimeClassName": "nvidia"}},
    "claim": {"models": {"source": "claim", "claim": "generators"}},
    "image volume": {"models": {"source": "imageVolume", "imageVolume": {"reference": f"r/digits@{DIGEST}"}}},
    "URL": {"models": {"source": "url", "url": "s3://bucket/models", "urlSecret": "store"}},
    "fetch": {
        "models": {"source": "fetch", "fetch": {"files": [FILE, {**FILE, "generator": "clothes"}], "secret": "store"}},
        "networkPolicy": {"enabled": True},
    },
    "KEDA": {"autoscaling": KEDA, **WATCHED},
    "HPA": {"autoscaling": {"mode": "hpa", "minReplicas": 2, "maxReplicas": 12, "target": 0.35}, **WATCHED},
    "guarded": {
        "podDisruptionBudget": {"enabled": True},
        "networkPolicy": {
            "enabled": True,
            "clients": [{"namespaceSelector": {"matchLabels": {"team": "vision"}}, "podSelector": {}}],
        },
        "replicas": 2,
    },
    "TLS": {
        "tls": {"secret": "certificates", "mutual": True},
        "access": {"tokensSecret": "clients", "quotas": "[default]\nsamples_per_second = 1000.0\n"},
        "settings": {"insecure": False},
    },
    "export": {"export": {"enabled": True, "claim": "shards", "arguments": ["--label", "3"]}},
    "export with TLS": {
        "tls": {"secret": "certificates", "mutual": True},
        "access": {"tokensSecret": "clients"},
        "client": {"tokenSecret": "token", "certificateSecret": "own"},
        "export": {"enabled": True, "claim": "shards", "samples": 5000, "shards": 2, "seed": 2**40},
    },
    "browse": {
        "browse": {"enabled": True, "hosts": ["look.example"]},
        "networkPolicy": {"enabled": True, "clients": [{"podSelector": {"matchLabels": {"team": "vision"}}}]},
    },
    "browse with TLS": {
        "tls": {"secret": "certificates", "mutual": True},
        "access": {"tokensSecret": "clients"},
        "client": {"tokenSecret": "token", "certificateSecret": "own"},
        "browse": {"enabled": True, "podLabels": {"team": "vision"}, "arguments": ["--timeout", "30"]},
        "settings": {"host": "[::]"},
        "networkPolicy": {"enabled": True},
    },
    "training once": {
        "models": {"source": "claim", "claim": "generators"},
        "training": {"enabled": True, "gpus": 4, "dataClaim": "photographs", "runsClaim": "runs"},
        "gpu": {"enabled": True, "runtimeClassName": "nvidia"},
    },
    "training by the clock": {
        "models": {"source": "claim", "claim": "generators"},
        "training": {"enabled": True, "schedule": "0 3 * * 0", "image": {"repository": "r/t", "tag": "7"}},
    },
    "names and labels of one's own": {
        "fullnameOverride": "synth",
        "nameOverride": "generators",
        "commonLabels": {"team": "ml", "release": "common", "app.kubernetes.io/name": "stray"},
        "commonAnnotations": {"example.com/owner": "vision", "grafana_folder": "common"},
        "models": {"source": "claim", "claim": "generators"},
        "training": {
            "enabled": True,
            "podLabels": {"job": "fit"},
            "podAnnotations": {"sidecar.istio.io/inject": "false"},
        },
        "export": {"enabled": True, "claim": "shards", "podAnnotations": {"sidecar.istio.io/inject": "false"}},
        "serviceAccount": {"create": True, "annotations": {"example.com/role": "reader"}},
        "access": {"quotas": "[default]\nsamples_per_second = 1000.0\n"},
        "networkPolicy": {"enabled": True, "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
        "podDisruptionBudget": {"enabled": True},
        "autoscaling": KEDA,
        "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "alerts": {"enabled": True},
        "dashboard": {"enabled": True},
    },
    "reached from outside": {
        "service": {
            "type": "LoadBalancer",
            "annotations": {"example.com/internal": "true"},
            "port": 443,
            "nodePort": 30051,
            "appProtocol": "grpc",
            "loadBalancerClass": "example.com/nlb",
            "loadBalancerIP": "10.0.0.9",
            "loadBalancerSourceRanges": ["10.0.0.0/8"],
            "externalTrafficPolicy": "Local",
            "ipFamilyPolicy": "PreferDualStack",
        },
        "grpcRoute": {
            "enabled": True,
            "parentRefs": [{"name": "public", "namespace": "gateways", "sectionName": "https"}],
            "hostnames": ["synth.example"],
            "matches": [{"method": {"service": "augmint.v1.GeneratorService"}}],
            "labels": {"expose": "yes"},
        },
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "hosts": [{"host": "synth.example"}],
            "tls": [{"secretName": "synth", "hosts": ["synth.example"]}],
        },
    },
    "additions": {
        "models": {"source": "url", "url": "s3://bucket/models", "urlSecret": "store"},
        "settings": {"traces": True},
        "networkPolicy": {"enabled": True},
        "image": {"pullSecrets": ["key", {"name": "regcred"}]},
        "extraEnv": [
            {"name": "HTTPS_PROXY", "value": "http://proxy:3128"},
            {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4317"},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "envFrom": [{"configMapRef": {"name": "shared"}}],
        "extraVolumes": [{"name": "company", "configMap": {"name": "authority"}}],
        "extraVolumeMounts": [{"name": "company", "mountPath": "/etc/ssl/own", "readOnly": True}],
        "extraInitContainers": [{"name": "first", "image": "busybox", "command": ["true"]}],
        "extraContainers": [{"name": "collector", "image": "otel", "args": ["--config", "/etc/otel"]}],
        "topologySpreadConstraints": [
            {"topologyKey": "example.com/rack", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"},
        ],
    },
    "everything else": {
        "replicas": 3,
        "image": {"repository": "registry:5000/a/augmint", "digest": DIGEST, "pullSecrets": ["key"]},
        "settings": {"host": "[::]", "drainSeconds": 2.5, "logLevel": "debug", "lanes": 4},
        "rollingUpdate": {"maxSurge": "50%", "maxUnavailable": 0},
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None},
        "serviceAccount": {"name": "models-reader"},
        "podLabels": {"team": "vision", "app.kubernetes.io/name": "stray"},
        "podAnnotations": {"example.com/owner": "vision"},
        "priorityClassName": "serving",
        "topologySpread": [],
        "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "interval": "5s"},
        "alerts": {"enabled": True, "labels": {"release": "prometheus"}, "matchers": 'cluster="a"'},
        "dashboard": {"enabled": True, "annotations": {"grafana_folder": "Models"}},
    },
}


def parse(text: str) -> list[dict]:
    """Objects of a text, split as Helm splits it."""
    return [found for part in re.split(r"(?:^|\s*\n)---\s*", text) if (found := yaml.load(part, Loader=LOADER))]


@functools.cache
def _rendered(values: str, name: str) -> dict[str, str]:
    with helm.Chart.load(str(CHART)) as chart:
        return chart.render(json.loads(values), name=name, namespace=NAMESPACE)


def render(values: Mapping[str, object], name: str = "release") -> dict[str, str]:
    """Text of each template, by its path, from Helm 4."""
    return _rendered(json.dumps(values), name)


def everything(values: Mapping[str, object], name: str = "release") -> list[dict]:
    """All objects, those of `helm test` too."""
    return json.loads(_everything(json.dumps(values), name))


@functools.cache
def _everything(values: str, name: str) -> str:
    texts = [text for path, text in _rendered(values, name).items() if path.endswith(".yaml")]
    return json.dumps([found for text in texts for found in parse(text)])


def objects(values: Mapping[str, object], name: str = "release") -> list[dict]:
    """All objects that stay."""
    return [each for each in everything(values, name) if "helm.sh/hook" not in each["metadata"].get("annotations", {})]


def component(each: Mapping[str, Any]) -> str:
    """What an object belongs to: the service, the page, a job."""
    return each["metadata"]["labels"]["app.kubernetes.io/component"]


def one(kind: str, values: Mapping[str, object], name: str = "release", page: bool = False) -> dict:
    """The only object of a kind, the page's left out or, with `page`, alone looked at."""
    (found,) = [
        each for each in objects(values, name) if each["kind"] == kind and (component(each) == "browse") is page
    ]
    return found


def pod(values: Mapping[str, object]) -> dict:
    return one("Deployment", values)["spec"]["template"]["spec"]


def container(values: Mapping[str, object]) -> dict:
    """The one that serves."""
    return next(each for each in pod(values)["containers"] if each["name"] == "service")


def pods(values: Mapping[str, object]) -> list[dict]:
    """The spec of every pod that the release may start, `helm test` included."""
    found = []
    for each in everything(values):
        spec = each.get("spec", {})
        if each["kind"] == "Pod":
            found.append(spec)
        elif each["kind"] == "CronJob":
            found.append(spec["jobTemplate"]["spec"]["template"]["spec"])
        elif "template" in spec:
            found.append(spec["template"]["spec"])
    return found


def environment(values: dict) -> dict[str, str]:
    """Variables as the pod gets them, on a node that grants what is requested."""
    read = {}
    for variable in container(values)["env"]:
        read[variable["name"]] = "2" if "valueFrom" in variable else variable["value"]
    assert len(read) == len(container(values)["env"])  # a name given twice is an error for server-side apply
    return read


def service_of(values: dict) -> settings.Settings:
    """What the service makes of these variables."""
    return settings.load([], environment(values))
