"""How DATA is read is said alike in every command, and reaches what reads it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from training import kinds
from training.__main__ import app
from training.data import DataError
from training.errors import TrainingError
from training.run.folder import Order
from training.source import SourceOptions, levels_of

ASKED = ["--levels", "0..16", "--drop-scarce", "--label", "kind", "--file", "where"]
WANTED = SourceOptions(levels=(0.0, 16.0), drop_scarce=True, label="kind", file="where")


def capture(monkeypatch: pytest.MonkeyPatch, place: str) -> list[SourceOptions]:
    got: list[SourceOptions] = []

    def instead(*arguments: Any) -> None:
        got.append(arguments[-1])
        raise DataError("asked")

    monkeypatch.setattr(place, instead)
    return got


def test_fit_reads_as_it_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got = capture(monkeypatch, "training.fit.load")
    places = ["--out", str(tmp_path / "models"), "--runs", str(tmp_path / "runs")]
    answer = CliRunner().invoke(app, ["fit", "somewhere", "--size", "16", *ASKED, *places])
    assert (answer.exit_code, got) == (2, [WANTED.model_copy(update={"size": 16})])


@pytest.mark.parametrize("command", ["evaluate", "study"])
def test_published_files_are_measured_on_data_read_as_it_was_asked(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = capture(monkeypatch, "training.publishing.published.Published.open")
    answer = CliRunner().invoke(app, [command, str(tmp_path / "model.onnx"), "somewhere", *ASKED])
    assert (answer.exit_code, got) == (2, [WANTED])


def test_the_shape_of_what_is_published_is_not_asked_for() -> None:
    answer = CliRunner().invoke(app, ["evaluate", "model.onnx", "somewhere", "--size", "16"])
    assert (answer.exit_code, "No such option" in answer.output) == (2, True)


def test_every_option_means_something_to_a_kind() -> None:
    taken = {name for kind in kinds.KINDS for name in inspect.signature(kind.load).parameters}
    shapes = {"again", "shape"}  # what a generator knows of the shape of samples, and nobody is asked for
    assert taken - shapes == {"source", *SourceOptions.model_fields}
    assert {*Order.model_fields} >= {*SourceOptions.model_fields}


def test_an_option_that_a_kind_does_not_know_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    monkeypatch.setattr(kinds.image, "load", lambda source, *, drop_scarce=False: read.append((source, drop_scarce)))
    kinds.load("somewhere", SourceOptions(drop_scarce=True))
    assert read == [("somewhere", True)]
    sentence = "somewhere is read as image, which does not take --levels; it takes --drop-scarce"
    with pytest.raises(DataError, match=f"^{sentence}$"):
        kinds.load("somewhere", WANTED.model_copy(update={"label": None, "file": None}))


@pytest.mark.parametrize(
    ("text", "value"), [("0..16", (0, 16)), (" -1 .. 1 ", (-1, 1)), ("-1000..400", (-1000, 400)), ("0...5", (0, 0.5))]
)
def test_levels_are_written_as_a_range(text: str, value: tuple[float, float]) -> None:
    assert SourceOptions.model_validate({"levels": text}).levels == value


@given(st.text(max_size=12))
def test_other_words_for_levels_are_refused(text: str) -> None:
    message, low, high = "", 0.0, 1.0
    try:
        low, high = levels_of(text)
    except TrainingError as error:
        message = str(error)
    assert "--levels" in message or not message
    assert low < high
