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
from training.export import graph
from training.gan.trainer import Trainer


class Generators:
    """Sessions of generators, by scenario and repeat."""

    def __init__(
        self,
        published: Session,
        dataset: Dataset,
        config: Config,
        steps: int,
        fabric: Fabric,
        folder: Path,
        tell: Callable[[str], None],
    ) -> None:
        """config, steps: of those trained anew. folder: made if missing; what lies there is not trained again."""
        self.published = published
        self._dataset, self._config, self._steps, self._fabric = dataset, config, steps, fabric
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
        data, steps = self._dataset, self._steps
        config, what = (resolve("vae"), "VAE") if vae else (self._config, "generator")
        trainer = Trainer(
            self._fabric, config, data.kind, data.samples[real], data.labels[real], data.classes, seed=replicate
        )
        for step in range(steps):
            losses = trainer.step(step / steps)
            if step % 100 == 99:
                trainer.check_finite(losses)
                self._tell(f"{scenario}, repeat {replicate + 1}: training the {what}, step {step + 1} of {steps}")
        return graph.to_onnx(trainer.settle(), data.kind, config.latent_size, data.classes).SerializeToString()
