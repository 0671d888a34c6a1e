from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional as F

from training import networks
from training.config.presets import PRESETS, PresetError, resolve
from training.networks import layers


@pytest.mark.parametrize(
    "preset", [name for name in PRESETS if resolve(name).architecture in ("conv", "mlp", "progressive")]
)
@pytest.mark.parametrize("form", [(1, 8, 8), (3, 12, 12), (1, 28, 28), (3, 32, 32), (1, 48, 48), (3, 64, 64), (2, 64)])
def test_every_preset_makes_and_judges_every_form(preset: str, form: tuple[int, ...]) -> None:
    config = resolve(preset)
    generator, discriminator = networks.build(form, 5, config)
    if config.architecture == "progressive":
        generator.eval()  # a linear output is cut to its range when training is over
    labels = torch.arange(8) % 5
    sample = generator(torch.randn(8, config.latent_size), labels)
    assert sample.shape == (8, *form)
    assert sample.abs().max() <= 1
    columns = {"evidence": 2 * config.latent_size}.get(config.objective, 1)
    columns += 5 * (config.discriminator_conditioning == "auxiliary-classifier")
    assert discriminator(sample, labels).shape == (8, columns)


def test_upconv_equals_nearest_doubling_and_a_convolution() -> None:
    torch.manual_seed(0)
    layer = layers.UpConv(5, 3, 2)
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(2, 5, 7, 7)
    plain = F.conv2d(F.interpolate(x, scale_factor=2), layer.weight.transpose(0, 1).flip(2, 3), layer.bias, padding=1)
    torch.testing.assert_close(layer(x), plain, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(layer.folded()(x), layer(x))


def test_upconv_of_one_extent_equals_nearest_doubling_and_a_convolution() -> None:
    torch.manual_seed(0)
    layer = layers.UpConv(5, 3, 1)
    x = torch.randn(2, 5, 7)
    plain = F.conv1d(F.interpolate(x, scale_factor=2), layer.weight.transpose(0, 1).flip(2), layer.bias, padding=1)
    torch.testing.assert_close(layer(x), plain, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(layer.folded()(x), layer(x))


def test_conditional_norm_reads_latent_and_class() -> None:
    """Reading the class alone would let the generator ignore its latent."""
    torch.manual_seed(0)
    norm = layers.ConditionalBatchNorm(4, 6, 2).eval()
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
    discriminator = networks.build((1, 8, 8), 3, resolve("rpgan"))[1]
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
        ("rpgan", {"widht": "32"}, "no setting 'widht'; did you mean width[?]$"),
        ("rpgan", {"colour": "red"}, "no setting 'colour'; there are: architecture, width, "),
        ("rpgan", {"width": "wide"}, "width: [^;]*'wide'[^;]*$"),
        ("rpgan", {"batch_size": 6}, "batch_size"),
        ("rpgan", {"discriminator_norm": "batch"}, "couples the samples"),
        ("cgan", {"generator_norm": "conditional-batch"}, "architectures 'conv' and 'segments'"),
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


@pytest.mark.parametrize(
    ("progress", "level", "fade"),
    [
        (0.0, 0, 1.0),
        (0.09, 0, 1.0),
        (0.125, 1, 0.25),  # five parts of 0.1: base, fade, train, fade, train
        (0.19, 1, 0.9),
        (0.25, 1, 1.0),
        (0.35, 2, 0.5),
        (0.45, 2, 1.0),
        (0.5, 2, 1.0),
        (1.0, 2, 1.0),
    ],
)
def test_growing_fades_each_level_in_and_trains_it(progress: float, level: int, fade: float) -> None:
    assert networks.growth(3, progress, 0.5) == (level, pytest.approx(fade))


def test_growing_may_be_left_out() -> None:
    assert networks.growth(3, 0.0, 0.0) == (2, 1.0)


def test_a_level_comes_in_without_a_jump() -> None:
    """At weight 0 a new level shows what the one below showed; the discriminator judges the same."""
    torch.manual_seed(0)
    generator, discriminator = networks.build((1, 28, 28), 3, resolve("progan"))
    latent, label = torch.randn(4, 64), torch.arange(4) % 3

    def grown(level: int, fade: float) -> tuple[torch.Tensor, torch.Tensor]:
        generator.grow(level, fade)
        discriminator.grow(level, fade)
        sample = generator(latent, label)
        return sample, discriminator(sample, label)

    for level in (1, 2):
        before, after = grown(level - 1, 1.0), grown(level, 0.0)
        torch.testing.assert_close(after[0], before[0])
        torch.testing.assert_close(after[1], before[1])
        assert not torch.allclose(grown(level, 1.0)[0], before[0])


def test_reals_are_shown_at_the_level_of_the_fakes() -> None:
    torch.manual_seed(0)
    real = torch.randn(2, 1, 8, 8)
    assert torch.equal(networks.blurred(real, 3, 2, 1.0), real)
    base = networks.blurred(real, 3, 0, 1.0)
    torch.testing.assert_close(base[:, :, 0, 0], real[:, :, :4, :4].mean((2, 3)))
    assert len(base[0, 0].unique()) == 4
    halfway = networks.blurred(real, 3, 2, 0.5)
    torch.testing.assert_close(halfway, (real + networks.blurred(real, 3, 1, 1.0)) / 2)


def test_spectral_norm_bounds_every_layer_and_survives_folding() -> None:
    torch.manual_seed(0)
    generator, discriminator = networks.build((1, 8, 8), 3, resolve("sngan", {"spectral_norm": "both"}))
    sample, label = torch.randn(8, 1, 8, 8), torch.arange(8) % 3
    for _ in range(30):  # each pass is one step of the power iteration
        discriminator(sample, label)
    discriminator.eval()
    weights = [m.weight for m in discriminator.modules() if isinstance(m, torch.nn.Linear | torch.nn.Conv2d)]
    weights.append(discriminator.head.projection.weight)
    assert len(weights) == 5
    for weight in weights:
        assert float(torch.linalg.matrix_norm(weight.flatten(1), 2)) == pytest.approx(1, abs=0.1)
    generator.eval()
    latent = torch.randn(8, 64)
    before = generator(latent, label)
    plain = networks.folded(copy.deepcopy(generator))
    torch.testing.assert_close(plain(latent, label), before)
    torch.testing.assert_close(generator(latent, label), before)  # the original is as it was
    assert not any("parametrizations" in name for name in plain.state_dict())


def test_equalised_rate_keeps_the_scale_of_signals() -> None:
    torch.manual_seed(0)
    generator, _ = networks.build((1, 28, 28), 3, resolve("progan"))
    stored = generator.ups[0].parametrizations.weight.original
    assert float(stored.std()) == pytest.approx(1, abs=0.05)
    assert float(generator.ups[0].weight.std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.05)


@pytest.mark.parametrize("kind", ["layer", "pixel"])
def test_norms_treat_every_sample_by_itself(kind: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(5, 6, 4, 4) * 3 + 2
    layer = layers.norm(kind, 6, 2)
    torch.testing.assert_close(layer(x)[:1], layer(x[:1]))
    expected = F.group_norm(x, 1) if kind == "layer" else x / x.square().mean(1, keepdim=True).sqrt()
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(layer.eval()(x), expected, rtol=1e-4, atol=1e-4)


def test_initial_deviation_leaves_conditional_gains_at_one() -> None:
    generator, _ = networks.build((1, 8, 8), 3, resolve("rpgan", {"weight_deviation": 0.02}))
    assert float(generator.first.weight.std()) == pytest.approx(0.02, rel=0.1)
    assert (generator.norms[0].gain.bias == 1).all()
