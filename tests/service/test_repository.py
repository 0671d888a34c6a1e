import os
import re
import time

import numpy as np
import onnx
import pytest
from google.protobuf import json_format
from prometheus_client import CollectorRegistry, generate_latest

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import DigestMismatch, GeneratorNotFound, GeneratorNotReady, InvalidRequest
from service.loading import Loader
from service.metrics import Metrics
from service.repository import Keep, Repository
from service.scheduler import Scheduler
from service.sources import Folder, SourceError
from tests import generators
from tests.fakes import Clock


@pytest.fixture
def load(tmp_path):
    """Load the repository in tmp_path; answers with it and its registry."""
    schedulers = []

    def load(clock=time.monotonic, **keep):
        registry = CollectorRegistry()
        metrics = Metrics(registry)
        schedulers.append(Scheduler(1, 10, metrics))
        loader = Loader(max_batch=4, alone=schedulers[-1].alone)
        repository = Repository(
            Folder(tmp_path), loader, schedulers[-1], metrics, max_samples=100, keep=Keep(**keep), clock=clock
        )
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


# -- while running ---------------------------------------------------------------------------------------------


def twice(repository):
    """A file is loaded when two scans have seen it alike; what it replaced goes at the third."""
    repository.refresh()
    repository.refresh()


def test_a_new_version_takes_over_when_two_scans_have_seen_it_alike(tmp_path, load):
    generators.publish(tmp_path)
    repository, registry = load()
    generators.publish(tmp_path, seed=1)
    repository.refresh()
    assert repository.get("tiny").identity.version == 1
    repository.refresh()
    assert repository.get("tiny").identity.version == 2
    assert repository.get("tiny", 1).identity.version == 1
    assert registry.get_sample_value("augmint_generators", {"state": "ready"}) == 2


