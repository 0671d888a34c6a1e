"""The command: from data to a published file, with interruption, resumption and refusals.

What thirty steps come to differs between processors, and so does the gate's verdict on it: what is to be published is
published by force, and what is to be withheld is withheld by a verdict that is played.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from rich.console import Console
from typer.testing import CliRunner

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from training import quality
from training.__main__ import app
from training.config.presets import resolve
from training.fit import fit
from training.gan.losses import Diverged, Losses
from training.gan.trainer import Trainer
from training.judge import fitting
from training.quality.findings.finding import FindingKind
from training.run import threads
from training.run.events import Events, Occasion
from training.run.folder import Order, Run, RunError
from training.transform.teacher import Teacher

ROOT = Path(__file__).parents[2]
SMALL = {"width": 8, "latent_size": 16, "batch_size": 32}


@pytest.fixture(scope="module", autouse=True)
def _quick_judges_and_no_choice_of_threads() -> Iterator[None]:
    """A judge of a few steps will do; how many threads are fastest would be decided by what else runs here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "default_steps", lambda samples: 20)
        patch.setattr(threads, "choose", lambda step: None)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of 8 x 8 images that differ in where they are bright."""
    random = np.random.default_rng(0)
    labels = np.arange(150) % 3
    images = random.integers(0, 60, (150, 8, 8), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[label * 2 : label * 2 + 3] += 150
    path = tmp_path_factory.mktemp("data") / "Bright bands.npz"
    np.savez(path, images=images, labels=labels, class_names=np.array(["top", "middle", "bottom"]))
    return path


def order(data: Path, tmp_path: Path, **changes: object) -> Order:
    settings = {
        "data": str(data),
        "size": None,
        "preset": "rpgan",
        "config": resolve("rpgan", SMALL),
        "seed": 0,
        "budget_seconds": None,
        "steps": 30,
        "score": True,
        "out": str(tmp_path / "models"),
        "name": "bands",
    }
    return Order(**{**settings, **changes})


@pytest.fixture(scope="module")
def published(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    folder = tmp_path_factory.mktemp("fit")
    run = Run.start(folder / "runs", order(data, folder))
    return fit(run, Console(quiet=True), force=True), run


def test_published_file_carries_card_and_provenance(published: tuple[Path, Run], data: Path) -> None:
    generator = artifact.from_json(Session(published[0].read_bytes()).metadata)
    assert list(generator.labels) == ["top", "middle", "bottom"]
    assert tuple(generator.sample.shape) == (8, 8, 1)
    origin = generator.provenance
    assert (origin.preset, origin.steps, origin.samples_seen, origin.opset) == ("rpgan", 30, 960, 20)
    assert json.loads(origin.configuration_json)["width"] == 8
    assert [part.split for part in origin.splits] == ["train", "validation", "test"]
    assert sum(sum(part.counts) for part in origin.splits) == 150
    assert origin.libraries["torch"]
    card = generator.quality
    assert card.verdict in (pb.VERDICT_PASS_WITH_WARNINGS, pb.VERDICT_WITHHELD)  # not a pass: it had too few steps
    assert card.synthetic_samples > 0
    assert 0 <= card.label_fidelity <= 1
    assert [entry.label for entry in card.classes] == ["top", "middle", "bottom"]
    assert "too-few-steps" in [finding.kind for finding in card.findings]
    assert any("The run had 30 steps" in warning for warning in card.warnings)


def test_a_run_with_scores_publishes_them(published: tuple[Path, Run]) -> None:
    session = Session(published[0].read_bytes())
    generator = artifact.from_json(session.metadata)
    assert generator.scored
    scores = session.run_scored(artifact.golden_rows(generator))[1]
    assert scores.shape == (len(generator.golden),)
    assert 0 <= scores.min() <= scores.max() <= 1


def test_a_withheld_run_keeps_its_file_and_publishes_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "decide", lambda card, found: setattr(card, "verdict", pb.VERDICT_WITHHELD))
    options = ["--steps", "1", "--name", "bands", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "models")]
    settings = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    code, output = invoke("fit", str(data), "--score", *options, *settings)
    assert code == 3
    assert "bands is withheld; nothing was published." in output
    assert not (tmp_path / "models").exists()
    kept = next((tmp_path / "runs").glob("*/model.onnx"))
    session = Session(kept.read_bytes())
    assert artifact.from_json(session.metadata).quality.verdict == pb.VERDICT_WITHHELD
    assert session.scored
    assert Run.resume(kept.parent).order.score


def test_run_leaves_something_to_look_at(published: tuple[Path, Run]) -> None:
    run = published[1]
    sheets = sorted((run.folder / "samples").glob("step-*.png"))
    assert [sheet.name for sheet in sheets] == ["step-0000030.png"]
    events = Events(run.folder).read()
    assert [event.kind for event in events] == [Occasion.STARTED, Occasion.FINISHED]
    assert FindingKind.TOO_FEW_STEPS in [finding.kind for finding in events[-1].findings]
    assert list((run.folder / "tensorboard").glob("events.*"))
    assert json.loads((run.folder / "card.json").read_text())["classes"]
    assert "<h2>Curves</h2>" in (run.folder / "report.html").read_text()
    assert Run.resume(run.folder).order == run.order


def test_a_killed_run_publishes_the_same_weights_as_an_uninterrupted_one(
    published: tuple[Path, Run], data: Path, tmp_path: Path
) -> None:
    half = Run.start(tmp_path / "runs", order(data, tmp_path))
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from rich.console import Console\n"
        "from tests.training import starts\n"
        "from training.judge import fitting\n"
        "from training.run import loop, threads\n"
        "from training.fit import fit\n"
        "from training.run.folder import Order, Run\n"
        "from training.gan.trainer import Trainer\n"
        "fitting.default_steps = lambda samples: 20\n"
        "threads.choose = lambda step: None\n"
        "starts.shift()\n"
        "loop.CHECKPOINT_SECONDS = 0\n"
        "step = Trainer.step\n"
        "def die_at_15(self, share):\n"
        "    if self.steps == 15: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return step(self, share)\n"
        "Trainer.step = die_at_15\n"
        "folder = Path(sys.argv[1])\n"
        "fit(Run(folder, Order.model_validate_json((folder / 'order.json').read_text())), Console(quiet=True))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(half.folder)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    resumed = Run.resume(half.folder)
    assert resumed.load()["trainer"]["steps"] == 15
    path = fit(resumed, Console(quiet=True), resume=True, force=True)
    assert path is not None
    killed, whole = ({w.name: w.raw_data for w in onnx.load(file).graph.initializer} for file in (path, published[0]))
    assert killed == whole
    rows = artifact.golden_rows(artifact.from_json(Session(path.read_bytes()).metadata))
    samples, scores = zip(*(Session(file.read_bytes()).run_scored(rows) for file in (path, published[0])), strict=True)
    assert np.array_equal(*samples)
    assert np.array_equal(*scores)


def test_a_finished_run_learns_to_transform_and_draws_the_same_samples(
    published: tuple[Path, Run], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(published[1].folder, folder)
    run = Run.resume(folder)
    run.order = run.order.model_copy(update={"transform": True, "out": str(tmp_path / "models"), "score": False})
    path = fit(run, Console(quiet=True), resume=True, force=True)
    assert path is not None
    session, before = Session(path.read_bytes()), Session(published[0].read_bytes())
    generator = artifact.from_json(session.metadata)
    rows = artifact.golden_rows(generator)
    assert session.run(rows).tobytes() == before.run(rows).tobytes()
    originals = artifact.golden_originals(generator)
    carried, source = session.run_transform(originals)
    assert [golden.transformed for golden in generator.golden] == [sample.tobytes() for sample in carried]
    assert source.tolist() == [golden.class_index for golden in generator.golden]
    card = generator.quality.transform
    assert [one.label for one in card.classes] == ["top", "middle", "bottom"]
    assert {"mean light", "slant"} <= {each.name for each in card.kept}
    assert 0 < card.reconstruction_error < 1
    assert "Carried into other classes" in (folder / "report.html").read_text()
    # What was learned is there: the next time it is read, not learned again.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Teacher, "step", None)
        patch.setattr(quality, "measure", lambda *given, **options: card_of(generator))
        again = fit(Run(folder, run.order), Console(quiet=True), resume=True, force=True)
    assert again is not None
    assert Session(again.read_bytes()).run_transform(originals)[0].tobytes() == carried.tobytes()


def card_of(generator: pb.Generator) -> pb.QualityCard:
    return pb.QualityCard.FromString(generator.quality.SerializeToString())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_command_says_how_to_go_on(
    number: signal.Signals, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.step

    def interrupted(self: Trainer, share: float) -> Losses:
        if self.steps == 3:
            os.kill(os.getpid(), number)
        return step(self, share)

    monkeypatch.setattr(Trainer, "step", interrupted)
    where = ["--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "models")]
    settings = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    code, output = invoke("fit", str(data), "--budget", "10m", *where, *settings)
    assert code == 130, output
    folder = next((tmp_path / "runs").iterdir())
    assert f"fit --resume {folder}" in output
    assert Run.resume(folder).load()["trainer"]["steps"] == 4
    assert not (tmp_path / "models").exists()


def test_a_run_that_diverges_publishes_nothing(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Trainer.step

    def broken(self: Trainer, share: float) -> Losses:
        if self.steps == 5:
            self.generator.module.first.weight.data.fill_(float("nan"))
        return step(self, share)

    monkeypatch.setattr(Trainer, "step", broken)
    run = Run.start(tmp_path / "runs", order(data, tmp_path, steps=10))
    with pytest.raises(Diverged, match=r"has diverged.*After 3 attempts.*smaller learning_rate"):
        fit(run, Console(quiet=True))
    assert not (tmp_path / "models").exists()


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit"], "no DATA"),
        (["fit", "digits", "--preset", "stylegan"], "no preset 'stylegan'; there are: rpgan"),
        (["fit", "digits", "--set", "width"], "--set 'width' is not NAME=VALUE"),
        (["fit", "digits", "--set", "widht=3"], "no setting 'widht'; did you mean width?"),
        (["fit", "digits", "--budget", "soon"], "--budget 'soon' is not a length of time"),
        (["fit", "digits", "--name", "No Spaces"], "--name: begin with a lower-case letter or a digit"),
        (
            ["fit", "digits", "--transform", "--transform-share", "0"],
            "--transform-share: Input should be greater than 0",
        ),
        (["fit", "/no/such/folder"], "/no/such/folder"),
        (["fit", "--resume", "/no/such/run"], "has no order.json"),
    ],
)
def test_bad_arguments_get_one_sentence(arguments: list[str], words: str, tmp_path: Path) -> None:
    if arguments[0] == "fit":
        arguments = [*arguments, "--runs", str(tmp_path)]
    code, output = invoke(*arguments)
    assert code == 2
    assert words in output
    assert "Traceback" not in output
    assert not list(tmp_path.rglob("*.json"))


def test_presets_are_listed_with_their_papers() -> None:
    code, output = invoke("presets")
    assert code == 0
    assert all(word in output for word in ("rpgan", "dcgan", "cgan", "1511.06434", "1411.1784"))


@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign"])
def test_damaged_checkpoint_is_named(damage: str, data: Path, tmp_path: Path) -> None:
    run = Run.start(tmp_path, order(data, tmp_path))
    run.save({"seconds": 1.0})
    path = run.folder / "checkpoint.pt"
    content = path.read_bytes()
    path.write_bytes({"truncated": content[: len(content) // 2], "empty": b"", "foreign": b"not a checkpoint"}[damage])
    with pytest.raises(RunError, match=re.escape(str(path)) + " is damaged"):
        Run.resume(run.folder).load()


def test_failed_write_keeps_the_old_checkpoint(data: Path, tmp_path: Path) -> None:
    run = Run.start(tmp_path, order(data, tmp_path))
    run.save({"seconds": 1.0})
    with pytest.raises(AttributeError):
        run.save({"seconds": lambda: None})  # cannot be saved
    assert run.load() == {"seconds": 1.0}
    assert not list(run.folder.glob(".*"))


def test_samples_that_are_made_of_no_choices_have_no_likelihood(data: Path, tmp_path: Path) -> None:
    code, output = invoke("fit", str(data), "--preset", "argn", "--steps", "2", "--runs", str(tmp_path), "--size", "8")
    assert code == 2
    assert "objective 'likelihood' is of choices" in " ".join(output.split())
    assert "rpgan, vae" in output
