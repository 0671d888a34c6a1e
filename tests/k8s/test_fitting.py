"""What makes the chart fit into other people's clusters: names, labels, ways in, additions."""

import json
import re

import pytest

from service import tracing
from tests.k8s.rendering import CASES, container, environment, everything, objects, one, pod, render, service_of

OWN = CASES["names and labels of one's own"]
OUTSIDE = CASES["reached from outside"]
MORE = CASES["additions"]
# Of these, jobs and what fetches have their own or the same.
ADDED = ("extraEnv", "envFrom", "extraVolumes", "extraVolumeMounts")


def templates(values):
    """Metadata of every pod that the release may start."""
    for each in everything(values):
        if each["kind"] == "Pod":
            yield each["metadata"]
        spec = each.get("spec", {})
        if each["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if each["kind"] in {"Deployment", "Job", "CronJob"}:
            yield spec["template"]["metadata"]


def selectors(values):
    for each in objects(values):
        spec = each.get("spec", {})
        if each["kind"] == "Service":
            yield spec["selector"]
        for name in ("selector", "podSelector"):
            if "matchLabels" in spec.get(name, {}):
                yield spec[name]["matchLabels"]
    for constraint in pod(values).get("topologySpreadConstraints", ()):
        yield constraint["labelSelector"]["matchLabels"]


def test_every_object_and_every_pod_has_the_labels_that_were_asked_for_and_no_selector_has():
    kinds = {each["kind"] for each in everything(OWN)}
    assert kinds == {
        *("ConfigMap", "Deployment", "Job", "NetworkPolicy", "Pod", "PodDisruptionBudget", "PodMonitor"),
        *("PrometheusRule", "ScaledObject", "Service", "ServiceAccount"),
    }
    for each in everything(OWN):
        assert each["metadata"]["labels"]["team"] == "ml", each["kind"]
        assert each["metadata"]["annotations"]["example.com/owner"] == "vision", each["kind"]
    for template in templates(OWN):
        assert template["labels"]["team"] == "ml"
    found = list(selectors(OWN))
    assert len(found) == 8  # Deployment, two Services, policy, budget, monitor, two constraints
    (same,) = {json.dumps(each) for each in found}
    assert json.loads(same) == {
        "app.kubernetes.io/name": "generators",
        "app.kubernetes.io/instance": "release",
        "app.kubernetes.io/component": "service",
    }


def test_an_objects_own_labels_beat_those_of_all_and_the_charts_beat_both():
    assert one("PodMonitor", OWN)["metadata"]["labels"]["release"] == "prometheus"
    assert one("Deployment", OWN)["metadata"]["labels"]["release"] == "common"
    for each in everything(OWN):
        assert each["metadata"]["labels"]["app.kubernetes.io/name"] == "generators"
    (board,) = [each for each in objects(OWN) if each["metadata"]["name"] == "synth-dashboard"]
    assert board["metadata"]["annotations"]["grafana_folder"] == "common"
    (board,) = [each for each in objects(CASES["everything else"]) if each["metadata"]["name"].endswith("-dashboard")]
    assert board["metadata"]["annotations"] == {"grafana_folder": "Models"}


def test_jobs_may_have_labels_and_annotations_that_serving_pods_have_not():
    job = {metadata["labels"]["app.kubernetes.io/component"]: metadata for metadata in templates(OWN)}
    for kind in ("training", "export"):
        assert job[kind]["annotations"] == {"sidecar.istio.io/inject": "false"}
    assert job["training"]["labels"]["job"] == "fit"
    assert "job" not in job["service"]["labels"]


def test_a_name_of_ones_own_is_followed_by_everything_that_speaks_of_it():
    names = {each["metadata"]["name"] for each in everything(OWN)}
    assert {name for name in names if not re.fullmatch(r"synth(-[a-z0-9-]+)?", name)} == set()
    text = json.dumps([render(OWN)])
    assert "release-augmint" not in text
    assert "dns:///synth-headless.lab.svc:50051" in text
    assert 'pod=~\\\\\\"synth-[a-z0-9]+-[a-z0-9]{5}' in text.replace(r"\\\\\\\"", r"\\\"")
    scaled = one("ScaledObject", OWN)["spec"]
    assert scaled["scaleTargetRef"]["name"] == one("Deployment", OWN)["metadata"]["name"] == "synth"
    assert 'pod=~"synth-[a-z0-9]+-[a-z0-9]{5}"' in scaled["triggers"][0]["metadata"]["query"]
    queries = [rule["expr"] for group in one("PrometheusRule", OWN)["spec"]["groups"] for rule in group["rules"]]
    for query in queries:
        assert 'pod=~"synth-' in query or 'scaledObject="synth"' in query
    assert pod(OWN)["serviceAccountName"] == one("ServiceAccount", OWN)["metadata"]["name"] == "synth"


def pod_name(deployment: str, random: str = "bcdfg", template: str = "b" * 10) -> str:
    """As Kubernetes names a pod of a Deployment: what is before the last five letters is cut at 58 characters."""
    return f"{deployment}-{template}-"[:58] + random


@pytest.mark.parametrize(
    ("values", "release"),
    [
        ({}, "release"),
        ({}, "r" * 53),
        ({"fullnameOverride": "s" * 46}, "release"),
        ({"nameOverride": "n" * 46}, "r" * 53),
        ({"nameOverride": "own"}, "my-own-release"),
    ],
)
def test_names_are_short_enough_for_the_pods_to_be_found_by_them(values, release):
    values = {**values, **{name: value for name, value in OWN.items() if not name.endswith("Override")}}
    for each in everything(values, release):
        assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", each["metadata"]["name"])
        for value in each["metadata"]["labels"].values():
            assert len(value) <= 63
    query = one("ScaledObject", values, release)["spec"]["triggers"][0]["metadata"]["query"]
    pattern = re.search(r'pod=~"([^"]+)"', query)[1]
    assert re.fullmatch(pattern, pod_name(one("Deployment", values, release)["metadata"]["name"]))


def test_the_account_is_the_releases_own_or_the_one_that_is_named():
    assert "serviceAccountName" not in pod({})
    assert pod({"serviceAccount": {"name": "reader"}})["serviceAccountName"] == "reader"
    values = {"serviceAccount": {"create": True, "name": "reader", "annotations": {"role": "x"}}}
    account = one("ServiceAccount", values)
    assert pod(values)["serviceAccountName"] == account["metadata"]["name"] == "reader"
    assert account["metadata"]["annotations"] == {"role": "x"}
    assert account["automountServiceAccountToken"] is pod(values)["automountServiceAccountToken"] is False
    values["serviceAccount"]["automount"] = True
    assert one("ServiceAccount", values)["automountServiceAccountToken"] is True
    assert pod(values)["automountServiceAccountToken"] is True
    assert "ServiceAccount" not in {each["kind"] for each in objects({"serviceAccount": {"name": "reader"}})}


def services(values):
    return {each["metadata"]["name"]: each for each in objects(values) if each["kind"] == "Service"}


def test_only_the_virtual_address_is_opened_to_the_outside():
    found = services(OUTSIDE)
    virtual, headless = found["release-augmint"], found["release-augmint-headless"]
    assert virtual["metadata"]["annotations"] == {"example.com/internal": "true"}
    assert "annotations" not in headless["metadata"]
    spec = dict(virtual["spec"])
    assert spec.pop("ports") == [
        {"name": "grpc", "port": 443, "targetPort": "grpc", "nodePort": 30051, "appProtocol": "grpc"}
    ]
    assert spec == {
        "type": "LoadBalancer",
        "loadBalancerClass": "example.com/nlb",
        "loadBalancerIP": "10.0.0.9",
        "loadBalancerSourceRanges": ["10.0.0.0/8"],
        "externalTrafficPolicy": "Local",
        "ipFamilyPolicy": "PreferDualStack",
        "selector": headless["spec"]["selector"],
    }
    # A client of the headless one reaches the pods' own port, whatever the other is called.
    assert headless["spec"]["ports"] == [{"name": "grpc", "port": 50051, "targetPort": "grpc", "appProtocol": "grpc"}]
    assert (headless["spec"]["type"], headless["spec"]["clusterIP"]) == ("ClusterIP", "None")


def test_gateway_and_ingress_lead_to_the_port_of_the_service():
    route = one("GRPCRoute", OUTSIDE)["spec"]
    assert route["parentRefs"] == OUTSIDE["grpcRoute"]["parentRefs"]
    assert route["hostnames"] == ["synth.example"]
    assert route["rules"] == [
        {
            "matches": [{"method": {"service": "augmint.v1.GeneratorService"}}],
            "backendRefs": [{"name": "release-augmint", "port": 443}],
        }
    ]
    plain = {"grpcRoute": {"enabled": True, "parentRefs": [{"name": "public"}]}}
    assert one("GRPCRoute", plain)["spec"] == {
        "parentRefs": [{"name": "public"}],
        "rules": [{"backendRefs": [{"name": "release-augmint", "port": 50051}]}],
    }
    ingress = one("Ingress", OUTSIDE)
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"], path["pathType"]) == ("synth.example", "/", "Prefix")
    assert path["backend"]["service"] == {"name": "release-augmint", "port": {"name": "grpc"}}
    key = "nginx.ingress.kubernetes.io/backend-protocol"
    assert ingress["metadata"]["annotations"] == {key: "GRPC"}
    secured = {**OUTSIDE, "tls": {"secret": "certificates"}}
    assert one("Ingress", secured)["metadata"]["annotations"] == {key: "GRPCS"}
    given = {"ingress": {**OUTSIDE["ingress"], "annotations": {key: "AUTO_HTTP"}}}
    assert one("Ingress", given)["metadata"]["annotations"] == {key: "AUTO_HTTP"}


def test_what_is_added_is_in_the_pod_beside_what_is_the_charts():
    assert pod(MORE)["imagePullSecrets"] == [{"name": "key"}, {"name": "regcred"}]
    assert [each["name"] for each in pod(MORE)["initContainers"]] == ["first"]
    first, second = pod(MORE)["containers"]
    assert (first["name"], second) == ("service", MORE["extraContainers"][0])
    assert {each["name"]: each for each in first["env"]}.items() >= {
        each["name"]: each for each in MORE["extraEnv"]
    }.items()
    assert first["envFrom"] == [{"secretRef": {"name": "store"}}, *MORE["envFrom"]]
    assert MORE["extraVolumes"][0] in pod(MORE)["volumes"]
    assert MORE["extraVolumeMounts"][0] in first["volumeMounts"]
    (rack,) = [each for each in pod(MORE)["topologySpreadConstraints"] if each["topologyKey"] == "example.com/rack"]
    assert rack["whenUnsatisfiable"] == "DoNotSchedule"
    assert rack["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "service"


def test_what_fetches_generators_has_the_same_proxy_and_authorities():
    added = {name: MORE[name] for name in ADDED}
    values = {**CASES["fetch"], **added, "extraInitContainers": MORE["extraInitContainers"]}
    first, fetcher = pod(values)["initContainers"]
    assert (first["name"], fetcher["name"]) == ("first", "fetch")
    assert [each["name"] for each in fetcher["env"]] == ["AUTHORIZATION", *(each["name"] for each in added["extraEnv"])]
    assert fetcher["envFrom"] == added["envFrom"]
    assert added["extraVolumeMounts"][0] in fetcher["volumeMounts"]


@pytest.mark.parametrize("kind", ["training", "export"])
def test_jobs_have_additions_of_their_own(kind):
    added = {name: MORE[name] for name in ADDED}
    case = CASES["training once" if kind == "training" else "export"]
    values = {**case, kind: {**case[kind], **added}}
    spec = one("Job", values)["spec"]["template"]["spec"]
    (worker,) = spec["containers"]
    # Training checks what it exports by ONNX Runtime; an export only asks the service.
    first = ["ORT_DISABLE_TELEMETRY"] if kind == "training" else []
    assert [each["name"] for each in worker["env"]] == [*first, *(each["name"] for each in added["extraEnv"])]
    assert worker["envFrom"] == added["envFrom"]
    assert added["extraVolumes"][0] in spec["volumes"]
    assert added["extraVolumeMounts"][0] in worker["volumeMounts"]
    assert not [each for each in container(values)["env"] if each["name"] == "HTTPS_PROXY"]


def test_the_runtimes_telemetry_is_off_in_every_pod_that_has_it_unless_somebody_wants_it():
    assert environment({})["ORT_DISABLE_TELEMETRY"] == "1"
    assert environment({"extraEnv": [{"name": "ORT_DISABLE_TELEMETRY", "value": "0"}]})["ORT_DISABLE_TELEMETRY"] == "0"


def test_traces_are_switched_on_and_have_a_way_out():
    assert service_of(MORE).traces is True
    assert not service_of({}).traces
    assert environment(MORE)["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4317"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in tracing.start.__doc__
    guarded = {"networkPolicy": {"enabled": True}}
    assert one("NetworkPolicy", guarded)["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert one("NetworkPolicy", {**guarded, "settings": {"traces": True}})["spec"]["policyTypes"] == ["Ingress"]
    limited = one("NetworkPolicy", {**OWN, "settings": {"traces": True}})["spec"]
    assert limited["policyTypes"] == ["Ingress", "Egress"]
    assert limited["egress"] == OWN["networkPolicy"]["egress"]


def notes(values):
    (text,) = [text for path, text in render(values).items() if path.endswith("NOTES.txt")]
    return text


def test_the_notes_say_how_it_is_reached_from_outside_and_what_is_missing():
    said = notes(OUTSIDE)
    assert "get service release-augmint\n" in said
    assert "describe grpcroute release-augmint\n" in said
    assert "synth.example" in said
    assert "port-forward service/release-augmint 50051:443\n" in said
    assert "may draw samples, and whoever reaches it from outside" in said
    assert "BackendTLSPolicy" in notes({**OUTSIDE, "tls": {"secret": "certificates"}})
    assert "callers from outside of the cluster are kept out" in notes({**OUTSIDE, "networkPolicy": {"enabled": True}})
    assert "from outside" not in notes({})
    assert "no OTEL_EXPORTER_OTLP_ENDPOINT" in notes({"settings": {"traces": True}})
    assert "OTEL_EXPORTER" not in notes(MORE)


@pytest.mark.parametrize("case", CASES)
def test_the_notes_send_nobody_to_an_index_that_has_nothing(case):
    assert not re.search(r"pip install augmint\b", notes(CASES[case]))
