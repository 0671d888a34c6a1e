"""Layers that the families share: norms, doubling, spreads over the batch, outputs, and what is done to weights."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize

from training.config.config import Config

LEAK = 0.2

# By the number of extents.
CONVOLUTIONS: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d}
DROPOUTS: dict[int, Any] = {1: nn.Dropout1d, 2: nn.Dropout2d}
BATCH_NORMS: dict[int, Any] = {0: nn.BatchNorm1d, 1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
_TRANSPOSED: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}
_TRANSPOSE: dict[int, Any] = {1: F.conv_transpose1d, 2: F.conv_transpose2d}
_CONVOLVE: dict[int, Any] = {1: F.conv1d, 2: F.conv2d}


def stages(*extents: int) -> int:
    """How often a sample is halved: down to about 4 in each extent, at least twice, while all stay whole."""
    count = 0
    while all(extent % 2 == 0 for extent in extents) and (count < 2 or min(extents) > 4) and min(extents) > 2:
        extents, count = tuple(extent // 2 for extent in extents), count + 1
    return count


class ClassEmbedding(nn.Embedding):
    """int64 [n] -> float32 [n, size]; what is a vector already, a blend of classes say, is taken as it is."""

    def forward(self, label: Tensor) -> Tensor:
        return label if label.is_floating_point() else super().forward(label)


def embedding(classes: int, size: int) -> ClassEmbedding:
    """A vector per class, small beside the latent's unit deviation, so that the class does not drown it at first."""
    layer = ClassEmbedding(classes, size)
    nn.init.normal_(layer.weight, std=0.5)
    return layer


