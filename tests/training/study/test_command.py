"""`python -m training study` as a user runs it: stopped, gone on with, written, reported and published."""

import json
import re

import pytest
from typer.testing import CliRunner

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from tests.training import shades
from training.__main__ import app
from training.judge import fitting


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return shades.write(tmp_path_factory.mktemp("data"), 80)


@pytest.fixture(scope="module")
def published(data, tmp_path_factory):
    config = '{"width": 4, "latent_size": 8, "batch_size": 16}'
    return shades.publish(tmp_path_factory.mktemp("models"), data, config, lambda message: None)


def study(published, data, folder, *more):
    arguments = [
        *("study", published, data, "--scenario", "10 per class", "--repeats", 2, "--seeds", 1, "--steps", 2),
        *("--classifier-steps", 10, "--folder", folder, *more),
    ]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def test_a_study_is_stopped_goes_on_and_is_published(published, data, tmp_path, monkeypatch):
    fit, left = fitting.fit, [12]

    def impatient(*arguments, **options):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return fit(*arguments, **options)

    monkeypatch.setattr(fitting, "fit", impatient)
    code, output = study(published, data, tmp_path / "study")
    assert code == 130
    assert "stopped; the same command goes on" in output
    assert len((tmp_path / "study" / "study.jsonl").read_text().splitlines()) == 11

    code, output = study(
        *(published, data, tmp_path / "study", "--publish", "--force"),
        *("--json", tmp_path / "card.json", "--report", tmp_path / "report.html"),
    )
    assert code == 0, output
    words = "This is a team with 20 real samples that draws from a generator which learned from 56, these among them."
    assert words in output
    assert words in (tmp_path / "report.html").read_text()
    assert re.search(r"real only: \d+\.\d% \(\d+\.\d% to \d+\.\d%\), natural draw", output)
    points = r"[+-]\d+\.\d points \([+-]\d+\.\d to [+-]\d+\.\d\) over"
    assert re.search(rf"with synthetic samples: \d+\.\d% \([^)]*\), {points} .*?; shift", output)
    (gain,) = json.loads((tmp_path / "card.json").read_text())["gains"]
    assert (gain["real_samples"], gain["generator_samples"], gain["repeats"]) == (20, 56, 2)
    message = artifact.from_json(Session((published.parents[1] / "2" / artifact.FILE_NAME).read_bytes()).metadata)
    assert message.quality.gains[0].scenario == "10 per class"
    assert message.quality.recommendation.scenario == "10 per class"
    assert message.quality.verdict != pb.VERDICT_UNSPECIFIED


def test_a_folder_of_a_study_with_other_steps_is_refused_in_one_sentence(published, data, tmp_path):
    (tmp_path / "plan.json").write_text('{"generator_steps": 7}')
    code, output = study(published, data, tmp_path)
    assert code == 2
    assert "generator_steps 7, now 2" in output
