"""The chart, rendered by Helm itself and judged by Kubernetes' own schemas, strictly: an unknown field is an error."""

import re
from collections.abc import Mapping
from pathlib import Path

import helm_python as helm
import kubernetes_validate
import pytest
import yaml

from service import settings as service_settings
from service.server import LIVENESS

ROOT = Path(__file__).parents[2]
CHART = ROOT / "k8s/augmint"

# Oldest that Chart.yaml admits, one between, the newest known.
KUBERNETES = ("1.27", "1.33", "1.37")

# What the chart sets by other values, or leaves to its default.
NOT_VALUES = {
    *("models", "device", "metrics_host", "health_port", "reflection"),
    *("tls_certificate", "tls_key", "tls_client_ca", "tokens", "quotas"),
}

CASES = {
    "as it comes": {},
    "GPU": {"gpu": {"enabled": True, "resource": "nvidia.com/mig-1g.10gb", "runtimeClassName": "nvidia"}},
    "claim": {"models": {"existingClaim": "generators"}},
    "everything else": {
        "replicas": 3,
        "image": {"repository": "registry:5000/a/augmint", "digest": f"sha256:{'a' * 64}", "pullSecrets": ["key"]},
        "settings": {"host": "[::]", "drainSeconds": 2.5, "logLevel": "debug", "lanes": 4},
        "rollingUpdate": {"maxSurge": "50%", "maxUnavailable": 0},
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "podSecurityContext": {"runAsUser": None, "runAsGroup": None},
    },
}


def render(values: Mapping[str, object], name: str = "release") -> dict[str, str]:
    """Text of each template, by its path."""
    with helm.Chart.load(str(CHART)) as chart:
        return chart.render(values, name=name, namespace="lab")


def objects(values: Mapping[str, object], name: str = "release") -> list[dict]:
    texts = [text for path, text in render(values, name).items() if path.endswith(".yaml")]
    return [found for text in texts for found in yaml.safe_load_all(text) if found]


def deployment(values: Mapping[str, object], name: str = "release") -> dict:
    (found,) = [each for each in objects(values, name) if each["kind"] == "Deployment"]
    return found


def pod(values: Mapping[str, object]) -> dict:
    return deployment(values)["spec"]["template"]["spec"]


def container(values: Mapping[str, object]) -> dict:
    (found,) = pod(values)["containers"]
    return found


def environment(values: Mapping[str, object]) -> dict[str, str]:
    """Variables as the pod gets them, on a node that grants what is requested."""
    read = {}
    for variable in container(values)["env"]:
        reference = variable.get("valueFrom", {}).get("resourceFieldRef")
        read[variable["name"]] = variable["value"] if reference is None else "2"
    assert len(read) == len(container(values)["env"])  # a name given twice is an error for server-side apply
    return read


def service_of(values: Mapping[str, object]) -> service_settings.Settings:
    return service_settings.load([], environment(values))


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_every_object_is_valid_for_old_and_new_kubernetes(values):
    found = objects(values)
    assert sorted(each["kind"] for each in found) == ["Deployment", "Service", "Service"]
    for each in found:
        for version in KUBERNETES:
            kubernetes_validate.validate(each, version, strict=True)


def test_helm_finds_no_fault_in_the_chart():
    result = helm.lint(str(CHART), strict=True, kube_version=f"v{KUBERNETES[0]}.0")
    assert result["errors"] == []
    assert [message["error"] for message in result["messages"]] == ["icon is recommended"]


REFUSED = {
    "replica": ({"replica": 2}, "replica"),
    "settings.queueLimit": ({"settings": {"queueLimit": 5}}, "queueLimit"),
    "settings.port": ({"settings": {"port": "grpc"}}, "/settings/port"),
    "settings.maxSamples": ({"settings": {"maxSamples": 0}}, "/settings/maxSamples"),
    "settings.logLevel": ({"settings": {"logLevel": "loud"}}, "/settings/logLevel"),
    "settings.host missing": ({"settings": {"host": None}}, "host"),
    "one port for both": ({"settings": {"metricsPort": 50051}}, "settings.metricsPort"),
    "models.claim": ({"models": {"claim": "generators"}}, "claim"),
    "models.existingClaim": ({"models": {"existingClaim": "My Claim"}}, "/models/existingClaim"),
    "image.digest": ({"image": {"digest": "latest"}}, "/image/digest"),
    "image.pullPolicy": ({"image": {"pullPolicy": "always"}}, "/image/pullPolicy"),
    "gpu.enabled": ({"gpu": {"enabled": "yes"}}, "/gpu/enabled"),
    "gpu.resource": ({"gpu": {"resource": "gpu"}}, "/gpu/resource"),
    "resources.limit": ({"resources": {"limit": {"memory": "1Gi"}}}, "limit"),
}


@pytest.mark.parametrize(("values", "named"), REFUSED.values(), ids=REFUSED)
def test_wrong_values_are_refused_by_name(values, named):
    with pytest.raises(helm.HelmError) as refusal:
        render(values)
    assert named in str(refusal.value)


