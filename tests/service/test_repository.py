import os
import re

import numpy as np
import onnx
import pytest
from google.protobuf import json_format
from prometheus_client import CollectorRegistry

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import DigestMismatch, GeneratorNotFound, GeneratorNotReady, InvalidRequest
from service.metrics import Metrics
from service.repository import Repository
from service.scheduler import Scheduler
from tests import generators


@pytest.fixture
def load(tmp_path):
    """Load the repository in tmp_path; answers with it and its registry."""
    schedulers = []

    def load():
        registry = CollectorRegistry()
        metrics = Metrics(registry)
        schedulers.append(Scheduler(1, 10, metrics))
        repository = Repository(tmp_path, schedulers[-1], metrics, max_batch=4, max_samples=100)
        repository.load()
        return repository, registry

    yield load
    for scheduler in schedulers:
        scheduler.close()


def place(models, content, name="tiny", version="1"):
    folder = models / name / version
    folder.mkdir(parents=True)
    (folder / artifact.FILE_NAME).write_bytes(content)
    return folder / artifact.FILE_NAME


def altered(change):
    """A real artifact whose metadata are changed after validation."""
    model = onnx.load_from_string(generators.build())
    entry = next(entry for entry in model.metadata_props if entry.key == artifact.METADATA_KEY)
    message = json_format.Parse(entry.value, pb.Generator())
    change(message)
    entry.value = json_format.MessageToJson(message)
    return model.SerializeToString()


def without_metadata():
    model = onnx.load_from_string(generators.build())
    del model.metadata_props[:]
    return model.SerializeToString()


def broken_golden(message):
    message.golden[0].data = bytes(len(message.golden[0].data))


def other_shape(message):
    message.sample.shape[:] = [4, 16, 1]


def other_weights():
    model = onnx.load_from_string(generators.build())
    for tensor in model.graph.initializer:
        if tensor.name == "second":
            tensor.raw_data = (np.frombuffer(tensor.raw_data, np.float32) * 1.5).tobytes()
    return model.SerializeToString()


def other_characters():
    content = generators.build()
    return content.replace(b'"name": "tiny"', b'"name": "t\xffny"', 1)


BAD = {
    "empty": (lambda: b"", "cannot load the file"),
    "not onnx": (lambda: b"hello", "cannot load the file"),
    "truncated": (lambda: generators.build()[:-200], "cannot load the file"),
    "not text": (other_characters, "a text in the file is not UTF-8"),
    "no metadata": (without_metadata, "no metadata augmint.v1.Generator"),
    "no labels": (lambda: altered(lambda message: message.ClearField("labels")), "no labels"),
    "other shape": (lambda: altered(other_shape), "graph output sample is uint8"),
    "other name": (lambda: generators.build(name="other"), "says that it is other/1, and it lies in tiny/1"),
    "other version": (lambda: generators.build(version=2), "says that it is tiny/2, and it lies in tiny/1"),
    "golden": (lambda: altered(broken_golden), "golden sample 0 .* differs from the one recorded"),
    "weights": (other_weights, "golden sample 0 .* differs from the one recorded"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_with_its_reason_and_stops_no_good_one(tmp_path, load, kind):
    make, reason = BAD[kind]
    place(tmp_path, make())
    generators.publish(tmp_path, "good")
    repository, registry = load()
    good, bad = repository.statuses()
    assert (good.name, good.state, good.is_default) == ("good", pb.GENERATOR_STATE_READY, True)
    assert (bad.name, bad.state, bad.is_default) == ("tiny", pb.GENERATOR_STATE_FAILED, False)
    for version in (1, 0):
        with pytest.raises(GeneratorNotFound, match=reason):
            repository.get("tiny", version)
    assert re.search(reason, bad.reason)
    assert repository.get("", 0).identity.name == "good"
    assert registry.get_sample_value("augmint_load_failures_total", {"reason": "artifact"}) == 1


def test_a_folder_without_a_file_and_an_unreadable_one_have_their_reasons(tmp_path, load):
    (tmp_path / "none" / "1").mkdir(parents=True)
    (tmp_path / "link" / "1").mkdir(parents=True)
    (tmp_path / "link" / "1" / artifact.FILE_NAME).symlink_to(generators.publish(tmp_path, "good"))
    (tmp_path / "pipe" / "1").mkdir(parents=True)
    os.mkfifo(tmp_path / "pipe" / "1" / artifact.FILE_NAME)
    repository, registry = load()
    reasons = {status.name: status.reason for status in repository.statuses()}
    assert reasons["none"] == "there is no model.onnx"
    assert "symbolic links" in reasons["link"]
    assert reasons["pipe"] == "model.onnx is not a regular file"
    assert reasons["good"] == ""
    assert registry.get_sample_value("augmint_load_failures_total", {"reason": "file"}) == 2


def test_odd_names_and_links_are_ignored(tmp_path, load):
    path = generators.publish(tmp_path)
    (tmp_path / "Upper Case").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "tiny")
    (tmp_path / "notes.txt").write_text("x")
    for version in ("0", "01", "latest", ".staging-1"):
        (path.parent.parent / version).mkdir()
    repository, _ = load()
    assert [(status.name, status.version) for status in repository.statuses()] == [("tiny", 1)]


def test_the_default_is_the_highest_version_that_is_ready(tmp_path, load):
    for seed in range(10):
        generators.publish(tmp_path, seed=seed)
    place(tmp_path, b"bad", version="11")
    repository, _ = load()
    assert repository.get("tiny", 0).identity.version == 10
    assert [status.version for status in repository.statuses()] == list(range(1, 12))
    assert [status.version for status in repository.statuses() if status.is_default] == [10]
    assert repository.get("", 3).identity.digest == artifact.digest((tmp_path / "tiny/3/model.onnx").read_bytes())


def test_questions_for_what_is_not_there_name_what_is(tmp_path, load):
    generators.publish(tmp_path, "one")
    generators.publish(tmp_path, "two")
    repository, _ = load()
    digest = repository.get("one", 0).identity.digest
    cases = [
        (("three", 0, ""), GeneratorNotFound, "no generator 'three'; generators: 'one', 'two'"),
        (("one", 2, ""), GeneratorNotFound, "generator 'one' has no version 2; versions: 1"),
        (("", 0, ""), InvalidRequest, "several: 'one', 'two'"),
        (("one", 0, "ab" * 32), DigestMismatch, f"has the digest {digest}, not abab"),
        (("one", 0, "AB"), InvalidRequest, "digest 'AB' is no SHA-256"),
    ]
    for question, kind, message in cases:
        with pytest.raises(kind, match=message):
            repository.get(*question)
    assert repository.get("one", 1, digest).identity.name == "one"


def test_a_generator_that_is_being_loaded_is_not_ready(tmp_path, load, monkeypatch):
    generators.publish(tmp_path)
    seen = []

    def looking(self, name, version):
        with pytest.raises(GeneratorNotReady, match="is being loaded"):
            self.get(name, 0)
        seen.append(self.status(name, version).state)

    monkeypatch.setattr(Repository, "_load_one", looking)
    load()
    assert seen == [pb.GENERATOR_STATE_LOADING]


def test_limits_respect_the_size_of_a_sample(tmp_path, load):
    generators.publish(tmp_path)
    generators.publish(tmp_path, "large", shape=(1024, 1024, 3), hidden=1)
    repository, _ = load()
    assert repository.get("tiny", 0).max_samples == 100
    large = repository.get("large", 0)
    assert large.max_samples == 2**26 // (1024 * 1024 * 3)
    assert 1 <= large.preferred_page_samples <= large.max_samples
