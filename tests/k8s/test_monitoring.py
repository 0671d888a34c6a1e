"""Rules and dashboard, judged by promtool and by a real Prometheus that scrapes the real service."""

import json
import re
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

import augmint
from benchmarks.fleet.cluster import Prometheus, replica
from tests.generators import publish
from tests.k8s.rendering import CASES, ROOT, one
from tests.k8s.tools import tool

ALERTS = Path(__file__).with_name("alerts.yaml")

# Of other exporters.
FOREIGN = ("DCGM_", "keda_")


def groups():
    return one("PrometheusRule", CASES["KEDA"])["spec"]


def rules():
    return [rule for group in groups()["groups"] for rule in group["rules"]]


def dashboard():
    (text,) = one("ConfigMap", CASES["KEDA"])["data"].values()
    return json.loads(text)


def dashboard_queries():
    """Title of each panel and each of its queries, as Grafana would send them."""
    return [
        (panel["title"], target["expr"].replace("$__rate_interval", "1m"))
        for panel in dashboard()["panels"]
        for target in panel.get("targets", [])
    ]


def promtool(*arguments, **options):
    done = subprocess.run([tool("promtool"), *arguments], capture_output=True, text=True, timeout=120, **options)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A client of a replica, the address of its metrics, and a Prometheus that watches it."""
    tool("prometheus")
    folder = tmp_path_factory.mktemp("monitoring")
    publish(folder / "models", shape=(28, 28, 1), hidden=256)
    prometheus = Prometheus(folder)
    prometheus.start()
    try:
        with replica(folder / "models") as running:
            prometheus.targets({running.pod: running.metrics.removeprefix("http://").removesuffix("/metrics")})
            with augmint.Client(running.target) as client:
                yield client, running.metrics, prometheus
    finally:
        prometheus.stop()


def test_the_rules_are_rules(tmp_path):
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(groups()))
    status, said = promtool("check", "rules", str(tmp_path / "rules.yml"))
    assert status == 0, said


def test_every_alert_fires_when_it_should_and_not_before(tmp_path):
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(groups()))
    (tmp_path / "alerts.yaml").write_text(ALERTS.read_text())
    status, said = promtool("test", "rules", "alerts.yaml", cwd=tmp_path)
    assert status == 0, said
    fired = {
        test["alertname"]
        for scene in yaml.safe_load(ALERTS.read_text())["tests"]
        for test in scene["alert_rule_test"]
        if test["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in rules() if "alert" in rule}


def test_every_alert_has_a_runbook():
    text = (ROOT / "docs/operations.md").read_text()
    anchors = {heading.strip().lower() for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    links = [rule["annotations"]["runbook_url"].split("#") for rule in rules() if "alert" in rule]
    assert {page for page, _ in links} == {"docs/operations.md"}
    assert {anchor for _, anchor in links} <= anchors


def test_the_services_metrics_keep_to_the_conventions(watched):
    _, metrics, _ = watched
    text = urllib.request.urlopen(metrics, timeout=60).read().decode()
    # prometheus-client's own metrics are not ours to name.
    ours = "".join(line for line in text.splitlines(keepends=True) if "augmint_" in line)
    assert promtool("check", "metrics", input=ours) == (0, "")


def test_every_metric_that_rules_and_dashboard_ask_for_is_the_services(watched):
    _, metrics, _ = watched
    text = urllib.request.urlopen(metrics, timeout=60).read().decode()
    known = {name for name, _ in re.findall(r"^# TYPE (\S+) (\S+)", text, re.MULTILINE)}
    known |= {f"{name}_{part}" for name in known for part in ("bucket", "sum", "count")}
    known |= {rule["record"] for rule in rules() if "record" in rule}
    queries = [rule["expr"] for rule in rules()] + [query for _, query in dashboard_queries()]
    asked = {name for query in queries for name in re.findall(r"\b(\w+)\{", query)} - {"on"}
    assert len(asked) > 20
    assert {name for name in asked - known if not name.startswith(FOREIGN)} == set()


def test_every_query_of_the_dashboard_has_data(watched):
    client, _, prometheus = watched
    queries = [(title, query) for title, query in dashboard_queries() if not any(name in query for name in FOREIGN)]
    assert len(queries) > 30
    end = time.monotonic() + 120
    missing = queries
    while missing and time.monotonic() < end:
        client.generate("3", 64, seed=7)  # a rate needs calls between two scrapes
        missing = [(title, query) for title, query in missing if not prometheus.vector(query)]
        time.sleep(0.2)
    assert missing == []


# What dcgm-exporter says of the GPU of one of our pods; Kubernetes' names for that pod are its labels.
GPUS = """
DCGM_FI_DEV_FB_USED{gpu="0",namespace="lab",pod="release-augmint-7d9f-abcde"} 512
DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu="0",namespace="lab",pod="release-augmint-7d9f-abcde"} 0.5
DCGM_FI_DEV_XID_ERRORS{gpu="0",namespace="lab",pod="release-augmint-7d9f-abcde"} 0
DCGM_FI_DEV_FB_USED{gpu="1",namespace="else",pod="release-augmint-7d9f-abcde"} 1
"""


class Exporter(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(GPUS.encode())

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("honoured", [True, False])
def test_the_panels_of_gpus_have_data_however_their_exporter_is_scraped(tmp_path, honoured):
    tool("prometheus")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    prometheus = Prometheus(tmp_path, honor_labels=honoured)
    prometheus.targets({"dcgm-exporter-xyz": f"127.0.0.1:{server.server_port}"}, namespace="gpu-operator")
    prometheus.start()
    try:
        queries = [query for _, query in dashboard_queries() if "DCGM_" in query]
        assert len(queries) == 3
        end = time.monotonic() + 120
        while not all(found := [prometheus.vector(query) for query in queries]):
            assert time.monotonic() < end
            time.sleep(0.2)
    finally:
        prometheus.stop()
        server.shutdown()
        server.server_close()
        thread.join()
    assert [[each["metric"]["pod"] for each in one] for one in found] == [["release-augmint-7d9f-abcde"]] * 3
    assert found[0][0]["value"][1] == "512"


def test_every_rule_can_be_asked(watched):
    _, _, prometheus = watched
    for rule in rules():
        prometheus.vector(rule["expr"])  # NoAnswer, if Prometheus refused it


def test_the_autoscalers_query_has_one_number(watched):
    _, _, prometheus = watched
    (trigger,) = one("ScaledObject", CASES["KEDA"])["spec"]["triggers"]
    assert prometheus.number(trigger["metadata"]["query"]) >= 0


def test_panels_lie_beside_each_other_and_no_name_is_left_to_fill_in():
    panels = dashboard()["panels"]
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)
    text = json.dumps(dashboard())
    assert not [name for name in ("NAMESPACE", "RELEASE", "CATCH_UP", "TARGET", "UNIQUE") if name in text]
