from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from training import networks
from training.networks import layers
from training.presets import PRESETS, PresetError, resolve


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("shape", [(8, 8, 1), (12, 12, 3), (28, 28, 1), (32, 32, 3), (48, 48, 1), (64, 64, 3)])
def test_every_preset_makes_and_judges_every_shape(preset: str, shape: tuple[int, int, int]) -> None:
    config = resolve(preset)
    generator, discriminator = networks.build(shape, 5, config)
    if config.architecture == "progressive":
        generator.eval()  # a linear output is cut to its range when training is over
    labels = torch.arange(8) % 5
    sample = generator(torch.randn(8, config.latent_size), labels)
    assert sample.shape == (8, shape[2], shape[0], shape[1])
    assert sample.abs().max() <= 1
    columns = {"evidence": 2 * config.latent_size}.get(config.objective, 1)
    columns += 5 * (config.discriminator_conditioning == "auxiliary-classifier")
    assert discriminator(sample, labels).shape == (8, columns)


def test_upconv_equals_nearest_doubling_and_a_convolution() -> None:
    torch.manual_seed(0)
    layer = layers.UpConv(5, 3)
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(2, 5, 7, 7)
    plain = F.conv2d(F.interpolate(x, scale_factor=2), layer.weight.transpose(0, 1).flip(2, 3), layer.bias, padding=1)
    torch.testing.assert_close(layer(x), plain, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(layer.folded()(x), layer(x))


def test_conditional_norm_reads_latent_and_class() -> None:
    """Reading the class alone would let the generator ignore its latent."""
    torch.manual_seed(0)
    norm = layers.ConditionalBatchNorm(4, 6).eval()
    x = torch.randn(1, 4, 3, 3)
    conditions = torch.eye(6)
    outputs = [norm(x, condition[None]) for condition in conditions]
    assert all(not torch.allclose(outputs[0], other) for other in outputs[1:])


def test_minibatch_deviation_keeps_reals_and_fakes_apart() -> None:
    torch.manual_seed(0)
    spread, constant = torch.randn(8, 2, 3, 3), torch.ones(8, 2, 3, 3)
    plane = layers.minibatch_deviation(torch.cat([spread, constant]))
    assert plane.shape == (16, 1, 3, 3)
    assert (plane[:8] > 0.3).all()
    assert (plane[8:] < 1e-3).all()
    expected = spread[:4].var(0, unbiased=False).sqrt().mean()
    torch.testing.assert_close(plane[0, 0, 0, 0], expected, rtol=1e-4, atol=1e-4)


def test_projection_separates_classes() -> None:
    torch.manual_seed(0)
    discriminator = networks.build((8, 8, 1), 3, resolve("rpgan"))[1]
    image = torch.randn(4, 1, 8, 8)
    logits = [discriminator(image, torch.full((4,), label)) for label in range(3)]
    assert not torch.allclose(logits[0], logits[1])
    assert not torch.allclose(logits[1], logits[2])


@pytest.mark.parametrize(("side", "count"), [(8, 2), (12, 2), (16, 2), (28, 2), (32, 3), (48, 4), (64, 4)])
def test_images_are_halved_to_about_four_pixels(side: int, count: int) -> None:
    assert networks.stages(side, side) == count


@pytest.mark.parametrize(
    ("preset", "overrides", "words"),
    [
        ("stylegan", {}, "rpgan, vanilla, cgan"),
        ("rpgan", {"widht": "32"}, "widht.*settings are: architecture"),
        ("rpgan", {"width": "wide"}, "width.*'wide'"),
        ("rpgan", {"batch_size": 6}, "batch_size"),
        ("rpgan", {"discriminator_norm": "batch"}, "couples the samples"),
        ("cgan", {"generator_norm": "conditional-batch"}, "architecture 'conv'"),
        ("cgan", {"minibatch_deviation": True}, "architecture 'mlp'"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_reason(preset: str, overrides: dict, words: str) -> None:
    with pytest.raises(PresetError, match=words):
        resolve(preset, overrides)


def test_penalty_and_augmentation_follow_the_data() -> None:
    config = resolve("rpgan")
    assert config.gamma_for(32 * 32, 60_000) == pytest.approx(0.3)
    assert config.gamma_for(64 * 64, 60_000) == pytest.approx(1.2)
    assert config.gamma_for(32 * 32, 500) == pytest.approx(0.9)
    assert [config.augmentation_for(n) for n in (100, 10_000, 60_000)] == [0.6, 0.3, 0.0]
