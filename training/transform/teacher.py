"""What the encoder of a carrier learns from: one step, and the state that a run resumes from.

Its own latents on samples that the generator made (latent regression, as Donahue et al. 2017, arXiv:1605.09782); real
samples made again, in form and in a judge's features; real samples carried into other classes, of which the generator's
opponent and the judge have an opinion, and whose deviations from their class are to be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from training import networks
from training.config.config import Config
from training.data import Samples
from training.data.kind import Kind
from training.gan import batches, objectives
from training.gan.batches import Batches
from training.gan.optimizers import cosine
from training.transform.deviations import Deviations

RATE, LAST = 1e-3, 0.02  # of Adam; its share at the end
LATENT, FORM, FEATURES, CLASS, OPINION, KEPT = 0.3, 1.0, 0.3, 0.5, 0.1, 1.0  # weights
FAR = 1.1  # mean square of a latent; those that a generator was trained on have 1
_SEED = 2**50  # apart from the steps of the generator's own training

# float32 [n, *form], int64 [n] -> logits float32 [n], the higher the more real
Opinion = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Losses:
    """Scalars of one step, on the device."""

    latent: Tensor
    form: Tensor
    features: Tensor
    carried: Tensor  # cross-entropy of the class that samples were carried into
    kept: Tensor  # see Deviations.lost


class Teacher:
    """A carrier with a new encoder, and its optimiser; `step` advances both."""

    def __init__(
        self,
        generator: nn.Module,
        config: Config,
        kind: Kind,
        samples: Samples,
        labels: np.ndarray,
        classes: int,
        seed: int,
        judge: nn.Module,
        opinion: Opinion | None,
        device: torch.device,
    ) -> None:
        """generator: finished; it is neither trained nor changed. samples, labels: the training split, raw.

        judge: of real samples, float32 [n, *form] -> features and logits. opinion: of the generator's opponent.
        """
        self._kind, self._classes, self._device, self._opinion = kind, classes, device, opinion
        self.steps = 0
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            encoder = networks.Encoder(kind.form, classes, config)
        self.carrier = networks.Carrier(generator, encoder).to(device)
        self.carrier.generator.requires_grad_(False)
        self.carrier.train()
        self._judge = judge.to(device).eval().requires_grad_(False)
        self._objective = objectives.build(config) if config.competes else None
        self._optimizer = torch.optim.Adam(self.carrier.encoder.parameters(), lr=RATE, betas=(0.9, 0.99))
        self._size = -(-config.batch_size // 8) * 8
        self._batches = Batches(
            kind.encode,
            samples,
            labels,
            classes,
            balance=config.class_balance,
            batch_size=self._size,
            latent_size=config.latent_size,
            taken=networks.chance(generator),
            seed=seed ^ _SEED,
            rank=0,
            device=device,
        )
        self._deviations = Deviations(batches.pages(kind, samples, labels), classes, device)
        self._unit = 1.0
        with torch.no_grad():
            self._batches.seed_step(-1)
            real = torch.cat([self._batches.batch().real for _ in range(4)])
            self._unit = float(real.var(0).sum().clamp(min=1e-6))
            self._features_unit = float(self._judge(real)[0].var(0).sum().clamp(min=1e-6))

    def step(self, progress: float) -> Losses:
        """progress: share of the learning that is over, [0, 1]."""
        for group in self._optimizer.param_groups:
            group["lr"] = cosine(RATE, RATE * LAST, progress)
        self._batches.seed_step(self.steps)
        batch, half = self._batches.batch(), self._size // 2
        source, random = batch.label, self._batches.random
        by = torch.randint(1, self._classes, (half,), generator=random, device=self._device)
        target = torch.cat([source[:half], (source[half:] + by) % self._classes])
        with torch.no_grad():
            own = self.carrier.generator(batch.latent[:half], source[:half], *(part[:half] for part in batch.chance))
        whole = torch.ones(len(source) + half, device=self._device)
        seen, labels = torch.cat([batch.real, own.detach()]), torch.cat([source, source[:half]])
        made, latent = self.carrier.carried(seen, labels, torch.cat([target, source[:half]]), whole)

        # Samples that the generator made: their latents are known
        found = (latent[2 * half :] - batch.latent[:half]).square().mean()
        # Real samples, made again
        real, again = batch.real[:half], made[:half]
        form = self._missed(real, again, latent[:half], source[:half])
        with torch.no_grad():
            wanted = self._judge(real)[0]
        features = (self._judge(again)[0] - wanted).square().sum(1).mean() / self._features_unit
        # Real samples, carried
        carried, into = made[half : 2 * half], target[half:]
        named = cross_entropy(self._judge(carried)[1], into, label_smoothing=0.05)
        kept = self._deviations.lost(batch.real[half:], source[half:], carried, into)
        far = (latent.square().mean(1) - FAR).relu().square().mean()
        loss = LATENT * found + FORM * form + FEATURES * features + CLASS * named + KEPT * kept + far
        if self._opinion is not None and self._objective is not None:
            with torch.no_grad():
                reals = self._opinion(batch.real[half:], source[half:])
            loss = loss + OPINION * self._objective.generator(reals, self._opinion(carried, into))
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.carrier.encoder.parameters(), 10.0)
        self._optimizer.step()
        self.steps += 1
        return Losses(found.detach(), form.detach(), features.detach(), named.detach(), kept.detach())

    def _missed(self, real: Tensor, again: Tensor, latent: Tensor, label: Tensor) -> Tensor:
        """Of real samples that are made again, relative to their variance; with a head in nats for an element."""
        if self.carrier.explains:
            surprise = self.carrier.surprise(latent, label, real).flatten(1)
            return surprise.sum(1).mean() / max(1, self.carrier.generator.head.draws)
        return (real - again).square().flatten(1).sum(1).mean() / self._unit

    def settle(self) -> networks.Carrier:
        """The carrier as it is, in evaluation mode."""
        return self.carrier.eval()

    def state_dict(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "encoder": self.carrier.encoder.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
        self.carrier.encoder.load_state_dict(state["encoder"])
        self._optimizer.load_state_dict(state["optimizer"])
