"""What a service says of a folder in which it found nothing: one sentence, with what would be right."""

from pathlib import Path

import fsspec
import pytest
import structlog
from fsspec.implementations.memory import MemoryFileSystem

from service.repository.sources import Folder, SourceError, open_source
from tests.processes import fail

PLACE = "wanted <generator>/<version>/model.onnx"
DEEP = ["data/tiny/1/model.onnx"]

# What lies in the folder, which part of it is given, and what is said.
LAID = {
    "empty": ([], "", f"it is empty; {PLACE}"),
    "something else": (["readme.md"], "", f"nothing of it is there; {PLACE}"),
    "at the top": (["model.onnx"], "", "model.onnx lies at the top; move it to <generator>/1/model.onnx"),
    "no version": (["tiny/model.onnx"], "", "tiny/model.onnx lies in no folder of a version; move it to tiny/1/model."),
    "v1": (["tiny/v12/model.onnx"], "", "a version is a whole number from 1; rename tiny/v12 to tiny/12"),
    "zeros": (["tiny/007/model.onnx"], "", "rename tiny/007 to tiny/7"),
    "latest": (["tiny/latest/model.onnx"], "", "rename tiny/latest to tiny/1"),
    "capitals": (["My Model/1/model.onnx"], "", "'My Model' cannot be a generator's name"),
    "other name": (["tiny/1/a.onnx"], "", "tiny/1: there is no model.onnx; a.onnx is, and has to be called model.onnx"),
    "other name, elsewhere": (["a.onnx"], "", "a.onnx is there, and the file has to be called model.onnx"),
    "too high": (DEEP, "", "data/tiny/1/model.onnx lies too deep; did you mean --models {root}/data?"),
    "too low": (DEEP, "data/tiny", "it is the folder of one generator; did you mean --models {root}/data?"),
    "two too low": (DEEP, "data/tiny/1", "it is the folder of one version; did you mean --models {root}/data?"),
}


def lay(root, files):
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


@pytest.mark.parametrize("case", LAID)
def test_a_folder_without_generators_is_refused_with_what_would_be_right(tmp_path, case):
    files, given, said = LAID[case]
    root = tmp_path / "root"
    root.mkdir()
    lay(root, files)
    status, text = fail("--models", str(root / given), "--port", "0", "--metrics-port", "0")
    assert status == 2
    assert said.format(root=root) in text
    (line,) = [line for line in text.splitlines() if line.startswith("error: ")]
    assert line.startswith(f"error: no generator in {root / given} can be served")


def test_beside_what_is_served_the_log_says_what_is_left_out(tmp_path):
    lay(tmp_path, ["tiny/1/model.onnx", "tiny/v2/model.onnx", "tiny/notes/readme.md"])
    with structlog.testing.capture_logs() as lines:
        assert list(Folder(tmp_path).scan().files) == [("tiny", 1)]
    assert {line["path"].removeprefix(f"{tmp_path}/"): line["reason"] for line in lines} == {
        "tiny/notes": "not a folder named like a version, a whole number from 1",
        "tiny/v2": "tiny/v2/model.onnx: a version is a whole number from 1; rename tiny/v2 to tiny/2",
    }


@pytest.mark.parametrize("case", [case for case in LAID if case not in ("empty", "other name")])
def test_a_store_is_judged_as_a_folder_is(case):
    files, given, said = LAID[case]
    MemoryFileSystem.store.clear()
    try:
        for name in files:
            fsspec.filesystem("memory").pipe_file(f"/root/{name}", b"x")
        told = open_source(f"memory://root/{given}").advice()
    finally:
        MemoryFileSystem.store.clear()
    assert said.format(root="memory://root") in told


def test_a_wrong_path_is_refused_with_the_nearest_that_there_is(tmp_path, monkeypatch):
    lay(tmp_path, ["demo/models/tiny/1/model.onnx"])
    for given, said in (
        ("demo/model", f"no such folder; did you mean {tmp_path}/demo/models?"),
        ("dmeo/models", f"no such folder; did you mean {tmp_path}/demo/models?"),
        ("quite/different", "no such folder; publish a generator with `python -m training fit`"),
        ("demo/models/tiny/1/model.onnx", f"model.onnx is no folder; did you mean {tmp_path}/demo/models?"),
    ):
        with pytest.raises(SourceError) as refusal:
            Folder(tmp_path / given).scan()
        assert str(refusal.value).startswith(str(tmp_path / given))
        assert str(refusal.value).endswith(said)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SourceError, match=rf"^~/demo/models: .*; did you mean {tmp_path}/demo/models\?$"):
        Folder(Path("~/demo/models")).scan()
    (tmp_path / "file").write_text("x")
    with pytest.raises(SourceError, match=r"file is no folder; wanted <generator>/<version>/model.onnx"):
        Folder(tmp_path / "file").scan()
    (tmp_path / "link").symlink_to("gone")
    with pytest.raises(SourceError, match=r"link, a link to gone \(/.*/gone\), leads nowhere$"):
        Folder(tmp_path / "link").scan()


def test_a_dangling_link_is_what_is_told(tmp_path):
    (tmp_path / "tiny").symlink_to("/nonexistent/tiny")
    status, text = fail("--models", str(tmp_path), "--port", "0", "--metrics-port", "0")
    assert status == 2
    assert f"can be served: {tmp_path}/tiny, a link to /nonexistent/tiny, leads nowhere" in text
