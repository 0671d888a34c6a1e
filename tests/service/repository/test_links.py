"""Generators behind symbolic links, as people's tools lay them out, and links that lead to nothing of use."""

import errno
import os
import re
import shutil
from pathlib import Path

import pytest

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.artifact import ArtifactError
from service.repository import sources
from service.repository.repository import Repository
from service.repository.sources import Folder, SourceError
from tests import generators


def kubernetes(volume, name, content, number):
    """A volume as the kubelet writes it: files in a folder of their own, to which `..data` is swapped in one step."""
    folder = volume / f"..2026_11_28_{number}"
    (folder / name / "1").mkdir(parents=True)
    (folder / name / "1" / artifact.FILE_NAME).write_bytes(content)
    (volume / "..data_tmp").symlink_to(folder.name)
    (volume / "..data_tmp").rename(volume / "..data")
    if not (volume / name).is_symlink():
        (volume / name).symlink_to(f"..data/{name}")


def hugging_face(models, name, content):
    """A snapshot of the hub's cache; returns the folder to serve."""
    blob = models / "models--team--tiny" / "blobs" / artifact.digest(content)
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content)
    version = blob.parents[1] / "snapshots" / "0d37" / name / "1"
    version.mkdir(parents=True)
    (version / artifact.FILE_NAME).symlink_to(os.path.relpath(blob, version))
    return version.parents[1]


@pytest.fixture
def elsewhere(tmp_path):
    """A repository outside of the one that is served, with tiny/1."""
    folder = tmp_path / "elsewhere"
    generators.publish(folder)
    return folder


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def served(folder):
    """What is found and can be read: name, version and digest."""
    source = Folder(folder)
    return {key: artifact.digest(source.read(key, stamp)) for key, stamp in source.scan().files.items()}


@pytest.mark.parametrize("linked", ["root", "generator", "version", "file", "chain"])
def test_a_link_at_any_place_is_followed_out_of_the_folder_too(models, elsewhere, linked):
    model = elsewhere / "tiny" / "1" / artifact.FILE_NAME
    folder = models
    if linked == "root":
        folder = models / "link"
        folder.symlink_to(elsewhere)
    elif linked == "generator":
        (models / "tiny").symlink_to(elsewhere / "tiny")
    elif linked == "version":
        (models / "tiny").mkdir()
        (models / "tiny" / "1").symlink_to(elsewhere / "tiny" / "1")
    else:
        (models / "tiny" / "1").mkdir(parents=True)
        target = model
        if linked == "chain":
            target = models / "hop"
            target.symlink_to(model)
        (models / "tiny" / "1" / artifact.FILE_NAME).symlink_to(target)
    assert served(folder) == {("tiny", 1): artifact.digest(model.read_bytes())}


def test_the_cache_of_hugging_face_and_the_volumes_of_kubernetes_are_served(tmp_path, models):
    content = generators.build()
    kubernetes(models, "tiny", content, 1)
    for folder in (models, hugging_face(tmp_path, "tiny", content)):
        assert served(folder) == {("tiny", 1): artifact.digest(content)}


def test_the_root_of_another_process_is_followed_as_a_modelcar_has_it(tmp_path, elsewhere):
    (tmp_path / "models").symlink_to(f"/proc/{os.getpid()}/root{elsewhere}")
    assert list(served(tmp_path / "models")) == [("tiny", 1)]


def test_a_volume_that_is_swapped_is_taken_while_the_old_one_serves(tmp_path, load):
    first, second = generators.build(), generators.build(seed=1)
    kubernetes(tmp_path, "tiny", first, 1)
    repository, _ = load()
    assert repository.get("tiny").identity.digest == artifact.digest(first)
    kubernetes(tmp_path, "tiny", second, 2)
    shutil.rmtree(tmp_path / "..2026_11_28_1")
    repository.refresh()  # two looks: what is being written is left alone
    repository.refresh()
    assert repository.get("tiny").identity.digest == artifact.digest(second)
    assert [status.name for status in repository.statuses() if status.state == pb.GENERATOR_STATE_READY] == ["tiny"]


def test_another_target_of_the_same_size_and_time_is_another_stamp(models, elsewhere):
    files = []
    for name in ("a", "b"):
        path = elsewhere / name
        path.write_bytes(name.encode() * 10)
        os.utime(path, ns=(10**18, 10**18))
        files.append(path)
    (models / "tiny" / "1").mkdir(parents=True)
    link = models / "tiny" / "1" / artifact.FILE_NAME
    link.symlink_to(files[0])
    before = Folder(models).scan().files["tiny", 1]
    assert Folder(models).scan().files["tiny", 1] == before
    link.unlink()
    link.symlink_to(files[1])
    after = Folder(models).scan().files["tiny", 1]
    assert after != before
    # Written over in its place, and its time set back.
    files[1].write_bytes(b"c" * 10)
    os.utime(files[1], ns=(10**18, 10**18))
    assert Folder(models).scan().files["tiny", 1] != after


def test_a_file_and_its_digest_from_two_sides_of_a_swap_are_read_again(models, monkeypatch):
    kubernetes(models, "tiny", b"first", 1)
    source = Folder(models)
    stamp = source.scan().files["tiny", 1]
    read = sources._read

    def swapping(path, *limit):
        content = read(path, *limit)
        if content == b"first":
            kubernetes(models, "tiny", b"second", 2)
            record = models / "tiny" / "1" / artifact.DIGEST_FILE_NAME
            record.write_text(artifact.digest(b"second"))
        return content

    monkeypatch.setattr(sources, "_read", swapping)
    with pytest.raises(SourceError, match=r"^model\.onnx changed while it was read; it is read again$"):
        source.read(("tiny", 1), stamp)
    assert source.read(("tiny", 1), source.scan().files["tiny", 1]) == b"second"


