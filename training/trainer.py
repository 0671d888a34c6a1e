"""The training loop: one step of both networks, and the state that a run resumes from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from training import networks
from training.augmentation import augment
from training.average import MovingAverage
from training.draw import Draw
from training.objectives import OBJECTIVES, gradient_penalty
from training.presets import Config


class Diverged(RuntimeError):
    """A loss is no longer finite."""


@dataclass(frozen=True)
class Losses:
    """Scalars of one step, on the device; read them rarely, since reading waits for a GPU."""

    discriminator: Tensor
    generator: Tensor
    penalty: Tensor  # what R1 and R2 add to the discriminator's loss
    real_ahead: Tensor  # share of pairs whose real has the higher logit, [0, 1]; near 1 the discriminator wins
    discriminator_norm: Tensor  # of its gradient, before clipping
    generator_norm: Tensor


def supports_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is fast on the device; where it is only emulated, float32 is faster."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()


def cosine(start: float, end: float, progress: float) -> float:
    """From start at progress 0 to end at progress 1 along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, progress))) / 2


class Trainer:
    """Both networks, their optimisers and the generator's average; `step` advances all of them by one batch."""

    def __init__(
        self,
        fabric: Fabric,
        config: Config,
        samples: np.ndarray,
        labels: np.ndarray,
        classes: int,
        seed: int,
    ) -> None:
        """samples: uint8 [n, height, width, channels], the training split; labels: int64 [n] in [0, classes)."""
        self.fabric, self.config = fabric, config
        self.steps = 0
        self.shape: tuple[int, int, int] = samples.shape[1:]  # type: ignore[assignment]
        self._bfloat16 = supports_bfloat16(fabric.device)
        self._gamma = config.gamma_for(int(np.prod(self.shape)), len(samples))
        self._augmentation = config.augmentation_for(len(samples))
        self._objective = OBJECTIVES[config.objective]
        self._draw = Draw(
            samples,
            labels,
            classes,
            balance=config.class_balance,
            batch_size=config.batch_size,
            latent_size=config.latent_size,
            seed=seed,
            rank=fabric.global_rank,
            device=fabric.device,
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)  # the same initial weights on every rank
            generator, discriminator = networks.build(self.shape, classes, config)
        self.average = MovingAverage(fabric.to_device(generator), config.average_half_life)

        def adam(module: torch.nn.Module) -> torch.optim.Adam:
            betas = (config.beta1, config.beta2)
            return torch.optim.Adam(module.parameters(), lr=config.learning_rate, betas=betas, fused=True)

        self.generator, self._generator_adam = fabric.setup(generator, adam(generator))
        self.discriminator, self._discriminator_adam = fabric.setup(discriminator, adam(discriminator))

    @property
    def samples_seen(self) -> int:
        """Real samples shown to the discriminator so far, over all processes."""
        return self.steps * self.config.batch_size * self.fabric.world_size

    def step(self, progress: float) -> Losses:
        """One update of each network. progress: share of the run that is over, [0, 1]; drives the schedules."""
        config = self.config
        for adam in (self._generator_adam, self._discriminator_adam):
            for group in adam.param_groups:
                rate = config.learning_rate
                group["lr"] = cosine(rate, rate * config.learning_rate_final, progress)
                group["betas"] = (config.beta1, cosine(config.beta2, config.beta2_final, progress))
        gamma = cosine(self._gamma, self._gamma * config.gamma_final, progress)
        probability = cosine(0.0, self._augmentation, progress)

        # Draw
        self._draw.seed_step(self.steps)
        batch = self._draw.batch()
        fake = self._run(self.generator, batch.latent, batch.label)

        # Discriminator: reals against fakes of the same classes, with the gradient penalties at both
        seen = torch.cat([batch.real, fake.detach()])
        seen = augment(seen, probability, self._draw.random).detach().requires_grad_(gamma > 0)
        real_logit, fake_logit = self._judge(seen, batch.label)
        loss = self._objective.discriminator(real_logit, fake_logit)
        penalty = torch.zeros((), device=loss.device)
        if gamma > 0:
            # R1 and R2 are means over their halves; the mean over all is half their sum.
            penalty = gamma * 2 * gradient_penalty(torch.cat([real_logit, fake_logit]), seen).mean()
        self._discriminator_adam.zero_grad(set_to_none=True)
        self.fabric.backward(loss + penalty)
        discriminator_norm = self.fabric.clip_gradients(
            self.discriminator, self._discriminator_adam, max_norm=config.gradient_clip, error_if_nonfinite=False
        )
        self._discriminator_adam.step()

        # Generator, against the updated discriminator
        self.discriminator.requires_grad_(False)
        real_again = real_logit.detach()
        if self._objective.relativistic:
            with torch.no_grad():
                real_again = self._run(self.discriminator, seen[: config.batch_size].detach(), batch.label)
        judged = self._run(self.discriminator, augment(fake, probability, self._draw.random), batch.label)
        generator_loss = self._objective.generator(real_again, judged)
        self._generator_adam.zero_grad(set_to_none=True)
        self.fabric.backward(generator_loss)
        self.discriminator.requires_grad_(True)
        generator_norm = self.fabric.clip_gradients(
            self.generator, self._generator_adam, max_norm=config.gradient_clip, error_if_nonfinite=False
        )
        self._generator_adam.step()

        # Average
        self.steps += 1
        self.average.update(self.generator.module, self.samples_seen, self.config.batch_size * self.fabric.world_size)
        return Losses(
            loss.detach(),
            generator_loss.detach(),
            penalty.detach(),
            (real_logit > fake_logit).float().mean(),
            discriminator_norm.detach(),  # type: ignore[union-attr]
            generator_norm.detach(),  # type: ignore[union-attr]
        )

    def _judge(self, seen: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of reals and fakes, stacked in `seen`: in one pass, but two if a batch norm would mix them."""
        if self.config.discriminator_norm == "batch":
            real, fake = seen.chunk(2)
            return self._run(self.discriminator, real, label), self._run(self.discriminator, fake, label)
        real_logit, fake_logit = self._run(self.discriminator, seen, torch.cat([label, label])).chunk(2)
        return real_logit, fake_logit

    def _run(self, network: torch.nn.Module, *inputs: Tensor) -> Tensor:
        """A network's output, float32; convolutions and products in bfloat16 where the hardware has it.

        Not Fabric's own precision setting, which forbids the inner gradients that R1 and R2 take.
        """
        with torch.autocast(self.fabric.device.type, torch.bfloat16, enabled=self._bfloat16):
            return network(*inputs).float()

    def check_finite(self, losses: Losses) -> None:
        """Raise Diverged if a loss is not finite."""
        values = {"discriminator": float(losses.discriminator), "generator": float(losses.generator)}
        for name, value in values.items():
            if not math.isfinite(value):
                raise Diverged(
                    f"the {name}'s loss is {value} after {self.steps} steps; try a smaller rate, e.g. "
                    f"--set learning_rate={self.config.learning_rate / 4:g}"
                )

    def settle(self, batches: int = 64) -> torch.nn.Module:
        """The averaged generator with statistics of its own over so many batches, in evaluation mode."""
        self._draw.seed_step(-1 - self.steps)
        size = self.config.batch_size
        self.average.estimate_statistics(lambda: (self._draw.latents(size), self._draw.labels(size)), batches)
        return self.average.module

    def state_dict(self) -> dict[str, Any]:
        """Tensors and numbers only; with the configuration and the seed, everything that the next step depends on."""
        return {
            "steps": self.steps,
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.module.state_dict(),
            "generator_adam": self._generator_adam.state_dict(),
            "discriminator_adam": self._discriminator_adam.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state_dict of the same configuration and data."""
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.average.module.load_state_dict(state["average"])
        self._generator_adam.load_state_dict(state["generator_adam"])
        self._discriminator_adam.load_state_dict(state["discriminator_adam"])
        self.steps = state["steps"]


@torch.no_grad()
def draw_samples(
    module: torch.nn.Module,
    labels: np.ndarray,
    latent_size: int,
    seed: int,
    device: torch.device,
    batch_size: int = 256,
) -> np.ndarray:
    """Samples of a generator in its training form, quantised as the exported graph does.

    labels:  int64 [n].
    returns: uint8 [n, height, width, channels].
    """
    random = torch.Generator(device).manual_seed(seed)
    pages = []
    for start in range(0, len(labels), batch_size):
        label = torch.from_numpy(labels[start : start + batch_size]).to(device)
        sample = module(torch.randn(len(label), latent_size, generator=random, device=device), label)
        pages.append(quantise(sample.float()).permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(pages)


def quantise(sample: Tensor) -> Tensor:
    """[-1, 1] to the 256 levels of an image: float32 to uint8. Truncation of x * 127.5 + 128 rounds to the nearest."""
    return (sample * 127.5 + 128.0).clamp(0, 255).to(torch.uint8)