def test_a_file_that_is_still_being_written_is_left_alone(tmp_path, load):
    generators.publish(tmp_path)
    repository, registry = load()
    content = generators.build(version=2)
    path = place(tmp_path, b"", version="2")
    for length in range(0, len(content), len(content) // 5):
        path.write_bytes(content[:length])
        repository.refresh()
    path.write_bytes(content)
    twice(repository)
    assert repository.get("tiny").identity.version == 2
    assert registry.get_sample_value("augmint_load_failures_total", {"reason": "artifact"}) is None


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_leaves_the_old_version_serving_and_is_named(tmp_path, load, kind):
    make, reason = BAD[kind]
    path = generators.publish(tmp_path)
    repository, registry = load()
    before = repository.get("tiny").identity
    path.write_bytes(make())  # over the file that is served
    twice(repository)
    assert repository.get("tiny").identity == before
    (status,) = repository.statuses()
    assert (status.state, status.digest) == (pb.GENERATOR_STATE_READY, before.digest)
    assert re.search(reason, status.reason)
    assert registry.get_sample_value("augmint_load_failures_total", {"reason": "artifact"}) == 1
    twice(repository)
    assert registry.get_sample_value("augmint_load_failures_total", {"reason": "artifact"}) == 1  # tried once
    path.write_bytes(generators.build())
    twice(repository)
    assert repository.statuses()[0].reason == ""


def test_a_bad_new_version_is_listed_and_the_old_one_stays_the_default(tmp_path, load):
    generators.publish(tmp_path)
    repository, _ = load()
    place(tmp_path, b"bad", version="2")
    twice(repository)
    assert [(s.version, s.state, s.is_default) for s in repository.statuses()] == [
        (1, pb.GENERATOR_STATE_READY, True),
        (2, pb.GENERATOR_STATE_FAILED, False),
    ]


def test_a_replaced_file_is_served_to_its_readers_until_they_are_done(tmp_path, load):
    clock = Clock()
    path = generators.publish(tmp_path)
    repository, registry = load(clock, retire_seconds=60)
    old = repository.get("tiny").identity
    repository.get("tiny", 0, old.digest)  # a reader that pins it
    path.write_bytes(generators.build(seed=1))
    twice(repository)
    new = repository.get("tiny").identity
    assert (new.version, new.digest != old.digest) == (1, True)
    for _ in range(5):
        clock.now += 50
        repository.refresh()
        assert repository.get("tiny", 1, old.digest).identity == old
    assert {s.digest: s.state for s in repository.statuses()} == {
        old.digest: pb.GENERATOR_STATE_RETIRING,
        new.digest: pb.GENERATOR_STATE_READY,
    }
    clock.now += 61
    repository.refresh()
    with pytest.raises(DigestMismatch, match=f"has the digest {new.digest}, not {old.digest}"):
        repository.get("tiny", 1, old.digest)
    assert 'digest="' + old.digest not in generate_latest(registry).decode()


def test_what_nobody_pinned_goes_with_the_next_scan(tmp_path, load):
    for seed in range(3):
        generators.publish(tmp_path, seed=seed)
    repository, registry = load(versions=2)
    assert [s.version for s in repository.statuses()] == [2, 3]
    queue = repository.get("tiny", channel="").queue
    generators.publish(tmp_path, seed=3)
    twice(repository)
    assert [(s.version, s.state) for s in repository.statuses()] == [
        (2, pb.GENERATOR_STATE_RETIRING),
        (3, pb.GENERATOR_STATE_READY),
        (4, pb.GENERATOR_STATE_READY),
    ]
    repository.refresh()
    assert [s.version for s in repository.statuses()] == [3, 4]
    assert not queue.removed
    assert 'version="2"' not in generate_latest(registry).decode()


def test_retiring_versions_are_bounded_and_the_longest_unused_goes_first(tmp_path, load):
    clock = Clock()
    path = generators.publish(tmp_path)
    repository, _ = load(clock, retiring=2, retire_seconds=1000)
    digests = []
    for seed in range(1, 5):
        digests.append(repository.get("tiny").identity.digest)
        clock.now += 1
        repository.get("tiny", 1, digests[-1])
        repository.get("tiny", 1, digests[0])
        path.write_bytes(generators.build(seed=seed))
        twice(repository)
    repository.refresh()
    kept = {s.digest for s in repository.statuses() if s.state == pb.GENERATOR_STATE_RETIRING}
    assert kept == {digests[0], digests[-1]}


def test_a_bad_file_takes_no_good_ones_place(tmp_path, load):
    for seed in range(3):
        generators.publish(tmp_path, seed=seed)
    place(tmp_path, b"bad", version="4")
    repository, _ = load(versions=2)
    assert [identity.version for identity in repository.ready()] == [2, 3]
    place(tmp_path, b"bad", version="5")
    twice(repository)
    assert [identity.version for identity in repository.ready()] == [2, 3]


def test_a_version_that_is_taken_away_and_put_back_is_not_loaded_again(tmp_path, load):
    clock = Clock()
    generators.publish(tmp_path)
    path = generators.publish(tmp_path, seed=1)
    repository, _ = load(clock)
    loaded = repository.get("tiny", 2)
    path.parent.rename(tmp_path / "aside")
    repository.refresh()
    assert repository.get("tiny").identity.version == 1
    assert repository.get("tiny", 2) is loaded  # its reader goes on
    (tmp_path / "aside").rename(path.parent)
    twice(repository)
    assert repository.get("tiny") is loaded


def test_everything_gone_at_once_is_taken_for_a_fault_of_the_folder(tmp_path, load):
    generators.publish(tmp_path / "models")
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    scheduler = Scheduler(1, 10, metrics)
    repository = Repository(Folder(tmp_path / "models"), Loader(max_batch=4), scheduler, metrics)
    repository.load()
    (tmp_path / "models").rename(tmp_path / "away")
    repository.refresh()
    (tmp_path / "models").mkdir()
    repository.refresh()
    assert repository.get("tiny").identity.version == 1
    assert registry.get_sample_value("augmint_scan_failures_total") == 2
    scheduler.close()


def test_channels_lead_to_versions_and_stable_is_the_default(tmp_path, load):
    for seed in range(3):
        path = generators.publish(tmp_path, seed=seed)
    channels = path.parents[1] / artifact.CHANNELS_FILE_NAME
    channels.write_text('{"stable": 1, "canary": 3}')
    repository, _ = load(versions=1)
    assert repository.get("tiny").identity.version == 1
    assert repository.get("tiny", channel="canary").identity.version == 3
    assert [(s.version, s.is_default, list(s.channels)) for s in repository.statuses()] == [
        (1, True, ["stable"]),
        (3, False, ["canary"]),
    ]
    with pytest.raises(GeneratorNotFound, match="no channel 'next'; channels: 'canary', 'stable'"):
        repository.get("tiny", channel="next")
    with pytest.raises(InvalidRequest, match="version 1 and channel 'canary' are both given"):
        repository.get("tiny", 1, channel="canary")
    channels.write_text('{"stable": 3}')
    twice(repository)
    assert repository.get("tiny").identity.version == 3
    channels.write_text("{")  # the last good ones stay
    repository.refresh()
    assert repository.get("tiny", channel="stable").identity.version == 3
    channels.unlink()
    repository.refresh()
    with pytest.raises(GeneratorNotFound, match="no channel 'stable'; channels: none"):
        repository.get("tiny", channel="stable")


def test_a_channel_whose_version_is_bad_falls_to_the_next_lower_one(tmp_path, load):
    generators.publish(tmp_path)
    place(tmp_path, b"bad", version="2")
    path = place(tmp_path, generators.build(version=3), version="3")
    (path.parents[1] / artifact.CHANNELS_FILE_NAME).write_text('{"stable": 2}')
    repository, _ = load()
    assert repository.get("tiny").identity.version == 1


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


def test_a_file_that_cannot_be_fetched_is_tried_again_later(tmp_path, load):
    clock = Clock()
    generators.publish(tmp_path)
    repository, registry = load(clock)
    path = place(tmp_path, generators.build(version=2), version="2")
    source = repository._source
    fail = {"on": True}

    class Flaky:
        def scan(self):
            return source.scan()

        def read(self, key, stamp):
            if fail["on"]:
                raise SourceError("the network is down")
            return source.read(key, stamp)

    repository._source = Flaky()
    twice(repository)
    assert "the network is down" in repository.status("tiny", 2).reason
    fail["on"] = False
    repository.refresh()
    assert repository.get("tiny").identity.version == 1
    clock.now += 10
    repository.refresh()
    assert repository.get("tiny").identity.digest == artifact.digest(path.read_bytes())
    assert registry.get_sample_value("augmint_load_failures_total", {"reason": "file"}) == 1
