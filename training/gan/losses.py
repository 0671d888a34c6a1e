"""What one step of training has lost, and the error of a loss without bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from training.errors import TrainingError


class Diverged(TrainingError, RuntimeError):
    """A loss is no longer finite."""


@dataclass(frozen=True)
class Losses:
    """Scalars of one step, on the device; read them rarely, since reading waits for a GPU."""

    discriminator: Tensor  # a VAE: its divergence, in nats; 0 where there is none
    generator: Tensor  # a VAE: its reconstruction error, in nats; a likelihood: its negative logarithm
    penalty: Tensor  # what gradient penalties add to the discriminator's loss
    real_ahead: Tensor  # share of pairs whose real has the higher logit, [0, 1]; near 1 the discriminator wins
    discriminator_norm: Tensor  # of its gradient, before clipping
    generator_norm: Tensor

    @classmethod
    def alone(cls, loss: Tensor, norm: Tensor) -> Losses:
        """Of a generator that has no opponent in this step."""
        nothing = loss.new_zeros(())
        return cls(nothing, loss.detach(), nothing, nothing + 0.5, nothing, norm)

    def check_finite(self, steps: int, learning_rate: float) -> None:
        """Raise Diverged if a loss is not finite, after `steps` at the rate."""
        for name, value in (("discriminator", float(self.discriminator)), ("generator", float(self.generator))):
            if not math.isfinite(value):
                raise Diverged(
                    f"the {name}'s loss is {value} after {steps} steps; try a smaller rate, e.g. "
                    f"--set learning_rate={learning_rate / 4:g}"
                )