class ConditionalBatchNorm(nn.Module):
    """Batch norm whose gain and bias read the latent and the class (Brock et al. 2019, section 3 and appendix B).

    Reading the class alone lets the generator ignore its latent: one image per class.
    """

    def __init__(self, channels: int, condition_size: int, extents: int) -> None:
        super().__init__()
        self.norm = BATCH_NORMS[extents](channels, affine=False)
        self.gain = nn.Linear(condition_size, channels)
        self.bias = nn.Linear(condition_size, channels)
        nn.init.normal_(self.gain.weight, std=0.02)
        nn.init.normal_(self.bias.weight, std=0.02)
        nn.init.ones_(self.gain.bias)
        nn.init.zeros_(self.bias.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        per_channel = (slice(None), slice(None), *(None for _ in x.shape[2:]))
        return self.norm(x) * self.gain(condition)[per_channel] + self.bias(condition)[per_channel]


class UnconditionalNorm(nn.Module):
    """A norm (or none) that takes and ignores a condition, so that a trunk has one form."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.norm(x)


class LayerNorm(nn.Module):
    """Normalises each sample over all of its elements, with a gain and a bias per channel (Ba et al. 2016).

    In operators that every ONNX Runtime provider has: PyTorch's own layers for images are exported as
    InstanceNormalization, which the CUDA provider loses at later opsets.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """x: float [n, channels, ...]"""
        per_channel = (-1, *(1 for _ in x.shape[2:]))
        axes = tuple(range(1, x.dim()))
        centred = x.float() - x.float().mean(axes, keepdim=True)
        # Not square(), which is exported as a power.
        scaled = centred * ((centred * centred).mean(axes, keepdim=True) + 1e-5).rsqrt()
        return (scaled * self.gain.view(per_channel) + self.bias.view(per_channel)).to(x.dtype)


class PixelNorm(nn.Module):
    """Scales the channels of every pixel to a mean square of 1 (Karras et al. 2018, section 4.2)."""

    def forward(self, x: Tensor) -> Tensor:
        """x: float [n, channels, ...]"""
        values = x.float()
        squares = values * values
        if self.training or x.dim() == 2:
            mean = squares.mean(1, keepdim=True)
        else:
            # Over a middle axis ONNX Runtime adds up a single sample in another order than one of many, and a sample
            # would depend on its batch; a convolution adds up each by itself.
            channels = x.shape[1]
            kernel = torch.full((1, channels, *(1 for _ in x.shape[2:])), 1 / channels, device=x.device)
            mean = _CONVOLVE[x.dim() - 2](squares, kernel)
        return (values * (mean + 1e-8).rsqrt()).to(x.dtype)


def norm(kind: str, channels: int, extents: int) -> nn.Module:
    """A norm over [n, channels, *extents], 0 to 2 extents, by its name in a configuration."""
    if kind == "batch":
        return BATCH_NORMS[extents](channels)
    return {"layer": LayerNorm(channels), "pixel": PixelNorm(), "none": nn.Identity()}[kind]


class UpConv(nn.Module):
    """Nearest-neighbour doubling followed by a convolution of width 3, run as one transposed convolution of width 4.

    The doubling adds up shifted copies of the kernel; doing that once on the kernel gives the same output with 2.25
    times fewer multiplications in two extents, and still no checkerboard.
    """

    def __init__(self, channels_in: int, channels_out: int, extents: int) -> None:
        super().__init__()
        self.extents = extents
        self.weight = nn.Parameter(torch.empty(channels_in, channels_out, *(3,) * extents))
        self.bias = nn.Parameter(torch.zeros(channels_out))
        nn.init.kaiming_normal_(self.weight.transpose(0, 1), a=LEAK)

    def kernel(self) -> Tensor:
        """float32 [in, out, 4] or [in, out, 4, 4]"""
        shifts = itertools.product((0, 1), repeat=self.extents)
        pads = ([side for shift in each for side in (shift, 1 - shift)] for each in shifts)
        return sum(F.pad(self.weight, pad) for pad in pads)  # type: ignore[return-value]

    def forward(self, x: Tensor) -> Tensor:
        transpose = _TRANSPOSE[self.extents]
        return transpose(x, self.kernel().to(x.dtype), self.bias.to(x.dtype), stride=2, padding=1)

    def folded(self) -> nn.Module:
        """The same function with the kernel computed for good, as it is exported."""
        layer = _TRANSPOSED[self.extents](self.weight.shape[0], self.weight.shape[1], 4, stride=2, padding=1)
        with torch.no_grad():
            layer.weight.copy_(self.kernel())
            layer.bias.copy_(self.bias)
        return layer


class Output(nn.Module):
    """The last activation of a generator: in evaluation its samples are in [-1, 1] whatever the kind."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "tanh":
            return torch.tanh(x)
        # Clamped while training, a value out of range would have no gradient to come back by.
        return x if self.training else x.clamp(-1.0, 1.0)


def minibatch_deviation(x: Tensor, group: int = 4) -> Tensor:
    """One channel with the mean deviation over groups of neighbouring rows (Karras et al. 2018, section 3).

    x: float [n, channels, *extents], n a multiple of `group`, so that a batch of reals followed by fakes keeps both
       apart.
    """
    n, _, *extents = x.shape
    grouped = x.unflatten(0, (n // group, group)).float()
    # Not Tensor.var, which is ten times slower over a short leading axis.
    variance = (grouped - grouped.mean(1, keepdim=True)).square().mean(1)
    deviation = (variance + 1e-8).sqrt().mean(dim=tuple(range(1, x.dim())))
    planes = deviation.repeat_interleave(group).view(n, 1, *(1 for _ in extents))
    return planes.expand(n, 1, *extents).to(x.dtype)


class VerdictHead(nn.Module):
    """Features and classes to a discriminator's verdict: float [n, 1], or [n, 1 + classes].

    Column 0 is the logit of being real. With projection the class meets the features in an inner product (Miyato and
    Koyama 2018, arXiv:1802.05637); with an auxiliary classifier the other columns are logits of the classes
    (Odena et al. 2017, arXiv:1610.09585).
    """

    def __init__(self, features: int, classes: int, config: Config) -> None:
        super().__init__()
        self.logit = nn.Linear(features, 1)
        conditioning = config.discriminator_conditioning
        self.projection = nn.Embedding(classes, features) if conditioning == "projection" else None
        self.classifier = nn.Linear(features, classes) if conditioning == "auxiliary-classifier" else None
        # A product of two vectors grows with their length. Spectral norm already bounds it; dividing there as well
        # leaves so little of the class that it is not learned.
        self.scale = 1.0 if config.spectral_norm != "none" else features**-0.5

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        logit = self.logit(features)
        if self.projection is not None:
            return logit + (self.projection(label) * features).sum(1, keepdim=True) * self.scale
        return logit if self.classifier is None else torch.cat([logit, self.classifier(features)], 1)


class EqualisedRate(nn.Module):
    """A weight is stored with unit deviation and scaled where it is used (Karras et al. 2018, section 4.1).

    Adam moves all stored weights alike, so that layers of any size learn at one rate.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.scale


def _weighted(network: nn.Module) -> list[tuple[Any, int]]:
    """Layers that multiply, with the axis of their weight that counts outputs."""
    kinds = (nn.Linear, *CONVOLUTIONS.values(), UpConv)
    # The gains of a conditional norm start at 1 and scale what is normalised already.
    norms = [module for module in network.modules() if isinstance(module, ConditionalBatchNorm)]
    left_out = {id(layer) for module in norms for layer in module.modules()}
    layers = (layer for layer in network.modules() if isinstance(layer, kinds) and id(layer) not in left_out)
    return [(layer, int(isinstance(layer, UpConv))) for layer in layers]


def prepare_weights(network: nn.Module, *, deviation: float | None, equalised: bool, spectral: bool) -> None:
    """What a configuration does to the weights of a new network; `folded` undoes the wrapping, not the effect.

    deviation: start all weights from N(0, deviation), biases from 0; None: as each layer does by itself.
    equalised: EqualisedRate on every weight.
    spectral:  divide every weight by its largest singular value (Miyato et al. 2018, arXiv:1802.05957, equation 8),
               the embedding of a projection too.
    """
    for layer, output in _weighted(network):
        if deviation is not None:
            nn.init.normal_(layer.weight, std=deviation)
            nn.init.zeros_(layer.bias)
        if equalised:
            fan_in = layer.weight.numel() // layer.weight.shape[output]
            nn.init.normal_(layer.weight)
            nn.init.zeros_(layer.bias)
            parametrize.register_parametrization(layer, "weight", EqualisedRate(math.sqrt(2 / fan_in)))
        if spectral:
            parametrizations.spectral_norm(layer, dim=output)
    if spectral:
        for head in (module for module in network.modules() if isinstance(module, VerdictHead)):
            if head.projection is not None:
                parametrizations.spectral_norm(head.projection)


def folded(network: nn.Module) -> nn.Module:
    """The same function in evaluation, in plain layers: changes the network that it is given, and returns it."""
    for module in list(network.modules()):
        if parametrize.is_parametrized(module):
            # Not remove_parametrizations, which takes the weight from the class that all copies of a module share.
            weight = nn.Parameter(module.weight.detach().clone())  # type: ignore[operator, union-attr]
            module.__class__ = parametrize.type_before_parametrizations(module)
            del module.parametrizations
            module.weight = weight
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            setattr(module, name, _folded(child))
    return _folded(network)


def _folded(module: nn.Module) -> nn.Module:
    fold: Callable[[], nn.Module] | None = getattr(module, "folded", None)
    return module if fold is None else fold()
