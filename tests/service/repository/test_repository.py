"""service/repository/repository.py: what is found when it starts."""

import os
import re
from pathlib import Path

import pytest
import structlog

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import DigestMismatch, GeneratorNotFound, GeneratorNotReady, InvalidRequest
from service.repository.loader import Loader
from service.repository.repository import Repository
from tests import generators
from tests.service.folders import BAD, altered, place


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
    generators.publish(tmp_path, "good")
    (tmp_path / "pipe" / "1").mkdir(parents=True)
    os.mkfifo(tmp_path / "pipe" / "1" / artifact.FILE_NAME)
    repository, registry = load()
    reasons = {status.name: status.reason for status in repository.statuses()}
    assert reasons["none"] == "there is no model.onnx"
    assert reasons["pipe"] == "model.onnx is not a regular file"
    assert reasons["good"] == ""
    assert registry.get_sample_value("augmint_load_failures_total", {"reason": "file"}) == 1


def test_odd_names_are_ignored(tmp_path, load):
    path = generators.publish(tmp_path)
    (tmp_path / "Upper Case").mkdir()
    for name in ("notes.txt", "README.md", "LICENSE"):
        (tmp_path / name).write_text("x")
    for version in ("0", "01", "latest", ".staging-1"):
        (path.parent.parent / version).mkdir()
    with structlog.testing.capture_logs() as lines:
        repository, _ = load()
    assert [(status.name, status.version) for status in repository.statuses()] == [("tiny", 1)]
    named = {Path(line["path"]).name for line in lines if line["event"] == "ignored"}
    assert named == {"Upper Case", "notes.txt", "0", "01", "latest"}  # once each; what people read is no surprise


def test_the_default_is_the_highest_version_that_is_ready(tmp_path, load):
    for seed in range(10):
        generators.publish(tmp_path, seed=seed)
    place(tmp_path, b"bad", version="11")
    repository, _ = load(versions=100)
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

    load_one = Repository._load_one

    def looking(self, key, stamp):
        with pytest.raises(GeneratorNotReady, match="is being loaded"):
            self.get(key[0])
        seen.append(self.status(*key).state)
        load_one(self, key, stamp)

    monkeypatch.setattr(Repository, "_load_one", looking)
    load()
    assert seen == [pb.GENERATOR_STATE_LOADING]


def test_limits_respect_the_size_of_a_sample(tmp_path, load):
    generators.publish(tmp_path)
    generators.publish(tmp_path, "large", shape=(512, 512, 3), hidden=1)
    repository, _ = load()
    assert repository.get("tiny", 0).max_samples == 100
    large = repository.get("large", 0)
    assert large.max_samples == 2**26 // (512 * 512 * 3)
    assert 1 <= large.preferred_page_samples <= large.max_samples


def test_a_withheld_generator_is_refused_unless_that_is_allowed(tmp_path, load):
    def withhold(message):
        message.quality.verdict = pb.VERDICT_WITHHELD
        message.quality.reasons.append("coverage 0.02 is below 0.2.")

    content = altered(withhold)
    place(tmp_path, content)
    repository, registry = load()
    with pytest.raises(GeneratorNotFound, match=r"its quality card withholds it: coverage 0.02 is below 0.2"):
        repository.get("tiny")
    assert registry.get_sample_value("augmint_load_failures_total", {"reason": "withheld"}) == 1
    message, _, _ = Loader(max_batch=4, allow_withheld=True).load(content, "tiny", 1)
    assert message.quality.verdict == pb.VERDICT_WITHHELD
