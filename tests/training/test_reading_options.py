"""How DATA is read is said alike in every command, and reaches what reads it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from training.__main__ import app
from training.data import DataError
from training.kinds.image import load
from training.options import reading
from training.run.folder import Order

ASKED = ["--levels", "0..16", "--drop-scarce", "--label", "kind", "--file", "where"]
WANTED = {"levels": (0.0, 16.0), "allow_pickle": False, "drop_scarce": True, "label": "kind", "file": "where"}


def capture(monkeypatch: pytest.MonkeyPatch, place: str) -> dict[str, Any]:
    got: dict[str, Any] = {}

    def instead(*_: Any, **options: Any) -> None:
        got.update(options)
        raise DataError("asked")

    monkeypatch.setattr(place, instead)
    return got


def test_fit_reads_as_it_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got = capture(monkeypatch, "training.fit.load")
    places = ["--out", str(tmp_path / "models"), "--runs", str(tmp_path / "runs")]
    answer = CliRunner().invoke(app, ["fit", "somewhere", "--size", "16", *ASKED, *places])
    assert (answer.exit_code, got) == (2, {"size": 16, **WANTED})


@pytest.mark.parametrize("command", ["evaluate", "study"])
def test_published_files_are_measured_on_data_read_as_it_was_asked(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = capture(monkeypatch, "training.publishing.published.Published.open")
    answer = CliRunner().invoke(app, [command, str(tmp_path / "model.onnx"), "somewhere", *ASKED])
    assert (answer.exit_code, got) == (2, WANTED)


def test_what_orders_and_commands_say_is_what_reading_takes() -> None:
    taken = set(inspect.signature(load).parameters) - {"source"}
    assert set(reading(None, False, False, None, None)) | {"size"} == taken
    assert set(Order.model_fields) >= taken
