"""Networks by family, sized by the form of a sample: `build` makes the two of a configuration.

Samples are float32 [n, channels, *extents] in [-1, 1], with one or two extents, for perceptrons also with none; labels
are int64 [n].
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from training.config.config import Config
from training.data.kind import Block, Head, Tokens
from training.networks import blocks, conv, mlp, progressive, segments, wave
from training.networks.autoregressive import AutoregressiveGenerator, Unrolled
from training.networks.carrier import Carrier
from training.networks.encoder import Encoder
from training.networks.layers import folded, prepare_weights, stages
from training.networks.progressive import blurred, growth
from training.networks.recurrent import RecurrentGenerator
from training.networks.sampler import Chance, Headed, Sampler, chance, drawn

__all__ = [
    "Carrier",
    "Chance",
    "Encoder",
    "Headed",
    "Sampler",
    "Unrolled",
    "blurred",
    "build",
    "chance",
    "drawn",
    "folded",
    "growth",
    "stages",
]

_FAMILIES: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "conv": (conv.ConvGenerator, conv.ConvDiscriminator),
    "mlp": (mlp.MlpGenerator, mlp.MlpDiscriminator),
    "segments": (segments.SegmentsGenerator, segments.SegmentsDiscriminator),
    "wave": (wave.WaveGenerator, wave.WaveDiscriminator),
    "progressive": (progressive.ProgressiveGenerator, progressive.ProgressiveDiscriminator),
}
_ENCODERS: dict[str, type[nn.Module]] = {"conv": conv.ConvEncoder, "mlp": mlp.MlpEncoder}


def build(
    form: tuple[int, ...],
    classes: int,
    config: Config,
    head: Head | None = None,
    parts: Sequence[Block] = (),
    tokens: Tokens | None = None,
) -> tuple[nn.Module, nn.Module | None]:
    """Generator and discriminator for samples of the form (channels, *extents); the encoder of a VAE instead.

    head:   the end of the generator, where its last activation is not.
    parts:  of a form without extents, where it has some.
    tokens: what a likelihood is learned of, by a generator without an opponent.
    """
    if config.objective == "likelihood":
        assert tokens is not None, "only kinds that have tokens have a likelihood"
        if config.architecture == "recurrent":
            return RecurrentGenerator(tokens, classes, config), None
        return AutoregressiveGenerator(tokens.sizes, classes, config), None
    generator: nn.Module
    if config.architecture == "blocks":
        assert head is not None, "rules.unfit says so before"
        generator = blocks.generator(parts, classes, config, head)
        opponent: nn.Module = blocks.BlocksDiscriminator(form[0], generator.told_size, classes, config)
        head = None
    else:
        generator_class, opponent_class = _FAMILIES[config.architecture]
        if config.objective == "evidence":
            opponent_class = _ENCODERS[config.architecture]
        generator, opponent = generator_class(form, classes, config), opponent_class(form, classes, config)
    for network, spectral in (
        (generator, config.spectral_norm == "both"),
        (opponent, config.spectral_norm != "none"),
    ):
        prepare_weights(network, deviation=config.weight_deviation, equalised=config.equalised_rate, spectral=spectral)
    return (generator if head is None else Headed(generator, head)), opponent
