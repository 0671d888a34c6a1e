"""The page of a release: off by default, a pod of its own, reached by its names alone."""

import re
import subprocess
import sys

from augmint.arguments import parser
from tests.client.browse.serving import get
from tests.client.fakes import FakeService, served
from tests.k8s.rendering import CASES, component, objects, one, render
from tests.processes import environment


def container(values):
    (found,) = one("Deployment", values, page=True)["spec"]["template"]["spec"]["containers"]
    return found


def test_the_page_is_off_by_default():
    assert "browse" not in map(component, objects({}))


def test_the_page_is_a_deployment_with_a_service_and_no_pod_that_serves():
    values = CASES["browse"]
    deployment, service = (one(kind, values, page=True) for kind in ("Deployment", "Service"))
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    assert not one("Deployment", values)["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["ports"][0]["targetPort"] == container(values)["ports"][0]["name"]


def test_the_command_is_one_that_the_client_takes():
    options = parser().parse_args([container(CASES["browse"])["command"][1], *container(CASES["browse"])["args"]])
    assert options.target == "dns:///release-augmint-headless.lab.svc:50051"
    assert (options.host, options.port, options.no_open) == ("0.0.0.0", 8421, True)
    assert "look.example" in options.allow_host
    options = parser().parse_args(["browse", *container(CASES["browse with TLS"])["args"]])
    assert (options.host, options.timeout) == ("::", 30.0)


def test_the_page_brings_the_token_and_the_certificate_that_the_service_asks_for():
    values = CASES["browse with TLS"]
    options = parser().parse_args(["browse", *container(values)["args"]])
    mounts = {mount["mountPath"]: mount["name"] for mount in container(values)["volumeMounts"]}
    spec = one("Deployment", values, page=True)["spec"]["template"]["spec"]
    secrets = {each["name"]: each["secret"]["secretName"] for each in spec["volumes"] if "secret" in each}
    assert secrets[mounts[str(options.token_file.parent)]] == "token"
    assert secrets[mounts[str(options.ca.parent)]] == "certificates"
    assert secrets[mounts[str(options.certificate.parent)]] == secrets[mounts[str(options.key.parent)]] == "own"


def test_the_network_lets_the_page_to_the_service_and_to_names_alone():
    values = CASES["browse"]
    served_by, page = one("NetworkPolicy", values), one("NetworkPolicy", values, page=True)
    labels = one("Deployment", values, page=True)["spec"]["template"]["metadata"]["labels"]
    assert page["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert page["spec"]["policyTypes"] == ["Ingress", "Egress"]
    to_service, to_names = page["spec"]["egress"]
    assert to_service["to"][0]["podSelector"] == served_by["spec"]["podSelector"]
    assert [port["port"] for port in to_service["ports"]] == [50051]
    assert {port["port"] for port in to_names["ports"]} == {53}
    callers = served_by["spec"]["ingress"][0]["from"]
    assert {"podSelector": page["spec"]["podSelector"]} in callers
    # Where anybody may call, the page may anyway.
    assert (
        one("NetworkPolicy", CASES["guarded"])["spec"]["ingress"][0]["from"]
        == CASES["guarded"]["networkPolicy"]["clients"]
    )


def test_the_pod_answers_its_probes_and_readers_who_come_by_its_names():
    found = container(CASES["browse"])
    probe = found["readinessProbe"]["httpGet"]
    with served(FakeService()) as target:
        given = [target if word.startswith("dns:") else word for word in found["args"]]
        given[given.index("--port") + 1] = "0"
        given[given.index("--host") + 1] = "127.0.0.1"
        with subprocess.Popen(
            [sys.executable, "-m", "augmint", *found["command"][1:], *given],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        ) as process:
            try:
                site = re.search(r"http://\S+:\d+", process.stdout.readline())[0]
                headers = {each["name"]: each["value"] for each in probe["httpHeaders"]}
                assert get(f"{site}{probe['path']}", headers).status == 200
                names = [one("Service", CASES["browse"], page=True)["metadata"]["name"], "look.example"]
                for name in (*names, f"{names[0]}.lab", f"{names[0]}.lab.svc"):
                    assert get(site, {"host": f"{name}:8421"}).status == 200
                assert get(site, {"host": "10.0.0.7:8421"}).status == 421
            finally:
                process.terminate()
            assert process.wait(60) == 0


def test_the_notes_say_how_it_is_reached_and_who_else_may():
    notes = next(text for path, text in render(CASES["browse"]).items() if path.endswith("NOTES.txt"))
    assert "port-forward service/release-augmint-browse 8421:8421" in notes
    assert "set networkPolicy.enabled and browse.clients" in notes