def test_the_schema_knows_every_value_and_every_value_is_explained():
    lines = (CHART / "values.yaml").read_text().splitlines()
    top = {re.match(r"\w+", line)[0] for line in lines if re.match(r"\w", line)}
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    assert set(schema["properties"]) == top | {"global"}
    unexplained = []
    for above, line in zip(["", *lines], lines, strict=False):
        # Scalars, lists and empty maps; inside what Kubernetes defines itself, its documentation explains.
        if re.match(r" {0,2}\w+: \S", line) and not above.lstrip().startswith("#"):
            unexplained.append(line)
    assert unexplained == ["  runAsNonRoot: true", "  runAsUser: 10001", "  runAsGroup: 10001"]


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
    assert chosen.models == Path("/models")
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


def test_a_pod_gets_one_gpu_and_the_image_for_it_and_is_replaced_without_a_spare_one():
    values = {"gpu": {"enabled": True}}
    assert container(values)["resources"]["limits"] == {"memory": "2Gi", "nvidia.com/gpu": 1}
    assert container(values)["image"].endswith("-cuda")
    assert deployment(values)["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert container({})["resources"]["limits"] == {"memory": "2Gi"}
    assert not container({})["image"].endswith("-cuda")
    assert deployment({})["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_the_image_is_taken_by_digest_before_tag():
    digest = f"sha256:{'0' * 64}"
    assert container({"image": {"repository": "r/a", "tag": "7", "digest": digest}})["image"] == f"r/a@{digest}"
    assert container({"image": {"repository": "r/a", "tag": "7"}, "gpu": {"enabled": True}})["image"] == "r/a:7"


def test_models_come_read_only_from_the_claim_or_from_the_image():
    def mounts(values):
        return {mount["name"]: mount for mount in container(values)["volumeMounts"]}

    claimed = {"models": {"existingClaim": "generators"}}
    assert mounts(claimed)["models"] == {"name": "models", "mountPath": "/models", "readOnly": True}
    (volume,) = [each for each in pod(claimed)["volumes"] if each["name"] == "models"]
    assert volume["persistentVolumeClaim"] == {"claimName": "generators", "readOnly": True}
    assert set(mounts({})) == {"tmp"}


def test_probes_ask_the_ports_and_names_that_the_service_answers():
    found = container({"settings": {"port": 6000}, "startupSeconds": 61})
    for probe in ("startupProbe", "readinessProbe"):
        assert found[probe]["grpc"] == {"port": 6000, "service": ""}
    assert found["livenessProbe"]["grpc"] == {"port": 6000, "service": LIVENESS}
    assert found["startupProbe"]["periodSeconds"] * found["startupProbe"]["failureThreshold"] >= 61


def test_a_pod_is_given_longer_to_end_than_the_service_takes():
    for given in ({}, {"drainSeconds": 0, "stopSeconds": 0}, {"drainSeconds": 7.5, "stopSeconds": 120.1}):
        values = {"settings": given}
        chosen = service_of(values)
        assert pod(values)["terminationGracePeriodSeconds"] >= chosen.drain_seconds + chosen.stop_seconds + 5


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_pods_hold_to_the_restricted_standard(values):
    spec, found = pod(values), container(values)
    assert spec["enableServiceLinks"] is False
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert found["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {key for volume in spec["volumes"] for key in volume} <= {"name", "emptyDir", "persistentVolumeClaim"}


def test_both_services_reach_the_pods_and_leave_the_metrics_to_the_scraper():
    found = objects({"settings": {"port": 6000, "metricsPort": 6001}})
    services = {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "Service"}
    assert set(services) == {"release-augmint", "release-augmint-headless"}
    assert services["release-augmint-headless"]["clusterIP"] == "None"
    assert "clusterIP" not in services["release-augmint"]
    template = deployment({"settings": {"port": 6000, "metricsPort": 6001}})["spec"]["template"]
    ports = {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}
    assert ports == {"grpc": 6000, "metrics": 6001}
    assert template["metadata"]["annotations"]["prometheus.io/port"] == "6001"
    for spec in services.values():
        assert spec["selector"].items() <= template["metadata"]["labels"].items()
        assert [(port["name"], port["port"], port["targetPort"]) for port in spec["ports"]] == [("grpc", 6000, "grpc")]


@pytest.mark.parametrize("name", ["augmint", "r" * 53, "a.b", "augmint-for-digits"])
def test_names_fit_into_dns_labels_and_the_notes_give_the_target(name):
    found = objects({}, name)
    names = sorted(each["metadata"]["name"] for each in found if each["kind"] == "Service")
    for each in names:
        assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", each)
    (notes,) = [text for path, text in render({}, name).items() if path.endswith("NOTES.txt")]
    assert f'augmint.Client("dns:///{names[1]}.lab.svc:50051")' in notes


def test_the_default_image_is_this_version_of_the_service():
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert container({})["image"] == f"augmint:{version}"
