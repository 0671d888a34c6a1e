"""Generators and discriminators: convolutional and perceptron families, sized by the shape of a sample.

Samples are float32 [n, channels, height, width] in [-1, 1] inside training; labels are int64 [n].
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.presets import Config

LEAK = 0.2


def stages(side_a: int, side_b: int) -> int:
    """How often an image is halved: down to about 4 x 4, at least twice, while both sides stay whole."""
    count = 0
    while side_a % 2 == 0 and side_b % 2 == 0 and (count < 2 or min(side_a, side_b) > 4) and min(side_a, side_b) > 2:
        side_a, side_b, count = side_a // 2, side_b // 2, count + 1
    return count


class ConditionalBatchNorm(nn.Module):
    """Batch norm whose gain and bias read the latent and the class (Brock et al. 2019, section 3 and appendix B).

    Reading the class alone lets the generator ignore its latent: one image per class.
    """

    def __init__(self, channels: int, condition_size: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = nn.Linear(condition_size, channels)
        self.bias = nn.Linear(condition_size, channels)
        nn.init.normal_(self.gain.weight, std=0.02)
        nn.init.normal_(self.bias.weight, std=0.02)
        nn.init.ones_(self.gain.bias)
        nn.init.zeros_(self.bias.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.norm(x) * self.gain(condition)[:, :, None, None] + self.bias(condition)[:, :, None, None]


class UnconditionalNorm(nn.Module):
    """A norm (or none) that takes and ignores a condition, so that a trunk has one form."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.norm(x)


class UpConv(nn.Module):
    """Nearest-neighbour doubling followed by a 3 x 3 convolution, run as one 4 x 4 transposed convolution.

    The doubling adds up shifted copies of the kernel; doing that once on the kernel gives the same output with 2.25
    times fewer multiplications, and still no checkerboard.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels_in, channels_out, 3, 3))
        self.bias = nn.Parameter(torch.zeros(channels_out))
        nn.init.kaiming_normal_(self.weight.transpose(0, 1), a=LEAK)

    def kernel(self) -> Tensor:
        """float32 [in, out, 4, 4]"""
        return sum(F.pad(self.weight, (x, 1 - x, y, 1 - y)) for x in (0, 1) for y in (0, 1))  # type: ignore[return-value]

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self.kernel().to(x.dtype), self.bias.to(x.dtype), stride=2, padding=1)

    def as_transposed_convolution(self) -> nn.ConvTranspose2d:
        """The same function with the kernel computed for good, as it is exported."""
        layer = nn.ConvTranspose2d(self.weight.shape[0], self.weight.shape[1], 4, stride=2, padding=1)
        with torch.no_grad():
            layer.weight.copy_(self.kernel())
            layer.bias.copy_(self.bias)  # type: ignore[union-attr]
        return layer


def _embedding(classes: int, size: int) -> nn.Embedding:
    embedding = nn.Embedding(classes, size)
    # Small beside the latent's unit deviation, so that the class does not drown it from the start.
    nn.init.normal_(embedding.weight, std=0.5)
    return embedding


class ConvGenerator(nn.Module):
    """latent float32 [n, latent_size], label int64 [n] -> sample float32 [n, channels, height, width] in (-1, 1)."""

    def __init__(self, shape: tuple[int, int, int], classes: int, config: Config) -> None:
        super().__init__()
        height, width, channels = shape
        count = stages(height, width)
        self.base = (height >> count, width >> count)
        self.embedding = _embedding(classes, config.embedding_size)
        condition_size = config.latent_size + config.embedding_size
        # Channels from the base to the last hidden layer, e.g. 4w, 2w; capped at 8w.
        sizes = [config.width * min(8, 2 ** (count - stage)) for stage in range(count)]
        self.first = nn.Linear(condition_size, sizes[0] * self.base[0] * self.base[1])

        def norm(size: int) -> nn.Module:
            if config.generator_norm == "conditional-batch":
                return ConditionalBatchNorm(size, condition_size)
            return UnconditionalNorm(nn.BatchNorm2d(size) if config.generator_norm == "batch" else nn.Identity())

        self.norms = nn.ModuleList(norm(size) for size in sizes)
        self.ups = nn.ModuleList(UpConv(a, b) for a, b in zip(sizes, [*sizes[1:], channels], strict=True))

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        condition = torch.cat([latent, self.embedding(label)], 1)
        x = self.first(condition).unflatten(1, (-1, *self.base))
        for norm, up in zip(self.norms, self.ups, strict=True):
            x = up(F.leaky_relu(norm(x, condition), LEAK))
        return torch.tanh(x)


class ConvDiscriminator(nn.Module):
    """sample float32 [n, channels, height, width], label int64 [n] -> logit float32 [n].

    With projection (Miyato and Koyama 2018, arXiv:1802.05637) the class meets the features in an inner product; with
    concatenation it is a further input plane.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, config: Config) -> None:
        super().__init__()
        height, width, channels = shape
        count = stages(height, width)
        sizes = [config.width * min(8, 2 ** (stage + 1)) for stage in range(count)]
        self.plane = None
        if config.discriminator_conditioning == "concatenation":
            self.plane = nn.Embedding(classes, height * width)
            channels += 1
        self.image_shape = (1, height, width)
        layers: list[nn.Module] = []
        for stage, (a, b) in enumerate(zip([channels, *sizes[:-1]], sizes, strict=True)):
            layers.append(nn.Conv2d(a, b, 4, stride=2, padding=1))
            if config.discriminator_norm == "batch" and stage > 0:  # none at the input (DCGAN, section 3)
                layers.append(nn.BatchNorm2d(b))
            layers.append(nn.LeakyReLU(LEAK))
            if config.dropout:
                layers.append(nn.Dropout2d(config.dropout))
        self.trunk = nn.Sequential(*layers)
        self.minibatch_deviation = config.minibatch_deviation
        flat = (sizes[-1] + int(config.minibatch_deviation)) * (height >> count) * (width >> count)
        features = config.width * 8
        self.features = nn.Linear(flat, features)
        self.logit = nn.Linear(features, 1)
        self.projection = nn.Embedding(classes, features) if config.discriminator_conditioning == "projection" else None

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        if self.plane is not None:
            sample = torch.cat([sample, self.plane(label).unflatten(1, self.image_shape)], 1)
        x = self.trunk(sample)
        if self.minibatch_deviation:
            x = torch.cat([x, minibatch_deviation(x)], 1)
        x = F.leaky_relu(self.features(x.flatten(1)), LEAK)
        logit = self.logit(x).squeeze(1)
        if self.projection is not None:
            logit = logit + (self.projection(label) * x).sum(1) * x.shape[1] ** -0.5
        return logit


