"""service/repository/repository.py: what changes while it runs."""

import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import DigestMismatch, GeneratorNotFound, InvalidRequest
from service.metrics import Metrics
from service.repository.loader import Loader
from service.repository.repository import Repository
from service.repository.sources import Folder, SourceError
from service.scheduling.scheduler import Scheduler
from tests import generators
from tests.fakes import Clock
from tests.service.folders import BAD, place


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
