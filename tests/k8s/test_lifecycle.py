"""Install, upgrade, roll back, uninstall: by Helm, against a stand-in for Kubernetes' API."""

import helm_python as helm
import pytest

from tests.k8s.api import api
from tests.k8s.rendering import CASES, CHART, NAMESPACE, objects


@pytest.fixture
def cluster():
    with api() as (kubeconfig, found):
        yield helm.Config(kubeconfig_content=kubeconfig, namespace=NAMESPACE, storage_driver="memory"), found


def names(found):
    return {(each["kind"], each["metadata"]["name"]) for each in found}


def test_a_release_comes_changes_goes_back_and_leaves_nothing(cluster):
    releases, found = cluster
    assert releases.install(str(CHART), "release", {})["status"] == "deployed"
    assert set(found) == names(objects({}))
    assert found["Deployment", "release-augmint"]["spec"]["replicas"] == 1

    releases.upgrade(str(CHART), "release", CASES["KEDA"])
    assert set(found) == names(objects(CASES["KEDA"]))
    assert "release-augmint" in found["ScaledObject", "release-augmint"]["metadata"]["name"]

    releases.rollback("release", version=1)
    assert set(found) == names(objects({}))

    releases.uninstall("release")
    assert found == {}


def test_other_training_values_replace_the_job(cluster):
    releases, found = cluster
    values = CASES["training once"]
    releases.install(str(CHART), "release", values)
    (first,) = [name for kind, name in found if kind == "Job"]
    longer = {**values, "training": {**values["training"], "arguments": ["/data", "--budget", "8h"]}}
    releases.upgrade(str(CHART), "release", longer)
    (second,) = [name for kind, name in found if kind == "Job"]
    assert second != first


def test_what_the_api_refuses_leaves_the_old_release_as_it_was(cluster):
    releases, found = cluster
    releases.install(str(CHART), "release", {"replicas": 2})
    before = found["Deployment", "release-augmint"]["spec"]
    with pytest.raises(helm.HelmError, match="Deployment release-augmint"):
        releases.upgrade(str(CHART), "release", {"affinity": {"nodeAfinity": {}}})
    assert found["Deployment", "release-augmint"]["spec"] == before


def test_a_secret_that_is_missing_is_named_at_once(cluster):
    releases, found = cluster
    found["Secret", "clients"] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "clients"}}
    said = releases.install(str(CHART), "release", CASES["TLS"])["notes"]
    assert "tls.secret names the secret certificates, which is not in lab yet" in said
    assert "access.tokensSecret" not in said
