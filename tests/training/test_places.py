"""Where a run writes is proven before anything is read, and a full disk is one sentence that says how to go on."""

from __future__ import annotations

import errno
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from tests.generators import build
from training import places
from training.__main__ import app
from training.config.presets import resolve
from training.data.kind import Picture
from training.places import CannotWrite, RunError, prove_file, prove_folder, prove_room
from training.publishing.release import Unpublished, release
from training.quality import decide
from training.run.events import Events, Occasion
from training.run.folder import Order, Run

SHEET = Picture(b"\x89PNG", ".png", "image/png")


def full(*arguments: object, **options: object) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def order(**changes: Any) -> Order:
    values = {
        "data": "digits",
        "size": None,
        "preset": "rpgan",
        "config": resolve("rpgan", {}),
        "seed": 0,
        "budget_seconds": None,
        "steps": 5,
        "out": "models",
        "name": "digits",
    }
    return Order(**{**values, **changes})


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    prove_folder(tmp_path / "there", "--out")
    prove_folder(tmp_path / "not" / "yet", "--out")
    assert everything(tmp_path) == ["there"]


@pytest.mark.parametrize("target", ["file", "file/deeper", "file/much/deeper"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path, target: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match=rf"{tmp_path}/file is no folder; --out names one"):
        prove_folder(tmp_path / target, "--out")


def test_a_place_that_takes_nothing_is_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match=r"No space left on device; --runs names another place"):
        prove_folder(tmp_path / "runs", "--runs")
    assert everything(tmp_path) == []


def test_a_place_of_another_owner_is_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(self: Path, *arguments: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "mkdir", forbidden)  # the super-user may do everything
    with pytest.raises(CannotWrite, match=rf"{tmp_path}/new: Permission denied; --out names another place"):
        prove_folder(tmp_path / "new", "--out")


def test_a_file_that_an_option_names_is_proven(tmp_path: Path) -> None:
    prove_file(None, "--json")
    prove_file(tmp_path / "card.json", "--json")
    assert everything(tmp_path) == []
    with pytest.raises(CannotWrite, match="is a folder; --json names a file"):
        prove_file(tmp_path, "--json")
    with pytest.raises(CannotWrite, match="is no folder; --report names a file in one that is there"):
        prove_file(tmp_path / "nowhere" / "report.html", "--report")


def test_a_checkpoint_that_cannot_fit_is_refused_and_one_that_hardly_does_is_worth_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10_000_000))
    with pytest.raises(CannotWrite, match=r"10 MB free, but a checkpoint takes 23\.1 MB.*--runs names another place"):
        prove_room(tmp_path, 21_000_000)
    assert "twice that while it is replaced" in prove_room(tmp_path, 5_000_000)
    assert prove_room(tmp_path, 1_000_000) == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "digits", "--out", "FILE"],
        ["fit", "digits", "--out", "FILE/deeper"],
        ["fit", "digits", "--runs", "FILE"],
        ["evaluate", "no-model.onnx", "digits", "--json", "nowhere/card.json"],
        ["evaluate", "no-model.onnx", "digits", "--publish", "--out", "FILE"],
        ["study", "no-model.onnx", "digits", "--report", "nowhere/report.html"],
        ["report", "no-run", "--out", "nowhere/report.html"],
    ],
)
def test_commands_prove_their_targets_before_they_read_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("kept")
    monkeypatch.setattr("training.fit.load", lambda *_, **__: pytest.fail("the data was read"))
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2, result.output
    assert "FILE is no folder" in result.output or "nowhere is no folder" in result.output
    assert "Traceback" not in result.output
    assert everything(tmp_path) == ["FILE"]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("checkpoint.pt", lambda run: run.save({"weights": np.zeros(3).tolist()})),
        ("card.json", lambda run: run.write_json("card.json", {"a": 1})),
        ("report.html", lambda run: run.write_report("<html>")),
        ("model.onnx", lambda run: run.write_model(b"model")),
        ("reading.png", lambda run: run.save_reading(SHEET)),
        ("samples/step-0000005.png", lambda run: run.save_picture(5, SHEET)),
        ("order.json", lambda run: run.decide(run.order)),
    ],
)
def test_a_full_disk_leaves_whole_files_and_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, write: Callable[[Run], object]
) -> None:
    run = Run.start(tmp_path, order())
    write(run)
    before = (run.folder / name).read_bytes()
    monkeypatch.setattr(Path, "chmod", full)  # after the file was written, before it takes its place
    with pytest.raises(CannotWrite, match=rf"{name}: No space left on device \(.* free\)"):
        write(run)
    assert (run.folder / name).read_bytes() == before
    assert not list(run.folder.rglob(".*"))