def minibatch_deviation(x: Tensor, group: int = 4) -> Tensor:
    """One plane with the mean deviation over groups of neighbouring rows (Karras et al. 2018, section 3).

    x: float [n, channels, height, width], n a multiple of `group`, so that a batch of reals followed by fakes keeps
       both apart.
    """
    n, _, height, width = x.shape
    grouped = x.unflatten(0, (n // group, group)).float()
    # Not Tensor.var, which is ten times slower over a short leading axis.
    variance = (grouped - grouped.mean(1, keepdim=True)).square().mean(1)
    deviation = (variance + 1e-8).sqrt().mean(dim=(1, 2, 3))
    return deviation.repeat_interleave(group)[:, None, None, None].expand(n, 1, height, width).to(x.dtype)


class MlpGenerator(nn.Module):
    """latent float32 [n, latent_size], label int64 [n] -> sample float32 [n, channels, height, width] in (-1, 1)."""

    def __init__(self, shape: tuple[int, int, int], classes: int, config: Config) -> None:
        super().__init__()
        height, width, channels = shape
        self.shape = (channels, height, width)
        self.embedding = _embedding(classes, config.embedding_size)
        sizes = [config.latent_size + config.embedding_size, *(config.width * 2**layer for layer in range(4))]
        layers: list[nn.Module] = []
        for layer, (a, b) in enumerate(itertools.pairwise(sizes)):
            layers.append(nn.Linear(a, b))
            if config.generator_norm != "none" and layer > 0:
                layers.append(nn.BatchNorm1d(b))
            layers.append(nn.LeakyReLU(LEAK))
        self.trunk = nn.Sequential(*layers, nn.Linear(sizes[-1], height * width * channels))

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        x = self.trunk(torch.cat([latent, self.embedding(label)], 1))
        return torch.tanh(x.unflatten(1, self.shape))


class MlpDiscriminator(nn.Module):
    """sample float32 [n, channels, height, width], label int64 [n] -> logit float32 [n]."""

    def __init__(self, shape: tuple[int, int, int], classes: int, config: Config) -> None:
        super().__init__()
        units = config.width * 4
        elements = shape[0] * shape[1] * shape[2]
        concatenated = config.discriminator_conditioning == "concatenation"
        self.embedding = _embedding(classes, config.embedding_size if concatenated else units)
        self.concatenated = concatenated
        layers: list[nn.Module] = []
        sizes = [elements + (config.embedding_size if concatenated else 0), units, units, units]
        for a, b in itertools.pairwise(sizes):
            layers += [nn.Linear(a, b), nn.LeakyReLU(LEAK), nn.Dropout(config.dropout)]
        self.trunk = nn.Sequential(*layers)
        self.logit = nn.Linear(units, 1)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        x, embedded = sample.flatten(1), self.embedding(label)
        if self.concatenated:
            return self.logit(self.trunk(torch.cat([x, embedded], 1))).squeeze(1)
        x = self.trunk(x)
        return self.logit(x).squeeze(1) + (embedded * x).sum(1) * x.shape[1] ** -0.5


def build(shape: tuple[int, int, int], classes: int, config: Config) -> tuple[nn.Module, nn.Module]:
    """Generator and discriminator for samples of the shape (height, width, channels)."""
    if config.architecture == "mlp":
        return MlpGenerator(shape, classes, config), MlpDiscriminator(shape, classes, config)
    return ConvGenerator(shape, classes, config), ConvDiscriminator(shape, classes, config)
