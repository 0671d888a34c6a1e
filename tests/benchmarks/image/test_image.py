"""What `make image` says of an image and asks of it, without an image."""

import json
import subprocess
import sys
import time

import yaml

from benchmarks.fleet.cluster import replica
from benchmarks.image import __main__ as image
from benchmarks.image import checks
from benchmarks.image.checks import HARDENED, USER, Readers, grpc
from tests.generators import publish
from tests.k8s.rendering import ROOT, container


def test_what_is_looked_at_inside_is_what_is_installed():
    found = json.loads(subprocess.run([sys.executable, "-c", image.LOOK], capture_output=True, check=True).stdout)
    assert found["sizes"]["numpy"] > 10_000_000
    bill = image.bill("augmint:1.2.3", found)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"] == {
        "type": "container",
        "name": "augmint",
        "version": "1.2.3",
        "bom-ref": "augmint:1.2.3",
    }
    (grpcio,) = [each for each in bill["components"] if each["name"] == "grpcio"]
    assert grpcio["purl"] == f"pkg:pypi/grpcio@{grpcio['version']}"
    references = [each["bom-ref"] for each in bill["components"]]
    assert len(set(references)) == len(references)


def test_a_container_is_run_as_the_chart_runs_it():
    security = container({})["securityContext"]
    assert ("--read-only" in HARDENED) == security["readOnlyRootFilesystem"]
    assert HARDENED[HARDENED.index("--cap-drop") + 1] == security["capabilities"]["drop"][0]
    assert ("no-new-privileges" in HARDENED) != security["allowPrivilegeEscalation"]
    assert HARDENED[HARDENED.index("--tmpfs") + 1] in {each["mountPath"] for each in container({})["volumeMounts"]}
    assert yaml.safe_load((ROOT / "k8s/augmint/values.yaml").read_text())["podSecurityContext"]["runAsUser"] == USER


def test_the_training_job_is_the_charts():
    arguments, volumes = checks.training_job(["digits", "--steps", "9"])
    assert arguments == ["fit", "digits", "--steps", "9", "--out", "/models", "--runs", "/runs"]
    assert volumes == {"/tmp": "tmp", "/models": "models", "/runs": "runs"}


def test_readers_who_meet_a_stop_are_answered_or_told_to_go_elsewhere(tmp_path, monkeypatch):
    publish(tmp_path)
    monkeypatch.setattr(checks, "PAUSE_SECONDS", 0.02)
    flags = {"drain-seconds": 1, "stop-seconds": 30}
    with replica(tmp_path, **flags) as running, grpc.insecure_channel(running.target) as channel:
        readers = Readers(channel)
        while readers.answered(late=False) < 30 or checks.SERVING not in readers.readiness:
            time.sleep(0.01)
        readers.stopping.set()
        running.stop()
        assert running.wait() == 0
        readers.close()
    assert {how for late, how in readers.told if not late} == {"answered"}
    assert {how for late, how in readers.told if late} <= {"answered", "UNAVAILABLE"}
    assert readers.readiness == {checks.SERVING, checks.NOT_SERVING}
