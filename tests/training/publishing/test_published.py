"""A published file is measured again, reported and published anew; other data and foreign files are refused."""

from __future__ import annotations

import html.parser
import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from tests import generators
from tests.training import shades
from training.__main__ import app
from training.judge import fitting
from training.publishing.published import EvaluationError, Published
from training.report import curves


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shades.write(tmp_path_factory.mktemp("data"), 120, ("<dark>", "light"))


@pytest.fixture(scope="module")
def published(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def tell(message: pb.Generator) -> None:
        line = {"baseline": "mixup", "gain": -0.02, "gain_low": -0.03, "gain_high": -0.01}
        message.quality.gains.add(scenario="20 per class", **line)
        message.quality.findings.add(kind="too-few-steps", severity=pb.SEVERITY_WARNING, text="Too few steps.")

    return shades.publish(tmp_path_factory.mktemp("models"), data, '{"width": 4}', tell, scored=True)


def invoke(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture(scope="module")
def evaluated(published: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, Path]:
    folder = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "default_steps", lambda samples: 20)
        code, output = invoke(
            *("evaluate", published, data, "--repeats", 2, "--publish", "--force"),
            *("--json", folder / "card.json", "--report", folder / "report.html"),
        )
    return code, output, folder


def test_the_new_version_has_the_new_card_and_the_same_samples(
    evaluated: tuple[int, str, Path], published: Path
) -> None:
    code, output, _ = evaluated
    assert code == 0, output
    new = published.parents[1] / "2" / "model.onnx"
    sessions = [Session(path.read_bytes()) for path in (published, new)]
    old_message, message = (artifact.from_json(session.metadata) for session in sessions)
    assert message.quality.verdict == pb.VERDICT_WITHHELD
    assert message.quality.score_repeats == 2
    assert message.provenance == old_message.provenance
    assert message.scored
    assert sessions[1].scored
    rows = artifact.golden_rows(old_message)
    assert np.array_equal(*(session.run(rows) for session in sessions))


def test_what_a_study_and_training_found_stays(evaluated: tuple[int, str, Path]) -> None:
    card = json.loads((evaluated[2] / "card.json").read_text())
    assert card["gains"][0]["scenario"] == "20 per class"
    assert "too-few-steps" in {finding["kind"] for finding in card["findings"]}
    assert card["verdict"] == "VERDICT_WITHHELD"


class _Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_report_stands_alone_and_shows_names_as_they_are(evaluated: tuple[int, str, Path]) -> None:
    text = (evaluated[2] / "report.html").read_text()
    page = _Page()
    page.feed(text)
    assert not page.open
    assert len(page.sources) == 2 * 2 + 2 * 20  # two classes and the twenty nearest, each beside a real one
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert not re.search(r"https?://|@import|url\(", text)
    words = " ".join(" ".join(page.words).split())
    for expected in ("<dark>", "withheld", "version 2", "Too few steps.", "20 per class", "Nearest training samples"):
        assert expected in words
    assert len(text) < 2**20


def test_withheld_is_not_published_without_force(published: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "default_steps", lambda samples: 20)
    before = artifact.published_versions(published.parents[2], "shades")
    code, output = invoke("evaluate", published, data, "--repeats", 1, "--publish")
    assert code == 3
    assert "shades is withheld; nothing was published." in output
    assert artifact.published_versions(published.parents[2], "shades") == before


def test_other_data_is_refused(published: Path, tmp_path: Path) -> None:
    code, output = invoke("evaluate", published, "digits")
    assert code == 2
    assert "digits is not the data that" in output
    assert "Traceback" not in output


def test_the_same_samples_under_other_names_are_refused_by_the_names(published: Path, tmp_path: Path) -> None:
    code, output = invoke("evaluate", published, shades.write(tmp_path, 120, ("day", "night")))
    assert code == 2
    assert "and other names of classes: 'day' and 'night'; recorded are '<dark>' and 'light'" in output


def test_a_file_that_says_nothing_about_its_data_is_refused(tmp_path: Path) -> None:
    path = generators.publish(tmp_path)
    with pytest.raises(EvaluationError, match="does not say what data it was made from"):
        Published.open(path, "digits")


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_what_is_no_generator_is_refused_in_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    for command in ("evaluate", "study"):
        code, output = invoke(command, path, "digits")
        assert code == 2
        assert output.startswith(f"error: {path}: ")


def test_a_file_may_be_reached_by_a_link_as_in_a_cache(published: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").symlink_to("blob")
    (tmp_path / "blob").symlink_to(published)
    assert Published.open(tmp_path / "model.onnx", str(data)).content == published.read_bytes()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    code, output = invoke("evaluate", tmp_path / "model.onnx", "digits")
    assert code == 2
    assert output == f"error: {tmp_path / 'model.onnx'}: no such file; wanted a published model.onnx"


def test_a_folder_without_a_finished_run_has_no_report(tmp_path: Path) -> None:
    code, output = invoke("report", tmp_path)
    assert code == 2
    assert "holds no finished run" in output


def test_curves_fit_their_frame_and_leave_out_what_is_not_finite() -> None:
    steps = np.arange(1000.0)
    values = np.sin(steps / 50)
    values[10] = np.nan
    drawn = curves.chart("Loss", {"loss/a": np.stack([steps, values], 1), "loss/b": np.array([[0.0, np.inf]])})
    assert [line.name for line in drawn.lines] == ["a"]
    points = np.array([pair.split(",") for pair in drawn.lines[0].points.split()], float)
    assert len(points) <= 160
    assert points.min() >= 0
    assert points[:, 0].max() <= curves.WIDTH
    assert points[:, 1].max() <= curves.HEIGHT
    assert drawn.low >= -1
    assert drawn.high <= 1