def test_what_pytorch_makes_of_a_full_disk_is_the_same_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(state: object, file: Any) -> None:
        try:
            full()
        finally:
            raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 9502720 vs 9502608")

    run = Run.start(tmp_path, order())
    monkeypatch.setattr("training.run.folder.torch.save", save)
    with pytest.raises(CannotWrite, match=r"checkpoint\.pt: No space left on device"):
        run.save({})
    assert everything(run.folder) == ["order.json"]


def test_a_run_that_cannot_be_started_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "chmod", full)
    with pytest.raises(CannotWrite, match=r"order\.json: No space left"):
        Run.start(tmp_path, order())
    assert everything(tmp_path) == []


def test_an_event_that_does_not_fit_any_more_is_taken_back(tmp_path: Path) -> None:
    events = Events(tmp_path)
    events.add(0, Occasion.STARTED, "first")
    before = (tmp_path / "events.jsonl").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))  # as a full disk: a part of it fits
    try:
        with pytest.raises(CannotWrite, match=r"events\.jsonl: File too large"):
            events.add(1, Occasion.FOUND, "second")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "events.jsonl").read_bytes() == before
    events.add(1, Occasion.FOUND, "second")
    assert [event.text for event in events.read()] == ["first", "second"]


def candidate() -> tuple[pb.Generator, onnx.ModelProto]:
    content = build(labels=("a", "b"))
    message = artifact.from_json(Session(content).metadata)
    message.quality.MergeFrom(
        pb.QualityCard(
            real_samples=1000,
            real_accuracy=0.95,
            classification_accuracy_score=0.9,
            classes=[pb.ClassQuality(label=label) for label in message.labels],
        )
    )
    decide(message.quality, ())
    return message, onnx.load_from_string(content)


def test_a_publication_that_fails_says_where_the_file_is_and_what_publishes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, kept = tmp_path / "my models", tmp_path / "run" / "model.onnx"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unpublished) as caught:
            release(models, *candidate(), kept)
    assert "No space left on device" in str(caught.value)
    assert f"whole in {kept}; `python -m training publish {kept} --out '{models}'` publishes it" in str(caught.value)
    assert everything(tmp_path) in ([], ["my models"])
    kept.parent.mkdir()
    kept.write_bytes(build(labels=("a", "b")))
    result = CliRunner().invoke(app, ["publish", str(kept), "--out", str(models)])
    assert result.exit_code == 0, result.output
    assert (models / "tiny" / "1" / "model.onnx").is_file()


def test_publish_takes_a_finished_run_and_its_order(tmp_path: Path) -> None:
    run = Run.start(tmp_path / "runs", order(out=str(tmp_path / "models"), name="tiny"))
    unfinished = CliRunner().invoke(app, ["publish", str(run.folder)])
    assert unfinished.exit_code == 2
    assert "holds no finished run: it has no model.onnx" in " ".join(unfinished.output.split())
    run.write_model(build(labels=("a", "b")))
    for extra, made in (([], "tiny/1"), ([], "tiny/2"), (["--name", "other"], "other/1")):
        result = CliRunner().invoke(app, ["publish", str(run.folder), *extra])
        assert result.exit_code == 0, result.output
        assert (tmp_path / "models" / made / "model.onnx").is_file()
    wrong = CliRunner().invoke(app, ["publish", str(run.folder), "--name", "No Spaces"])
    assert wrong.exit_code == 2
    assert "begin with a lower-case letter" in " ".join(wrong.output.split())


def test_sizes_are_in_words() -> None:
    assert [places.size(count) for count in (0, 999, 9_500_000, 2e9, 5e12)] == [
        "0 bytes",
        "999 bytes",
        "9.5 MB",
        "2 GB",
        "5,000 GB",
    ]


def test_faults_of_places_are_faults_of_runs() -> None:
    assert issubclass(CannotWrite, RunError)
