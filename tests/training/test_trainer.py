"""One step, many steps, and the same steps again after a resume."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from training.average import MovingAverage
from training.optimizers import cosine, linear
from training.presets import PRESETS, resolve
from training.trainer import Diverged, Trainer, draw_samples, quantise


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """The order of sums, and with it the last bit, depends on the number of threads."""
    torch.set_num_threads(1)


def stripes(n: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """Three classes of 8 x 8 images: a bright row, column or square, somewhere, with noise."""
    random = np.random.default_rng(0)
    labels = np.arange(n) % 3
    samples = random.integers(0, 40, (n, 8, 8, 1), dtype=np.uint8)
    for sample, label, at in zip(samples, labels, random.integers(1, 6, n), strict=True):
        rows = slice(at, at + 2) if label != 1 else slice(None)
        columns = slice(at, at + 2) if label != 0 else slice(None)
        sample[rows, columns] = 230
    return samples, labels


def trainer(preset: str = "rpgan", seed: int = 0, **overrides: object) -> Trainer:
    samples, labels = stripes()
    settings = {"width": 8, "latent_size": 16, "embedding_size": 8, "batch_size": 32, **overrides}
    return Trainer(Fabric(accelerator="cpu", devices=1), resolve(preset, settings), samples, labels, 3, seed)


def weights(module: nn.Module) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in module.state_dict().values()])


@pytest.mark.parametrize("preset", PRESETS)
def test_a_step_moves_both_networks_and_stays_finite(preset: str) -> None:
    run = trainer(preset)
    before = weights(run.generator.module).copy(), weights(run.discriminator.module).copy()
    for number in range(5):
        losses = run.step(number / 5)
    run.check_finite(losses)
    assert (run.steps, run.samples_seen) == (5, 160 * run.config.critic_steps)
    assert not np.allclose(before[0], weights(run.generator.module))
    assert not np.allclose(before[1], weights(run.discriminator.module))
    assert 0 <= float(losses.real_ahead) <= 1
    assert all(p.requires_grad for p in run.discriminator.parameters())


def test_training_teaches_the_classes() -> None:
    """200 small steps are enough for the brightest row, column or square to be in the right class."""
    run = trainer(learning_rate=2e-3)
    for number in range(200):
        run.step(number / 200)
    labels = np.repeat(np.arange(3), 40)
    samples = draw_samples(run.settle(), labels, 16, seed=1, device=torch.device("cpu"))[..., 0].astype(float)
    rows, columns = samples.mean(2).max(1), samples.mean(1).max(1)
    assert (rows > columns)[labels == 0].mean() > 0.9
    assert (rows < columns)[labels == 1].mean() > 0.9
    assert samples[labels == 2].mean() < samples[labels != 2].mean() * 0.7


@pytest.mark.parametrize("preset", PRESETS)
def test_a_resumed_run_continues_the_same_run(preset: str) -> None:
    whole, first = trainer(preset), trainer(preset)
    for number in range(6):
        whole.step(number / 6)
        if number < 3:
            first.step(number / 6)
    second = trainer(preset, seed=0)
    second.load_state_dict(first.state_dict())
    for number in range(3, 6):
        second.step(number / 6)
    assert np.array_equal(weights(second.generator.module), weights(whole.generator.module))
    assert np.array_equal(weights(second.discriminator.module), weights(whole.discriminator.module))
    assert np.array_equal(weights(second.settle()), weights(whole.settle()))


def test_looking_at_samples_does_not_change_the_run() -> None:
    watched, unwatched = trainer(), trainer()
    for number in range(3):
        watched.step(number / 3)
        watched.settle(batches=2)
        unwatched.step(number / 3)
    assert np.array_equal(weights(watched.generator.module), weights(unwatched.generator.module))


def test_gradients_are_clipped() -> None:
    tight = trainer(gradient_clip=1e-12, beta1=0.0)
    losses = tight.step(0.0)
    assert float(losses.discriminator_norm) > 1e-6  # what it was before clipping
    total = sum(float(p.grad.square().sum()) for p in tight.discriminator.parameters() if p.grad is not None) ** 0.5
    assert total < 1.1e-12


def test_divergence_is_named() -> None:
    run = trainer()
    run.generator.module.first.weight.data.fill_(float("nan"))
    losses = run.step(0.0)
    with pytest.raises(Diverged, match="nan after 1 steps"):
        run.check_finite(losses)


def test_average_follows_slowly_and_keeps_live_weights_at_zero() -> None:
    live = nn.Linear(2, 2)
    average, none = MovingAverage(live, 1000), MovingAverage(live, 0)
    start = live.weight.detach().clone()
    live.weight.data += 1.0
    average.update(live, samples_seen=1_000_000, batch_size=1000)
    none.update(live, samples_seen=1_000_000, batch_size=1000)
    torch.testing.assert_close(average.module.weight, start + 0.5)  # one half-life
    torch.testing.assert_close(none.module.weight, start + 1.0)


def test_average_has_statistics_of_its_own() -> None:
    torch.manual_seed(0)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(3, affine=False)

        def forward(self, latent: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
            return self.norm(latent * 2 + 5)

    average = MovingAverage(Network(), 10)
    average.estimate_statistics(lambda: (torch.randn(500, 3), torch.zeros(500)), batches=20)
    norm = average.module.norm
    torch.testing.assert_close(norm.running_mean, torch.full((3,), 5.0), atol=0.1, rtol=0)
    torch.testing.assert_close(norm.running_var, torch.full((3,), 4.0), atol=0.2, rtol=0)
    assert not average.module.training
    assert norm.momentum == 0.1


def test_schedules_start_and_end_where_they_say() -> None:
    assert cosine(2.0, 0.5, 0.0) == 2.0
    assert cosine(2.0, 0.5, 0.5) == pytest.approx(1.25)
    assert cosine(2.0, 0.5, 1.0) == cosine(2.0, 0.5, 7.0) == 0.5
    assert [linear(2.0, 0.5, at) for at in (0.0, 0.5, 1.0, 7.0)] == [2.0, 1.25, 0.5, 0.5]


def test_quantising_rounds_to_the_nearest_level() -> None:
    levels = torch.arange(256, dtype=torch.float32)
    assert torch.equal(quantise(levels / 127.5 - 1), levels.to(torch.uint8))