NO_FILE = "is not a regular file"
# Where the link leads, in the folder of the models; what is raised; what is said after "model.onnx, a link to ".
FAULTS = {
    "nowhere": ("../../gone", SourceError, r"\.\./\.\./gone \(/.*/models/gone\), leads nowhere"),
    "circle": ("model.onnx", SourceError, r"model\.onnx \(/.*\), leads in a circle"),
    "folder": ("{models}", ArtifactError, rf"/.*/models, {NO_FILE}"),
    "device": ("/dev/zero", ArtifactError, f"/dev/zero, {NO_FILE}"),
    "pipe": ("{models}/pipe", ArtifactError, f"/.*/pipe, {NO_FILE}"),
    "through a file": ("{models}/text/x", SourceError, "/.*/text/x, cannot be read: Not a directory"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_link_that_leads_to_no_file_is_refused_in_one_sentence_and_beside_it_is_served(models, elsewhere, kind):
    target, error, reason = FAULTS[kind]
    os.mkfifo(models / "pipe")
    (models / "text").write_text("x")
    (models / "bad" / "1").mkdir(parents=True)
    (models / "bad" / "1" / artifact.FILE_NAME).symlink_to(target.format(models=models))
    (models / "tiny").symlink_to(elsewhere / "tiny")
    source = Folder(models)
    files = source.scan().files
    assert set(files) == {("bad", 1), ("tiny", 1)}
    with pytest.raises(error, match=rf"^model\.onnx, a link to {reason}$") as told:
        source.read(("bad", 1), files["bad", 1])
    assert "\n" not in str(told.value)
    source.read(("tiny", 1), files["tiny", 1])


def test_a_link_to_what_may_not_be_looked_at_is_the_fault_of_one_file(models, elsewhere, monkeypatch):
    (models / "bad" / "1").mkdir(parents=True)
    link = models / "bad" / "1" / artifact.FILE_NAME
    link.symlink_to("/closed/model")
    (models / "tiny").symlink_to(elsewhere / "tiny")
    look = Path.stat

    def refused(path, **options):
        if path == link and options.get("follow_symlinks", True):  # as it is for all but root
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return look(path, **options)

    monkeypatch.setattr(Path, "stat", refused)
    source = Folder(models)
    files = source.scan().files
    with pytest.raises(SourceError, match=r"^model\.onnx, a link to /closed/model, cannot be read: Permission denied$"):
        source.read(("bad", 1), files["bad", 1])
    source.read(("tiny", 1), files["tiny", 1])


def test_what_a_dangling_link_leads_to_is_taken_when_it_comes(models, elsewhere, load_from):
    generators.publish(models, "other")
    (models / "tiny" / "1").mkdir(parents=True)
    (models / "tiny" / "1" / artifact.FILE_NAME).symlink_to(models / "later")
    (models / "third").symlink_to(models / "gone")
    repository = load_from(models)
    assert re.search("leads nowhere", repository.status("tiny", 1).reason)
    shutil.copy(elsewhere / "tiny" / "1" / artifact.FILE_NAME, models / "later")
    repository.refresh()
    repository.refresh()
    assert repository.status("tiny", 1).state == pb.GENERATOR_STATE_READY


@pytest.fixture
def load_from(load, monkeypatch):
    """As `load`, from another folder than tmp_path."""

    def load_from(folder) -> Repository:
        monkeypatch.setattr("tests.service.conftest.Folder", lambda _: Folder(folder))
        return load()[0]

    return load_from


def test_channels_behind_a_link_are_read_and_a_dangling_one_is_not_taken_for_none(models, elsewhere):
    (models / "tiny").symlink_to(elsewhere / "tiny")
    channels = elsewhere / "tiny" / artifact.CHANNELS_FILE_NAME
    channels.symlink_to(elsewhere / "stable.json")
    with pytest.raises(SourceError, match=r"/models/tiny: channels\.json, a link to /.*/stable\.json, leads nowhere$"):
        Folder(models).scan()
    (elsewhere / "stable.json").write_text('{"stable": 1}')
    assert Folder(models).scan().channels == {"tiny": '{"stable": 1}'}
    channels.unlink()
    os.mkfifo(channels)
    with pytest.raises(SourceError, match=r"/models/tiny: channels\.json is not a regular file$"):
        Folder(models).scan()


def test_an_alias_is_refused_by_the_name_that_is_in_the_file(tmp_path, load):
    path = generators.publish(tmp_path)
    (tmp_path / "alias").symlink_to("tiny")
    (tmp_path / "tiny" / "latest").symlink_to("1")
    repository, _ = load()
    assert [status.name for status in repository.statuses()] == ["alias", "tiny"]
    assert "says that it is tiny/1, and it lies in alias/1" in repository.status("alias", 1).reason
    assert repository.get("tiny").identity.digest == artifact.digest(path.read_bytes())


def test_links_that_form_a_tree_without_end_end(models):
    (models / "tiny").mkdir()
    (models / "tiny" / "1").symlink_to(models)
    (models / "loop").symlink_to("loop")
    assert set(Folder(models).scan().files) == {("tiny", 1)}
    assert Folder(models).advice()
