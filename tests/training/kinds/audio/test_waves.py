"""WaveGAN: sounds as waves, its networks, and what it is not for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from tests.training.kinds.audio.made import fill, sounds
from training import networks
from training.config.presets import PresetError, prove, resolve
from training.export import graph, parity
from training.gan.trainer import Trainer
from training.judge import fitting
from training.kinds.audio import Audio, load
from training.kinds.audio.augmentation import SHIFT
from training.kinds.audio.waves import Waves
from training.kinds.image import Image
from training.networks.wave import PhaseShuffle

RAW, LABELS = sounds()
KIND = Waves(8000, 1024).fitted(RAW, LABELS, 2)
CONFIG = resolve("wavegan", {"width": 4, "batch_size": 16, "latent_size": 16})


def trainer() -> Trainer:
    fabric = Fabric(accelerator="cpu", devices=1)
    return Trainer(fabric, CONFIG, KIND, RAW, LABELS, 2, seed=0)


def test_a_wave_is_its_own_form_and_decoded_without_a_loss():
    made = KIND.encode(torch.from_numpy(RAW))
    assert made.shape == (96, *KIND.form) == (96, 1, 1024)
    assert np.array_equal(KIND.decoder()(made).numpy(), RAW)
    assert KIND.decoder()(torch.ones(1, 1, 1024)).max() == 32767


def test_sounds_are_read_as_waves_if_asked_for(tmp_path: Path):
    for name in ("low", "high"):
        fill(tmp_path / name)
    assert load(str(tmp_path), waves=True).kind.form == (1, 1024)
    assert load(str(tmp_path)).kind.form == (1, 128, 8)


def test_layers_are_those_of_the_paper():
    config = resolve("wavegan", {"width": 64})
    generator, critic = networks.build((1, 16384), 10, config)
    assert [tuple(up.weight.shape) for up in generator.ups] == [
        *((1024, 512, 25), (512, 256, 25), (256, 128, 25), (128, 64, 25), (64, 1, 25)),
    ]
    assert generator.base == 16
    assert sum(isinstance(layer, PhaseShuffle) for layer in critic.layers) == 4
    assert (config.unit_slope, config.critic_steps, config.learning_rate, config.beta1) == (10, 5, 1e-4, 0.5)


@pytest.mark.parametrize("frames", [1024, 6144, 10240])
def test_every_length_is_made_and_judged(frames: int):
    generator, critic = networks.build((1, frames), 3, CONFIG)
    label = torch.arange(4) % 3
    made = generator(torch.randn(4, 16), label)
    assert made.shape == (4, 1, frames)
    assert critic(made, label).shape == (4, 1)


def test_samples_that_are_no_waves_are_refused_in_words():
    prove(CONFIG, KIND)
    for kind in (Audio(8000, 1024), Image(32, 32, 3)):
        with pytest.raises(
            PresetError, match=r"architecture 'wave' is for waves, such as sounds read with --waves, and"
        ):
            prove(CONFIG, kind)


def test_a_shuffled_phase_moves_each_sample_by_a_few_frames_and_mirrors_its_edges():
    torch.manual_seed(0)
    layer, x = PhaseShuffle(2), torch.arange(10.0).expand(64, 3, 10)
    rows = {tuple(row.tolist()) for row in layer(x)[:, 0]}
    assert rows == {
        *((2, 1, 0, 1, 2, 3, 4, 5, 6, 7), (1, 0, 1, 2, 3, 4, 5, 6, 7, 8), (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
        *((1, 2, 3, 4, 5, 6, 7, 8, 9, 8), (2, 3, 4, 5, 6, 7, 8, 9, 8, 7)),
    }
    moved = layer(x)
    assert torch.equal(moved[:, 0], moved[:, 2])
    assert torch.equal(layer.eval()(x), x)


def test_a_run_that_was_stopped_goes_on_as_it_would_have():
    whole, first, rest = trainer(), trainer(), trainer()
    for step in range(4):
        whole.step(step / 4)
    for step in range(2):
        first.step(step / 4)
    rest.load_state_dict(first.state_dict())
    for step in range(2, 4):
        rest.step(step / 4)
    for name, value in whole.generator.state_dict().items():
        assert torch.equal(value, rest.generator.state_dict()[name]), name


def test_a_graph_of_waves_is_proven_with_its_scores():
    trained = trainer()
    trained.step(0.0)
    judge = fitting.fit(KIND, RAW, LABELS, 2, seed=0, steps=30)
    assert (judge.predict(RAW) == LABELS).mean() > 0.9
    model = graph.to_onnx(trained.settle(2), KIND, 16, 2, judge)
    parity.prove_parity(trained.average.module, model, KIND, 16, 2, judge)


def test_what_is_varied_stays_a_wave():
    samples = KIND.encode(torch.from_numpy(RAW)).requires_grad_()
    varied = KIND.augmentation.apply(samples, 1.0, torch.Generator().manual_seed(0))
    assert varied.shape == samples.shape
    assert float(varied.detach().abs().max()) <= 1
    varied.sum().backward()
    assert float(samples.grad.abs().sum()) > 0
    assert KIND.augmentation.apply(samples, 0.0, torch.Generator()) is samples
    assert KIND.augmentation.properties(RAW).shape == (96, len(KIND.augmentation.unseen(KIND.form)))
    assert SHIFT * 1024 > 1
    for recipe in KIND.recipes():
        assert recipe.vary(torch.from_numpy(RAW)).shape == samples.shape
    turned, turns = KIND.pretext(samples.detach())
    assert all(
        torch.equal(each, one.flip(1) if turn else one) for each, one, turn in zip(turned, samples, turns, strict=True)
    )
