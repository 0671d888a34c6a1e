"""What the chart makes of its values."""

import ast
import re

import pytest
import yaml

import augmint
from augmint.arguments import parser
from service.rpc.readiness import LIVENESS
from tests.k8s.rendering import (
    CASES,
    DIGEST,
    KEDA,
    ROOT,
    container,
    objects,
    one,
    pod,
    pods,
    render,
    service_of,
)


def test_a_pod_gets_one_gpu_and_the_image_for_it_and_is_replaced_without_a_spare_one():
    values = {"gpu": {"enabled": True}}
    assert container(values)["resources"]["limits"] == {"memory": "2Gi", "nvidia.com/gpu": 1}
    assert container(values)["image"].endswith("-cuda")
    assert one("Deployment", values)["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert container({})["resources"]["limits"] == {"memory": "2Gi"}
    assert not container({})["image"].endswith("-cuda")
    assert one("Deployment", {})["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_the_image_is_taken_by_digest_before_tag():
    digest = f"sha256:{'0' * 64}"
    assert container({"image": {"repository": "r/a", "tag": "7", "digest": digest}})["image"] == f"r/a@{digest}"
    assert container({"image": {"repository": "r/a", "tag": "7"}, "gpu": {"enabled": True}})["image"] == "r/a:7"


def test_generators_come_read_only_from_where_they_are():
    def mounts(values):
        return {mount["name"]: mount for mount in container(values)["volumeMounts"]}

    def volume(values):
        (found,) = [each for each in pod(values)["volumes"] if each["name"] == "models"]
        return found

    assert set(mounts({})) == {"tmp"}
    for case in ("claim", "image volume", "fetch"):
        assert mounts(CASES[case])["models"] == {"name": "models", "mountPath": "/models", "readOnly": True}
    assert volume(CASES["claim"])["persistentVolumeClaim"] == {"claimName": "generators", "readOnly": True}
    assert volume(CASES["image volume"])["image"] == {"reference": f"r/digits@{DIGEST}", "pullPolicy": "IfNotPresent"}
    assert volume(CASES["fetch"])["emptyDir"] == {}


def test_a_store_is_read_by_the_service_itself_which_keeps_what_it_read():
    values = CASES["URL"]
    (mount,) = [each for each in container(values)["volumeMounts"] if each["name"] == "models"]
    assert service_of(values).cache_folder == mount["mountPath"]
    assert "readOnly" not in mount
    assert container(values)["envFrom"] == [{"secretRef": {"name": "store"}}]
    assert service_of({}).cache_folder == ""


def test_probes_ask_the_ports_and_names_that_the_service_answers():
    found = container({"settings": {"port": 6000}, "startupSeconds": 61})
    for probe in ("startupProbe", "readinessProbe"):
        assert found[probe]["grpc"] == {"port": 6000, "service": ""}
    assert found["livenessProbe"]["grpc"] == {"port": 6000, "service": LIVENESS}
    assert found["startupProbe"]["periodSeconds"] * found["startupProbe"]["failureThreshold"] >= 61


def test_tls_tokens_and_quotas_are_files_that_the_pod_has_and_the_probes_need_none():
    values = CASES["TLS"]
    chosen = service_of(values)
    mounted = {mount["name"]: mount for mount in container(values)["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod(values)["volumes"]}
    for name, source, key, path in (
        ("tls", "secret", "tls.crt", chosen.tls_certificate),
        ("tls", "secret", "tls.key", chosen.tls_key),
        ("tls", "secret", "ca.crt", chosen.tls_client_ca),
        ("access", "secret", "tokens", chosen.tokens),
        ("quotas", "configMap", "quotas.toml", chosen.quotas),
    ):
        assert f"{mounted[name]['mountPath']}/{key}" == str(path)
        assert mounted[name]["readOnly"] is True
        assert source in volumes[name]
    assert one("ConfigMap", values)["data"]["quotas.toml"] == values["access"]["quotas"]
    assert volumes["quotas"]["configMap"]["name"] == one("ConfigMap", values)["metadata"]["name"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container(values)[probe]["grpc"]["port"] == chosen.health_port == 50052
    services = [each for each in objects(values) if each["kind"] == "Service"]
    assert {each["spec"]["ports"][0]["appProtocol"] for each in services} == {"https"}
    assert service_of({}).health_port is None


def test_a_pod_is_given_longer_to_end_than_the_service_takes():
    for given in ({}, {"drainSeconds": 0, "stopSeconds": 0}, {"drainSeconds": 7.5, "stopSeconds": 120.1}):
        values = {"settings": given}
        chosen = service_of(values)
        assert pod(values)["terminationGracePeriodSeconds"] >= chosen.drain_seconds + chosen.stop_seconds + 5


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_every_pod_holds_to_the_restricted_standard(values):
    for spec in pods(values):
        assert spec["enableServiceLinks"] is False
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        added = [*values.get("extraContainers", []), *values.get("extraInitContainers", [])]
        for each in [*spec["containers"], *spec.get("initContainers", [])]:
            if each in added:
                continue  # as it was given
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert each["resources"]["limits"]["memory"]
        allowed = {"name", "configMap", "emptyDir", "image", "persistentVolumeClaim", "secret"}
        assert {key for volume in spec.get("volumes", []) for key in volume} <= allowed


def test_optional_parts_are_off():
    assert sorted(each["kind"] for each in objects({})) == ["Deployment", "Service", "Service"]


def test_the_number_of_pods_is_the_autoscalers_or_the_values_never_both():
    assert one("Deployment", {"replicas": 3})["spec"]["replicas"] == 3
    for case in ("KEDA", "HPA"):
        assert "replicas" not in one("Deployment", CASES[case])["spec"]
    kinds = [each["kind"] for each in objects(CASES["KEDA"])]
    assert "HorizontalPodAutoscaler" not in kinds
    scaled = one("ScaledObject", CASES["KEDA"])["spec"]
    assert scaled["scaleTargetRef"]["name"] == one("Deployment", CASES["KEDA"])["metadata"]["name"]
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (1, 4)
    (trigger,) = scaled["triggers"]
    assert trigger["metadata"]["threshold"] == "700"
    assert trigger["metadata"]["query"].startswith("1000 * (")
    assert trigger["metadata"]["ignoreNullValues"] == "false"
    assert scaled["fallback"]["behavior"] == "currentReplicasIfHigher"
    (metric,) = one("HorizontalPodAutoscaler", CASES["HPA"])["spec"]["metrics"]
    assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": "350m"}
    recorded = one("PrometheusRule", CASES["HPA"])["spec"]["groups"][0]["rules"][0]
    assert recorded["record"] == metric["pods"]["metric"]["name"]


def test_pods_that_do_not_serve_are_not_taken_for_pods_that_do():
    values = CASES["training once"]
    selectors = [each["spec"]["selector"] for each in objects(values) if each["kind"] == "Service"]
    selectors.append(one("Deployment", values)["spec"]["selector"]["matchLabels"])
    others = [one("Job", values)["spec"]["template"]["metadata"]["labels"]]
    others += [yaml.safe_load(text)["metadata"]["labels"] for path, text in render(values).items() if "/tests/" in path]
    assert len(others) == 2
    for selector in selectors:
        for labels in others:
            assert not selector.items() <= labels.items()


def test_a_users_labels_do_not_replace_the_charts():
    labels = one("Deployment", CASES["everything else"])["spec"]["template"]["metadata"]["labels"]
    assert labels["team"] == "vision"
    assert one("Deployment", CASES["everything else"])["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_other_training_values_are_another_job():
    def name(arguments):
        values = CASES["training once"]
        return one("Job", {**values, "training": {**values["training"], "arguments": arguments}})["metadata"]["name"]

    assert name(["/data", "--budget", "1h"]) != name(["/data", "--budget", "2h"])
    assert name(["/data"]) == name(["/data"])


def test_training_publishes_where_the_service_reads():
    spec = one("Job", CASES["training once"])["spec"]["template"]["spec"]
    (trainer,) = spec["containers"]
    assert trainer["args"] == ["fit", "digits", "--budget", "4m", "--out", "/models", "--runs", "/runs"]
    assert trainer["resources"]["limits"]["nvidia.com/gpu"] == 4
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["models"] == {"name": "models", "persistentVolumeClaim": {"claimName": "generators"}}
    assert volumes["data"]["persistentVolumeClaim"] == {"claimName": "photographs", "readOnly": True}
    assert trainer["image"] == "augmint:0.4.0-training"
    cron = one("CronJob", CASES["training by the clock"])["spec"]
    assert cron["schedule"] == "0 3 * * 0"
    assert cron["concurrencyPolicy"] == "Forbid"


def test_training_is_not_tried_again_where_it_would_fail_again():
    for case, job in (
        ("training once", lambda each: each["spec"]),
        ("training by the clock", lambda each: each["spec"]["jobTemplate"]["spec"]),
    ):
        (spec,) = [job(each) for each in objects(CASES[case]) if each["kind"] in {"Job", "CronJob"}]
        ended, disrupted = spec["podFailurePolicy"]["rules"]
        (trainer,) = spec["template"]["spec"]["containers"]
        assert ended["onExitCodes"]["containerName"] == trainer["name"]
        # As `python -m training fit` ends: 2 for what cannot be done, 3 for what its gate withholds.
        assert (ended["action"], ended["onExitCodes"]["values"]) == ("FailJob", [2, 3])
        assert disrupted["action"] == "Ignore"
        assert spec["template"]["spec"]["restartPolicy"] == "Never"


def export_options(values):
    """What the client's command makes of the arguments of the third pod of the export."""
    (exporter,) = one("Job", values)["spec"]["template"]["spec"]["containers"]
    assert exporter["command"] == ["augmint", "export"]
    arguments = [each.replace("$(JOB_COMPLETION_INDEX)", "2") for each in exporter["args"]]
    return parser().parse_args(["export", *arguments])


def test_an_export_makes_each_shard_in_a_pod_of_its_own():
    spec = one("Job", CASES["export"])["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 100, 4)
    options = export_options(CASES["export"])
    assert (options.n, options.shards, options.shard, options.seed) == (10**6, 100, range(2, 3), 7)
    assert options.label == ["3"]
    assert str(options.out) == "/out/samples"
    assert options.target == "dns:///release-augmint-headless.lab.svc:50051"
    assert options.token_file is None


def test_the_releases_own_clients_bring_what_the_service_asks_for():
    values = CASES["export with TLS"]
    options = export_options(values)
    assert (options.n, options.shards, options.seed) == (5000, 2, 2**40)
    for spec in pods(values)[1:]:  # the first is the service's
        (each,) = spec["containers"]
        mounts = {mount["name"]: mount["mountPath"] for mount in each["volumeMounts"]}
        assert str(options.ca) == f"{mounts['authority']}/ca.crt"
        assert str(options.certificate) == f"{mounts['certificate']}/tls.crt"
        assert str(options.key) == f"{mounts['certificate']}/tls.key"
        assert str(options.token_file) == f"{mounts['token']}/token"
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        assert volumes["authority"]["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
    assert len(pods(values)) == 3
    # Without a token of its own `helm test` could only fail.
    assert len(pods(CASES["TLS"])) == 1


def test_the_network_policy_lets_in_clients_and_the_scraper_and_nothing_out():
    policy = one("NetworkPolicy", CASES["guarded"])["spec"]
    clients, monitoring = policy["ingress"]
    assert clients["from"] == CASES["guarded"]["networkPolicy"]["clients"]
    assert clients["ports"] == [{"port": "grpc", "protocol": "TCP"}]
    assert monitoring["ports"] == [{"port": "metrics", "protocol": "TCP"}]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy
    assert one("NetworkPolicy", CASES["fetch"])["spec"]["policyTypes"] == ["Ingress"]


def test_pods_are_scraped_once():
    def annotations(values):
        return one("Deployment", values)["spec"]["template"]["metadata"]["annotations"]

    assert annotations({})["prometheus.io/scrape"] == "true"
    assert "prometheus.io/scrape" not in annotations(CASES["KEDA"])
    assert annotations({"podAnnotations": {"prometheus.io/scrape": "false"}})["prometheus.io/scrape"] == "false"
    assert one("PodMonitor", CASES["KEDA"])["spec"]["podMetricsEndpoints"] == [{"port": "metrics", "interval": "15s"}]


def test_both_services_reach_the_pods_and_leave_the_metrics_to_the_scraper():
    found = objects({"settings": {"port": 6000, "metricsPort": 6001}})
    services = {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "Service"}
    assert set(services) == {"release-augmint", "release-augmint-headless"}
    assert services["release-augmint-headless"]["clusterIP"] == "None"
    assert "clusterIP" not in services["release-augmint"]
    template = one("Deployment", {"settings": {"port": 6000, "metricsPort": 6001}})["spec"]["template"]
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


def notes(values: dict) -> str:
    (text,) = [text for path, text in render(values).items() if path.endswith("NOTES.txt")]
    return text


def test_the_notes_give_what_a_client_needs():
    target = "dns:///release-augmint-headless.lab.svc:50051"
    assert f'augmint.Client("{target}")\n' in notes({})
    assert f'augmint.Client("{target}", tls=False, token=...)\n' in notes({"access": {"tokensSecret": "clients"}})
    (line,) = [line.strip() for line in notes(CASES["TLS"]).splitlines() if "augmint.Client(" in line]
    call = ast.parse(line, mode="eval").body
    assert [word.arg for word in call.keywords] == ["tls", "token"]
    made = eval(ast.unparse(call.keywords[0].value), {"augmint": augmint})
    assert (made.ca, made.certificate, made.key) == ("ca.crt", "tls.crt", "tls.key")


def test_the_notes_warn_of_what_a_new_user_runs_into():
    assert "must have generators under /models" in notes({})
    assert "whatever runs in the cluster may draw samples" in notes({})
    assert "helm test" in notes({})
    for said in ("must have generators under /models", "whatever runs in the cluster may draw samples"):
        assert said not in notes({**CASES["claim"], "networkPolicy": {"enabled": True}})
    assert "helm test" not in notes(CASES["TLS"])  # without a token of its own there is none
    assert "autoscaling.minReplicas is 1" in notes(CASES["KEDA"])
    assert "podMonitor.enabled is false" in notes({"autoscaling": KEDA})


def test_a_pod_waits_for_its_secrets_rather_than_start_without():
    for case in ("TLS", "fetch", "URL", "export with TLS"):
        for spec in pods(CASES[case]):
            mounted = [each["secret"] for each in spec["volumes"] if "secret" in each]
            containers = [*spec["containers"], *spec.get("initContainers", [])]
            variables = [each for one in containers for each in one.get("env", []) if "valueFrom" in each]
            read = [each["valueFrom"]["secretKeyRef"] for each in variables if "secretKeyRef" in each["valueFrom"]]
            read += [each["secretRef"] for one in containers for each in one.get("envFrom", [])]
            assert not [each for each in [*mounted, *read] if each.get("optional")]


def test_the_default_image_is_this_version_of_the_service():
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert container({})["image"] == f"augmint:{version}"
