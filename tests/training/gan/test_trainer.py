"""One step, many steps, and the same steps again after a resume."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from training.config.presets import PRESETS, resolve
from training.gan import optimizers
from training.gan.average import MovingAverage
from training.gan.losses import Diverged
from training.gan.optimizers import cosine, linear
from training.gan.trainer import Trainer, supports_bfloat16
from training.kinds.image import Image
from training.kinds.image.form import Decoder
from training.run.snapshot import draw_samples


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
    return Trainer(
        Fabric(accelerator="cpu", devices=1),
        resolve(preset, settings),
        Image(*samples.shape[1:]),
        samples,
        labels,
        3,
        seed,
    )


def weights(module: nn.Module) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in module.state_dict().values()])


@pytest.mark.parametrize(
    "preset", [name for name in PRESETS if resolve(name).architecture in ("conv", "mlp", "progressive")]
)
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
    samples = draw_samples(run.settle(), run.kind, labels, 16, seed=1, device=torch.device("cpu"))[..., 0].astype(float)
    rows, columns = samples.mean(2).max(1), samples.mean(1).max(1)
    # A generator that ignored its labels would come to a half, a half and 1; this one comes to 0.97 and more, and 0.5.
    assert (rows > columns)[labels == 0].mean() > 0.7
    assert (rows < columns)[labels == 1].mean() > 0.7
    assert samples[labels == 2].mean() < samples[labels != 2].mean() * 0.85


@pytest.mark.parametrize("preset", ["rpgan", "dcgan"])  # all of them: test_systems.py
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
    assert torch.equal(Decoder()((levels / 127.5 - 1)[None, None, None]).flatten(), levels.to(torch.uint8))


def test_critic_steps_come_before_each_step_of_the_generator() -> None:
    run = trainer("wgan-gp", critic_steps=3)
    run.step(0.0)
    run.step(0.1)
    counts = [
        {int(moved["step"]) for moved in run.state_dict()[f"{name}_optimizer"]["state"].values()}
        for name in ("discriminator", "generator")
    ]
    assert counts == [{6}, {2}]
    assert run.samples_seen == 6 * 32


def test_clipped_weights_stay_within_bounds() -> None:
    run = trainer("wgan", critic_steps=2, weight_clip=0.005)
    run.step(0.0)
    assert max(float(p.abs().max()) for p in run.discriminator.parameters()) == pytest.approx(0.005)
    assert max(float(p.abs().max()) for p in run.generator.parameters()) > 0.005


@pytest.mark.parametrize(
    ("schedule", "halfway", "end"), [("cosine", 0.6, 0.2), ("linear", 0.6, 0.2), ("constant", 1.0, 1.0)]
)
def test_both_networks_follow_the_schedule_at_their_own_rates(schedule: str, halfway: float, end: float) -> None:
    rates = {"learning_rate": 1e-3, "discriminator_learning_rate": 4e-3, "learning_rate_final": 0.2}
    run = trainer(learning_rate_schedule=schedule, **rates)
    for progress, share in ((0.0, 1.0), (0.5, halfway), (1.0, end)):
        run.step(progress)
        for name, start in (("generator", 1e-3), ("discriminator", 4e-3)):
            (group,) = run.state_dict()[f"{name}_optimizer"]["param_groups"]
            assert group["lr"] == pytest.approx(start * share)


@pytest.mark.parametrize(("optimizer", "kind"), [("sgd", torch.optim.SGD), ("rmsprop", torch.optim.RMSprop)])
def test_plain_gan_trains_with_the_optimiser_of_its_time(optimizer: str, kind: type) -> None:
    run = trainer("vanilla", objective="minimax", optimizer=optimizer, learning_rate=0.01)
    run.check_finite(run.step(0.0))
    assert type(optimizers.build(run.generator.module, run.config)) is kind


def test_unconditional_data_is_one_class() -> None:
    samples, labels = stripes()
    config = resolve("vanilla", {"width": 8, "latent_size": 16, "batch_size": 32})
    run = Trainer(
        Fabric(accelerator="cpu", devices=1), config, Image(*samples.shape[1:]), samples, labels * 0, 1, seed=0
    )
    run.check_finite(run.step(0.0))
    made = draw_samples(run.settle(2), run.kind, np.zeros(5, np.int64), 16, seed=1, device=torch.device("cpu"))
    assert made.shape == (5, 8, 8, 1)


def test_auxiliary_classifier_learns_the_classes() -> None:
    run = trainer("acgan", dropout=0.0, learning_rate=2e-3)
    for number in range(60):
        run.step(number / 60)
    samples, labels = stripes()
    real = torch.from_numpy(samples).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        verdict = run.discriminator.module(real, torch.from_numpy(labels))
    assert verdict.shape == (240, 4)
    assert (verdict[:, 1:].argmax(1).numpy() == labels).mean() > 0.7  # a third by guessing; it comes to 1


def test_autoencoder_reconstructs_better_and_better() -> None:
    run = trainer("vae", learning_rate=3e-3)
    errors = [float(run.step(number / 60).generator) for number in range(60)]
    assert np.mean(errors[-10:]) < 0.9 * np.mean(errors[:10])


def test_a_restored_run_has_grown_as_far_as_it_had() -> None:
    first, second = trainer("progan"), trainer("progan")
    assert first.average.module.level == 0
    first.step(0.3)
    second.load_state_dict(first.state_dict())
    for network in (second.generator.module, second.discriminator.module, second.average.module):
        assert (network.level, network.fade) == (first.average.module.level, first.average.module.fade)
        assert network.level > 0


def test_bfloat16_is_left_alone_where_onednn_may_not_use_it(monkeypatch):
    """As under ONEDNN_MAX_CPU_ISA=AVX2 on a processor that has it: convolutions would take ten times as long."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    for told in (True, False):
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda told=told: told)
        assert supports_bfloat16(torch.device("cpu")) == told
