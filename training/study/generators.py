"""The generators of a study: the published one, and those of each repeat, trained once and kept in its folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from service.runtime.session import Session
from training.config.config import Config
from training.config.presets import resolve
from training.data import Dataset
from training.data.kind import Kind
from training.export import graph
from training.gan.trainer import Trainer

FEWEST_STEPS = 500  # of a generator whose passes are counted: fewer teach nothing, however few samples there are


class Generators:
    """Sessions of generators, by scenario and repeat."""

    def __init__(
        self,
        published: Session,
        dataset: Dataset,
        config: Config,
        steps: int,
        passes: int | None,
        fabric: Fabric,
        folder: Path,
        tell: Callable[[str], None],
    ) -> None:
        """config: of those trained anew; steps, passes: see Plan.

        folder: made if missing; what lies there is not trained again.
        """
        self.published = published
        self._dataset, self._config, self._fabric = dataset, config, fabric
        self._steps, self._passes = steps, passes
        self._folder, self._tell = folder, tell
        self._sessions: dict[tuple[str, int, bool], Session] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def trained(self, scenario: str, replicate: int, real: np.ndarray, vae: bool) -> Session:
        """The generator of a repeat, trained on its real samples only.

        real: int64 [n], their places in the data set. vae: the variational autoencoder, as a baseline.
        """
        key = scenario, replicate, vae
        if key not in self._sessions:
            stem = re.sub(r"[^a-z0-9]+", "-", f"{scenario}-{replicate}{'-vae' if vae else ''}")
            path = self._folder / f"{stem}.onnx"
            if not path.is_file():
                content = self._train(scenario, replicate, real, vae)
                staged = path.with_suffix(".part")
                staged.write_bytes(content)
                staged.replace(path)
            self._sessions[key] = Session(path.read_bytes(), threads=torch.get_num_threads())
        return self._sessions[key]

    def _train(self, scenario: str, replicate: int, real: np.ndarray, vae: bool) -> bytes:
        data = self._dataset
        config, what = (self._vae(), "VAE") if vae else (self._config, "generator")
        samples, labels = data.samples[real], data.labels[real]
        # What a kind learns of encoding, it learns from these samples too, and from no others.
        kind = data.kind.fitted(samples, labels, data.classes)
        trainer = Trainer(self._fabric, config, kind, samples, labels, data.classes, seed=replicate)
        steps = self._steps
        if self._passes is not None:
            steps = min(steps, max(FEWEST_STEPS, self._passes * len(real) // config.batch_size))
        for step in range(steps):
            losses = trainer.step(step / steps)
            if step % 100 == 99:
                trainer.check_finite(losses)
                self._tell(f"{scenario}, repeat {replicate + 1}: training the {what}, step {step + 1} of {steps}")
        return graph.to_onnx(trainer.settle(), kind, config.latent_size, data.classes).SerializeToString()

    def _vae(self) -> Config:
        """Of the kind's autoencoder; of the generator's family it is as wide as that, and costs as little."""
        name, own = str(vae_of(self._dataset.kind)), self._config
        config = resolve(name)
        alike = config.architecture == own.architecture
        return resolve(name, {"width": own.width, "batch_size": own.batch_size}) if alike else config


def vae_of(kind: Kind) -> str | None:
    """The row of the preset table that is the kind's variational autoencoder; None: it has none."""
    return next((name for name in kind.recommended if resolve(name).objective == "evidence"), None)
