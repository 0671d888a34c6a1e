"""The training command: what is refused before anything is read, what is said when it is stopped, how it goes on."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from training import quality
from training.__main__ import app
from training.commands.outcome import in_one_sentence
from training.config.presets import resolve
from training.gan.trainer import Trainer
from training.judge import fitting
from training.kinds import load
from training.publishing.release import latest
from training.run.events import Events
from training.run.folder import Order, Run
from training.source import AS_FOUND, SourceOptions

SMALL = [word for pair in ("width=8", "latent_size=16", "batch_size=16") for word in ("--set", pair)]


def bands(path: Path, names: tuple[str, ...] = ("top", "middle", "bottom"), side: int = 8, seed: int = 0) -> Path:
    """Three classes of images that differ in where they are bright."""
    random = np.random.default_rng(seed)
    labels = np.arange(120) % 3
    images = random.integers(0, 60, (120, side, side), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[label * 2 : label * 2 + 3] += 150
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, images=images, labels=labels, class_names=np.array(names))
    return path


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fitting, "default_steps", lambda samples: 20)


def invoke(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> pb.Generator:
    """What a generator `fruit` in the repository says about itself: top, middle, bottom; 8 x 8 gray."""
    dataset = load(str(bands(Path("fruit.npz"))))
    message = pb.Generator(name="fruit", version=1, labels=dataset.class_names, sample=dataset.kind.spec)
    message.provenance.data_digest = dataset.digest
    message.provenance.data_name = "/home/somebody/old/fruit.npz"
    message.provenance.splits.add(split="train", counts=[40, 40, 40])
    monkeypatch.setattr("training.publishing.release.latest", lambda models, name: message if name == "fruit" else None)
    return message


def refused_before_training(*arguments: object) -> tuple[int, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.fit.survey", lambda *_: pytest.fail("it went on"))
        return invoke("fit", *arguments)


def test_a_name_of_other_classes_is_not_taken_without_being_asked_for(first: pb.Generator) -> None:
    code, output = refused_before_training(bands(Path("other/fruit.npz"), ("a", "b", "c")))
    assert code == 2
    assert "models holds a generator 'fruit' with other classes (top, middle, bottom; this data has a, b, c)" in output
    assert "--name gives this one a name of its own, --replace makes it the next version" in output
    assert not list(Path("runs").glob("*"))
    code, output = refused_before_training(bands(Path("larger/fruit.npz"), side=16))
    assert "with other sizes (8 x 8 x 1; this data has 16 x 16 x 1)" in output


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        ("fruit.npz", [], "note: fruit has a version 1, of the same data; this will be version 1"),
        ("grown/fruit.npz", [], "of 120 samples of fruit.npz; this will be version 1, of 120 of fruit.npz"),
        ("other/fruit.npz", ["--replace"], "fruit has a version 1"),
    ],
)
def test_the_same_classes_follow_with_a_word(
    first: pb.Generator, monkeypatch: pytest.MonkeyPatch, data: str, options: list[str], words: str
) -> None:
    bands(Path("grown/fruit.npz"), seed=1)
    bands(Path("other/fruit.npz"), ("a", "b", "c"))

    def stop(*arguments: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.fit._judge", stop)
    code, output = invoke("fit", data, *SMALL, "--steps", 2, *options)
    assert code == 130
    assert words in output
    assert "somebody" not in output


def test_another_name_is_free(first: pb.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert latest(Path("models"), "fruit") is None  # nothing is really there
    monkeypatch.setattr("training.fit._judge", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    data = bands(Path("other/fruit.npz"), ("a", "b", "c"))
    code, output = invoke("fit", data, *SMALL, "--steps", 2, "--name", "vegetables")
    assert code == 130
    assert "has a version" not in output


@pytest.mark.parametrize(
    ("place", "checkpoint", "number"),
    [
        ("training.fit.load", False, signal.SIGINT),
        ("training.fit.load", False, signal.SIGTERM),
        ("training.fit._judge", False, signal.SIGINT),
        ("training.run.loop.Loop.train", False, signal.SIGTERM),
        ("training.export.graph.to_onnx", True, signal.SIGINT),
        ("training.quality.measure", True, signal.SIGTERM),
        ("training.report.page.render", True, signal.SIGINT),
        ("training.publishing.release.release", True, signal.SIGINT),
    ],
)
def test_a_run_can_be_stopped_at_any_stage(
    monkeypatch: pytest.MonkeyPatch, place: str, checkpoint: bool, number: signal.Signals
) -> None:
    def stop(*arguments: object, **options: object) -> Any:
        signal.raise_signal(number)
        pytest.fail("it went on")

    monkeypatch.setattr(quality, "measure", lambda *_, **__: pb.QualityCard())
    monkeypatch.setattr("training.export.parity.prove_parity", lambda *_: None)
    monkeypatch.setattr(place, stop)
    code, output = invoke("fit", bands(Path("fruit.npz")), *SMALL, "--steps", 2)
    assert code == 130
    assert "stopped; nothing was published" in output
    assert not Path("models").exists()
    folders = list(Path("runs").glob("*"))
    if checkpoint:
        assert f"go on with: python -m training fit --resume {folders[0]}" in output
    else:
        assert "--resume" not in output
    assert not list(Path("runs").rglob(".*"))


def test_a_stop_in_another_command_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object, **options: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.publishing.published.Published.open", stop)
    for command in ("evaluate", "study"):
        code, output = invoke(command, "model.onnx", "digits")
        assert (code, output.startswith("stopped")) == (130, True)


def test_the_handler_of_sigterm_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with in_one_sentence():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_faults_of_this_program_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError), in_one_sentence():
        _ = 1 / 0


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of two steps that was stopped in its second, with a checkpoint."""
    step = Trainer.step

    def stop_at_the_first(self: Trainer, share: float) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return step(self, share)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.run.threads.choose", lambda step: None)  # which takes steps of its own before
        patch.setattr(Trainer, "step", stop_at_the_first)
        code, output = invoke("fit", bands(Path("fruit.npz")), *SMALL, "--steps", 2)
    assert code == 130, output
    (folder,) = Path("runs").iterdir()
    return Run.resume(folder)


