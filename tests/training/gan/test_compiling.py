"""Compiled networks train as others do, to the last bits but one; without a compiler a run says so and ends."""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from training import networks
from training.config.config import Config
from training.config.presets import PresetError, resolve
from training.data import Dataset
from training.gan.compiling import CannotCompile, check
from training.gan.trainer import Trainer

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def _compiler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A compiler whose cache nothing else writes: what runs beside may compile for other instructions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
        try:
            check(torch.device("cpu"))
        except CannotCompile as error:
            pytest.skip(str(error))
        yield


class Generator(nn.Module):
    """One layer: the compiler takes a second for each kernel, and minutes for the least of our own families."""

    def __init__(self, form: tuple[int, ...], classes: int, latent_size: int) -> None:
        super().__init__()
        self.form, self.label = form, nn.Embedding(classes, latent_size)
        self.layer = nn.Linear(latent_size, math.prod(form))

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return torch.tanh(self.layer(latent + self.label(label))).unflatten(1, self.form)


class Discriminator(nn.Module):
    def __init__(self, form: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(math.prod(form), classes)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        return self.layer(sample.flatten(1).sin()).gather(1, label[:, None])


@pytest.fixture
def _of_one_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(form: tuple[int, ...], classes: int, config: Config, *rest: object) -> tuple[nn.Module, nn.Module]:
        return Generator(form, classes, config.latent_size), Discriminator(form, classes)

    monkeypatch.setattr(networks, "build", build)


def trainer(data: Dataset, compile_: bool) -> Trainer:
    # Adam's first steps are as long for a gradient that is rounding alone as for any other.
    settings = {"latent_size": 8, "batch_size": 16, "compile": compile_, "optimizer": "sgd", "learning_rate": 0.01}
    fabric = Fabric(accelerator="cpu", devices=1)
    return Trainer(fabric, resolve("rpgan", settings), data.kind, data.samples, data.labels, data.classes, seed=0)


def weights(module: nn.Module) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in module.state_dict().values()])


@pytest.mark.usefixtures("_compiler", "_of_one_layer")
def test_compiled_networks_learn_the_same_and_resume_exactly(stripes: Dataset) -> None:
    plain, compiled, resumed = trainer(stripes, False), trainer(stripes, True), trainer(stripes, True)
    for number in range(4):
        plain.step(number / 4)
        compiled.step(number / 4)
        if number == 1:
            state = {key: torch.load(_saved(value), weights_only=True) for key, value in compiled.state_dict().items()}
    assert compiled.state_dict()["generator"].keys() == plain.state_dict()["generator"].keys()
    resumed.load_state_dict(state)
    for number in (2, 3):
        resumed.step(number / 4)
    for name in ("generator", "discriminator"):
        expected, made, again = (weights(getattr(run, name).module) for run in (plain, compiled, resumed))
        np.testing.assert_allclose(made, expected, atol=1e-3)
        assert np.abs(made - expected).mean() < 1e-4
        assert np.array_equal(made, again)


def _saved(value: object) -> io.BytesIO:
    stream = io.BytesIO()
    torch.save(value, stream)
    stream.seek(0)
    return stream


def test_growing_networks_are_not_compiled() -> None:
    with pytest.raises(PresetError, match="compile with architecture 'progressive'"):
        resolve("progan", {"compile": "true"})


def test_without_a_compiler_the_run_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "training", "fit", "digits", "--set", "compile=true", "--steps", "1"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}",
            "CXX": "/no/such/compiler",
            "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    said = " ".join(done.stderr.split())
    assert "compile=true needs a C++ compiler (g++, or what CXX names) and Python's headers; PyTorch says:" in said
    assert "Traceback" not in done.stdout + done.stderr
    assert not list(tmp_path.glob("runs/*"))
