"""The training loop: one step of both networks, and the state that a run resumes from."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from training import networks
from training.config.config import Config
from training.data import Samples
from training.data.kind import Kind
from training.gan import batches, compiling, held, objectives
from training.gan.average import MovingAverage
from training.gan.batches import Batch, Batches
from training.gan.losses import Losses
from training.gan.optimizers import cosine, linear
from training.gan.player import Player, descend
from training.precision import supports_bfloat16


class Trainer:
    """Both networks, their optimisers and the generator's average; `step` advances all of them.

    A variational autoencoder is trained here too: its encoder stands in the discriminator's place. A likelihood is
    learned by the generator alone, on a part of the samples; by the others the best of its averages is chosen.
    """

    def __init__(
        self,
        fabric: Fabric,
        config: Config,
        kind: Kind,
        samples: Samples,
        labels: np.ndarray,
        classes: int,
        seed: int,
    ) -> None:
        """samples: the training split, raw, of the kind, [n, *shape]; or rows on disk.

        labels: int64 [n], every class in [0, classes) present.
        """
        self.fabric, self.config, self.kind = fabric, config, kind
        self.steps = 0
        self._best: held.Best | None = None
        self._bfloat16 = supports_bfloat16(fabric.device)
        self._gamma = config.gamma_for(math.prod(kind.form), len(samples))
        self._augmentation = config.augmentation_for(len(samples)) if kind.augmentation else 0.0
        updates = {"evidence": self._autoencode, "likelihood": self._explain}
        self._update = updates.get(config.objective, self._compete)
        with torch.random.fork_rng():
            torch.manual_seed(seed)  # the same initial weights on every rank
            generator, discriminator = networks.build(kind.form, classes, config, kind.head(), kind.blocks, kind.tokens)
        # Whether it is shown a part of real samples while it learns (training.networks.blocks)
        self._teaches = bool(getattr(generator, "teaches", False))
        if self._teaches:
            generator.learn(lambda: batches.pages(kind, samples, labels))  # type: ignore[operator]
        encode, members = kind.encode, None
        if discriminator is None:
            assert kind.tokens is not None
            encode = kind.tokens.encode
            members, self._best = held.hold_out(encode, samples, labels, fabric.device)
        self._batches = Batches(
            encode,
            samples,
            labels,
            classes,
            balance=config.class_balance,
            batch_size=config.batch_size,
            latent_size=config.latent_size,
            taken=networks.chance(generator),
            seed=seed,
            rank=fabric.global_rank,
            device=fabric.device,
            members=members,
        )
        self._set_up(generator, discriminator)
        self._grow(0.0)

    def _set_up(self, generator: nn.Module, discriminator: nn.Module | None) -> None:
        """Give each network its optimiser, and compile what can be."""
        fabric, config = self.fabric, self.config
        if config.compile:
            compiling.check(fabric.device)
        self.average = MovingAverage(fabric.to_device(generator), config.average_half_life)
        self._players = [Player(fabric, generator, config, config.learning_rate)]
        self._generate = compiling.forward(self.generator, config)
        if discriminator is not None:
            rate = config.discriminator_learning_rate or config.learning_rate
            self._players.append(Player(fabric, discriminator, config, rate))
            penalised = config.gamma > 0 or config.unit_slope > 0
            self._verdict = compiling.forward(self.discriminator, config)
            self._verdict_with_slope = compiling.forward(self.discriminator, config, penalised=penalised)

    @property
    def generator(self) -> Any:
        """The network that is trained, as Fabric runs it; `average` is what is kept of it."""
        return self._players[0].network

    @property
    def discriminator(self) -> Any:
        """The generator's opponent, or a VAE's encoder; None: a likelihood has none."""
        return self._players[1].network if len(self._players) > 1 else None

    @property
    def held_out_loss(self) -> float | None:
        """Of the best average of a likelihood, in nats for a sample that was not trained on; None: nothing to say."""
        return None if self._best is None or math.isinf(self._best.loss) else self._best.loss

    @property
    def samples_seen(self) -> int:
        """Real samples learned from so far, over all processes."""
        return self.steps * self.config.critic_steps * self.config.batch_size * self.fabric.world_size

    def step(self, progress: float) -> Losses:
        """One update of the generator, after those of the discriminator.

        progress: share of the run that is over, [0, 1]; drives the schedules.
        """
        config = self.config
        for player in self._players:
            player.schedule(progress)
        self._grow(progress)
        step_seed = self._batches.seed_step(self.steps)
        if config.dropout or config.phase_shuffle:
            torch.manual_seed(step_seed)  # these layers take no generator of their own
        losses = self._warm_up() if progress < config.warmup else self._update(progress)
        seen = self.samples_seen
        self.steps += 1
        self.average.update(self.generator.module, self.samples_seen, self.samples_seen - seen)
        if self._best is not None and held.due(self.steps):
            self._best.consider(self.average.module)
        return losses

    def _compete(self, progress: float) -> Losses:
        """A generative adversarial network (Goodfellow et al. 2014, algorithm 1, and what came after it)."""
        config = self.config
        objective = objectives.build(config)
        generator, discriminator = self._players
        gamma = cosine(self._gamma, self._gamma * config.gamma_final, progress)
        probability = cosine(0.0, self._augmentation, progress)

        for critic_step in range(1, config.critic_steps + 1):
            # Draw; the fakes of the last batch teach the generator too
            batch = self._batches.batch()
            real = networks.blurred(batch.real, *self._growth) if self._growth else batch.real
            with torch.set_grad_enabled(critic_step == config.critic_steps):
                fake, missed, told = self._make(batch)

            # Discriminator: reals against fakes of the same classes, with the gradient penalties at both or between
            seen = torch.cat([real, fake.detach()])
            seen = self._augmented(seen, probability).detach().requires_grad_(gamma > 0)
            real_verdict, fake_verdict = self._judge(seen, batch.label, *told)
            real_logit, fake_logit = real_verdict[:, 0], fake_verdict[:, 0]
            loss = objective.discriminator(real_logit, fake_logit)
            if config.discriminator_conditioning == "auxiliary-classifier":
                classified = cross_entropy(real_verdict[:, 1:], batch.label) + cross_entropy(
                    fake_verdict[:, 1:], batch.label
                )
                loss = loss + config.classifier_weight * classified
            if config.drift:
                loss = loss + config.drift * real_logit.square().mean()
            logits, random = torch.cat([real_logit, fake_logit]), self._batches.random
            verdict = partial(self._run, self._verdict_with_slope)
            penalty = objectives.penalty(config, gamma, seen, logits, verdict, (batch.label, *told), random)
            (discriminator_norm,) = descend(self.fabric, loss + penalty, discriminator)
            if config.weight_clip:
                discriminator.clip_weights(config.weight_clip)

        # Generator, against the updated discriminator
        self.discriminator.requires_grad_(False)
        real_again = real_logit.detach()
        if objective.relativistic:
            with torch.no_grad():
                real_again = self._run(self._verdict, seen[: config.batch_size].detach(), batch.label, *told)[:, 0]
        judged = self._run(self._verdict, self._augmented(fake, probability), batch.label, *told)
        generator_loss = objective.generator(real_again, judged[:, 0]) + config.shown_weight * missed
        if config.discriminator_conditioning == "auxiliary-classifier":
            generator_loss = generator_loss + config.classifier_weight * cross_entropy(judged[:, 1:], batch.label)
        (generator_norm,) = descend(self.fabric, generator_loss, generator)
        self.discriminator.requires_grad_(True)
        return Losses(
            loss.detach(),
            generator_loss.detach(),
            penalty.detach(),
            (real_logit > fake_logit).float().mean(),
            discriminator_norm,
            generator_norm,
        )

    def _autoencode(self, progress: float) -> Losses:
        """A variational autoencoder (Kingma and Welling 2014, section 3, with the reparametrisation of section 2.4)."""
        config = self.config
        batch = self._batches.batch()
        mean, log_variance = self._run(self._verdict, batch.real, batch.label).chunk(2, 1)
        latent = mean + (log_variance / 2).exp() * batch.latent
        head = getattr(self.generator.module, "head", None)
        made = self._run(self._generate, latent, batch.label, *(() if head is None else (None, True)))
        surprise = None if head is None else head.surprise(made, batch.real)
        lost = self.kind.likelihood(batch.real, made) if surprise is None else surprise.flatten(1).sum(1)
        reconstruction, divergence = objectives.evidence(lost, mean, log_variance)
        # The divergence comes in slowly, or it would empty the latent before the decoder has learned to read it.
        weight = config.kl_weight * (linear(0.0, 1.0, progress / config.kl_warmup) if config.kl_warmup else 1.0)
        decoder_norm, encoder_norm = descend(self.fabric, reconstruction + weight * divergence, *self._players)
        nothing = torch.zeros((), device=made.device)
        return Losses(divergence.detach(), reconstruction.detach(), nothing, nothing + 0.5, encoder_norm, decoder_norm)

    def _make(self, batch: Batch) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """Generated samples; by how much the generator missed real ones; what of them the discriminator is told."""
        if not self._teaches:
            made = self._run(self._generate, batch.latent, batch.label, *batch.chance)
            return made, torch.zeros((), device=made.device), ()
        teacher = self.generator.module
        shown = teacher.shown(batch.real, self._batches.random)
        made, logits = self._run(self._generate, batch.latent, batch.label, *batch.chance, shown)
        told = (shown[:, : teacher.told_size],) if teacher.told_size else ()
        return made, teacher.lost(logits, batch.real, shown).mean(), told

    def _warm_up(self) -> Losses:
        """The generator learns from what it is shown, before there is anybody to compete with."""
        batch, teacher = self._batches.batch(), self.generator.module
        shown = teacher.shown(batch.real, self._batches.random)
        logits = self._run(self._generate, batch.latent, batch.label, None, shown)
        loss = teacher.lost(logits, batch.real, shown).mean()
        return Losses.alone(loss, *descend(self.fabric, loss, *self._players[:1]))

    def _explain(self, progress: float) -> Losses:
        """Maximum likelihood: the true choices, each explained by the label and those before it.

        In float32: its products are small, and the rounding of bfloat16 would be as large as what is left to learn.
        """
        batch = self._batches.batch()
        loss = self._generate(batch.latent, batch.label, tokens=batch.real).sum(1).mean()
        return Losses.alone(loss, *descend(self.fabric, loss, *self._players[:1]))

    def _judge(self, seen: Tensor, label: Tensor, *told: Tensor) -> tuple[Tensor, Tensor]:
        """Verdicts of reals and fakes, stacked in `seen`: in one pass, but two if a batch norm would mix them."""
        if self.config.discriminator_norm == "batch":
            real, fake = seen.chunk(2)
            return tuple(self._run(self._verdict_with_slope, each, label, *told) for each in (real, fake))  # type: ignore[return-value]
        twice = (torch.cat([each, each]) for each in (label, *told))
        real_verdict, fake_verdict = self._run(self._verdict_with_slope, seen, *twice).chunk(2)
        return real_verdict, fake_verdict

    def _augmented(self, samples: Tensor, probability: float) -> Tensor:
        augmentation = self.kind.augmentation
        return augmentation.apply(samples, probability, self._batches.random) if augmentation else samples

    def _grow(self, progress: float) -> None:
        """Bring growing networks to their size at this share of the run; others have one size."""
        self._growth: tuple[int, int, float] | None = None
        self._progress = progress
        if self.config.architecture == "progressive":
            growing: list[Any] = [self.generator.module, self.discriminator.module, self.average.module]
            levels = growing[0].levels
            level, fade = networks.growth(levels, progress, self.config.growing_share)
            for network in growing:
                network.grow(level, fade)
            self._growth = levels, level, fade

    def _run(self, network: Callable[..., Any], *inputs: Tensor | bool | None) -> Any:
        """A network's output or outputs, float32; convolutions and products in bfloat16 where the hardware has it.

        Not Fabric's own precision setting, which forbids the inner gradients that R1 and R2 take.
        """
        with torch.autocast(self.fabric.device.type, torch.bfloat16, enabled=self._bfloat16):
            outputs = network(*inputs)
        return tuple(each.float() for each in outputs) if isinstance(outputs, tuple) else outputs.float()

    @torch.no_grad()
    def logits(self, samples: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """What the discriminator says of samples as they are, without dropout or augmentation.

        samples: raw, [n, *shape]; labels: int64 [n], n a multiple of 4.
        returns: float32 [n]; the higher, the more real. Not a number where there is no discriminator.
        """
        discriminator, device, size = self.discriminator, self.fabric.device, self.config.batch_size
        if not self.config.competes:
            return np.full(len(labels), np.nan, np.float32)
        discriminator.eval()
        pages = []
        for start in range(0, len(labels), size):
            real = self.kind.encode(torch.from_numpy(samples[start : start + size]).to(device))
            real = networks.blurred(real, *self._growth) if self._growth else real
            told, label = self._told(real, start), torch.from_numpy(labels[start : start + size]).to(device)
            verdict = self._run(discriminator, real, label, *told)
            pages.append(verdict[:, 0].repeat_interleave(self.config.pack)[: len(real)])
        discriminator.train()
        return torch.cat(pages).cpu().numpy()

    def opinion(self, samples: Tensor, labels: Tensor) -> Tensor:
        """The same, differentiable: float32 [n, *form] and int64 [n] -> [n / pack]; its weights get no gradient."""
        discriminator = self.discriminator.eval().requires_grad_(False)
        return self._run(discriminator, samples, labels, *self._told(samples.detach(), 0))[:, 0]

    def _told(self, samples: Tensor, seed: int) -> tuple[Tensor, ...]:
        """What the discriminator is told of samples, beside them."""
        teacher = self.generator.module
        if not (self._teaches and teacher.told_size):
            return ()
        return (teacher.shown(samples, torch.Generator(samples.device).manual_seed(seed))[:, : teacher.told_size],)

    def check_finite(self, losses: Losses) -> None:
        """Raise Diverged if a loss is not finite."""
        losses.check_finite(self.steps, self.config.learning_rate)

    def settle(self, batches: int = 64) -> nn.Module:
        """The averaged generator with statistics of its own over so many batches, in evaluation mode.

        Of a likelihood the best average so far, the present one among them.
        """
        if self._best is not None:
            return self._best.of(self.average.module)
        self._batches.seed_step(-1 - self.steps)
        size = self.config.batch_size
        self.average.estimate_statistics(lambda: self._batches.inputs(size), batches)
        return self.average.module

    def state_dict(self) -> dict[str, Any]:
        """Tensors and numbers only; with the configuration and the seed, everything that the next step depends on."""
        state = {"steps": self.steps, "progress": self._progress}
        return state | {name: part.state_dict() for name, part in self._parts()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state_dict of the same configuration and data."""
        for name, part in self._parts():
            part.load_state_dict(state[name])
        self.steps = state["steps"]
        self._grow(state["progress"])

    def _parts(self) -> list[tuple[str, Any]]:
        """What has a state of its own, by name."""
        names = ("generator", "discriminator")[: len(self._players)]
        parts = {name: player.network for name, player in zip(names, self._players, strict=True)}
        parts["average"] = self.average.module
        parts |= {f"{name}_optimizer": player.optimizer for name, player in zip(names, self._players, strict=True)}
        if self._best is not None:
            parts["best"] = self._best
        return [*parts.items()]