def test_a_run_whose_data_has_moved_says_so_and_takes_the_new_place(
    started: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("fruit.npz").rename("fruits.npz")
    code, output = invoke("fit", "--resume", started.folder)
    assert code == 2
    assert f"fruit.npz, the data of {started.folder}, is not there any more; did you mean fruits.npz?" in output
    assert f"python -m training fit DATA --resume {started.folder}" in output
    bands(Path("fruit.npz"), seed=3)
    code, output = invoke("fit", "--resume", started.folder)
    assert code == 2
    assert f"fruit.npz has changed since {started.folder} was started; start a new run" in output
    assert Run.resume(started.folder).order.data == "fruit.npz"
    monkeypatch.setattr("training.run.loop.Loop.train", lambda self: (_ for _ in ()).throw(KeyboardInterrupt()))
    code, output = invoke("fit", "fruits.npz", "--resume", started.folder, "--out", "elsewhere")
    assert code == 130, output
    order = Run.resume(started.folder).order
    assert (order.data, order.out) == ("fruits.npz", "elsewhere")
    assert "Resumed" in [event.text.split()[0] for event in Events(started.folder).read()]


def test_what_a_run_has_settled_cannot_be_changed_in_silence(started: Run) -> None:
    for option, value in (("--steps", 100), ("--seed", 1), ("--levels", "0..16"), ("--set", "width=16")):
        code, output = invoke("fit", "--resume", started.folder, option, value)
        assert code == 2
        assert f"{option} is settled when a run starts; with --resume it cannot be changed" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["fit", "fruit.np"],
            "fruit.np: no such file or folder; `digits` is the built-in data set; did you mean fruit.npz?",
        ),
        (["fit", "--resume", "run"], "run is no run: it has no order.json; did you mean runs?"),
        (
            ["evaluate", "models", "digits"],
            "models is a folder; wanted a published model.onnx; did you mean models/a/1/model",
        ),
        (["evaluate", "model", "digits"], "model: no such file; wanted a published model.onnx; did you mean models?"),
        (["publish", "run"], "run: no such file; wanted a published model.onnx; did you mean runs?"),
        (["report", "run"], "run holds no finished run: it has no order.json; did you mean runs?"),
        (["fit", "fruit.npz", "--levels", "16"], "--levels '16' is not LOW..HIGH such as 0..16"),
        (["fit", "fruit.npz", "--config", "none.toml"], "none.toml"),
        (["fit", "a\x1bb"], "cannot be written down: give it a name of ordinary characters"),
        (["fti"], "No such command 'fti'. Did you mean 'fit'?"),
    ],
)
def test_wrong_paths_and_words_are_answered_with_what_may_have_been_meant(arguments: list[str], words: str) -> None:
    bands(Path("fruit.npz"))
    Path("runs").mkdir()
    Path("models/a/1").mkdir(parents=True)
    Path("models/a/1/model.onnx").write_bytes(b"")
    code, output = invoke(*arguments)
    assert code == 2
    assert words in output


@pytest.mark.parametrize("command", ["fit", "evaluate", "study", "report", "publish", "presets"])
def test_every_command_explains_itself(command: str) -> None:
    code, output = invoke(command, "--help")
    assert code == 0
    assert "Usage" in output
    assert "130 stopped" in output or command == "presets"


def test_what_is_published_names_the_data_and_no_place_of_its_maker(tmp_path: Path) -> None:
    data = bands(tmp_path / "alices-project" / "fruit" / "train.npz")
    code, output = invoke("fit", data, *SMALL, "--steps", 2, "--force", "--score")
    assert code == 0, output
    path = Path("models/fruit/1/model.onnx")
    generator = artifact.from_json(Session(path.read_bytes()).metadata)
    assert generator.provenance.data_name == "fruit/train.npz"
    (run,) = Path("runs").iterdir()
    assert (run / "reading.png").read_bytes().startswith(b"\x89PNG")
    for file in (path, run / "report.html", run / "card.json", run / "events.jsonl"):
        content = file.read_bytes()
        for word in (
            str(tmp_path),
            "alices-project",
            str(Path.home()) + "/",
            socket.gethostname() + "-",
            str(Path.cwd()),
        ):
            assert word.encode() not in content, (file, word)
    assert "read as arrays images with labels; no split of its own; levels 0 to 209" in output
    assert "100% training rpgan, step 2" in output


def test_an_order_of_an_earlier_release_is_still_read(tmp_path: Path) -> None:
    order = Order(
        data="digits",
        size=None,
        preset="rpgan",
        config=resolve("rpgan", {}),
        seed=0,
        budget_seconds=None,
        steps=5,
        out="models",
        name="digits",
    )
    old = order.model_dump(exclude=set(SourceOptions.model_fields) - {"size"})
    assert Order.model_validate(old) == order
    read = Order.model_validate({**old, "size": 16, "levels": [0.0, 16.0]}).reading
    assert read == SourceOptions(size=16, levels=(0.0, 16.0))
    assert order.reading == AS_FOUND
