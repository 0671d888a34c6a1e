"""The generators of a study: the published one, and those of each repeat, trained once and kept in its folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from lightning_fabric import Fabric

from service.runtime.session import Session
from training.config.config import Config
from training.config.presets import resolve
from training.data import Dataset
from training.data.kind import Kind, answers
from training.export import graph
from training.gan.trainer import Trainer
from training.judge import fitting
from training.study import arms
from training.study.terms import DrawnAs, as_of
from training.transform.teacher import Teacher

# Arms with samples of another system than the one that is studied, and the objectives that these are known by.
COMPARED = {arms.VAE: "evidence", arms.LIKELIHOOD: "likelihood"}
_STEMS = {"": "", arms.VAE: "-vae", arms.LIKELIHOOD: "-likelihood"}
_WORDS = {arms.VAE: "VAE", arms.LIKELIHOOD: "likelihood model"}
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
        transforms: bool = False,
    ) -> None:
        """config: of those trained anew, which also carry samples into other classes if `transforms`; steps, passes:
        see Plan.

        folder: made if missing; what lies there is not trained again.
        """
        self.published = published
        self._dataset, self._config, self._fabric = dataset, config, fabric
        self._steps, self._passes = steps, passes
        self._folder, self._tell, self._transforms = folder, tell, transforms
        self._sessions: dict[tuple[str, int, str], Session | DrawnAs] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def trained(self, scenario: str, replicate: int, real: np.ndarray, arm: str) -> Session | DrawnAs:
        """The generator of a repeat, trained on its real samples only; its samples are those of the data set's kind.

        real: int64 [n], their places in the data set. arm: one of COMPARED has a system of its own.
        """
        compared = arm if arm in COMPARED else ""
        key = scenario, replicate, compared
        if key not in self._sessions:
            stem = re.sub(r"[^a-z0-9]+", "-", f"{scenario}-{replicate}{_STEMS[compared]}")
            path = self._folder / f"{stem}.onnx"
            data = self._dataset
            # What a kind learns, it learns from these samples too, and from no others.
            kind = data.kind.fitted(data.samples[real], data.labels[real], data.classes)
            if not path.is_file():
                content = self._train(scenario, replicate, real, kind, compared)
                staged = path.with_suffix(".part")
                staged.write_bytes(content)
                staged.replace(path)
            session = Session(path.read_bytes(), threads=torch.get_num_threads())
            self._sessions[key] = DrawnAs(session, kind, data.kind) if answers(kind, "adopted") else session
        return self._sessions[key]

    def _train(self, scenario: str, replicate: int, real: np.ndarray, kind: Kind, compared: str) -> bytes:
        data = self._dataset
        config, what = (self._of(compared), _WORDS[compared]) if compared else (self._config, "generator")
        samples, labels = as_of(data.samples[real], data.kind, kind), data.labels[real]
        trainer = Trainer(self._fabric, config, kind, samples, labels, data.classes, seed=replicate)
        steps = self._steps
        if self._passes is not None:
            steps = min(steps, max(FEWEST_STEPS, self._passes * len(real) // config.batch_size))
        for step in range(steps):
            losses = trainer.step(step / steps)
            if step % 100 == 99:
                trainer.check_finite(losses)
                self._tell(f"{scenario}, repeat {replicate + 1}: training the {what}, step {step + 1} of {steps}")
        model = graph.to_onnx(trainer.settle(), kind, config.latent_size, data.classes)
        if self._transforms and not compared:
            self._tell(f"{scenario}, repeat {replicate + 1}: learning to transform")
            model = self._transforming(model, trainer, kind, samples, labels, max(1, steps // 2), replicate)
        return model.SerializeToString()

    def _transforming(
        self,
        model: onnx.ModelProto,
        trainer: Trainer,
        kind: Kind,
        samples: np.ndarray,
        labels: np.ndarray,
        steps: int,
        seed: int,
    ) -> onnx.ModelProto:
        """The graph with what has learned, from the same samples, to carry them into other classes."""
        classes, config = self._dataset.classes, trainer.config
        judge = fitting.fit(kind, samples, labels, classes, seed=seed, device=self._fabric.device)
        opinion = trainer.opinion if config.competes else None
        device = self._fabric.device
        teacher = Teacher(
            trainer.settle(), config, kind, samples, labels, classes, seed, judge.network(), opinion, device
        )
        for step in range(steps):
            teacher.step(step / steps)
        return graph.with_carrier(model, teacher.settle(), kind, classes, judge)

    def _of(self, compared: str) -> Config:
        """Of a system that is compared with; of the generator's family it is as wide, and costs as little."""
        name, own = str(row_of(self._dataset.kind, compared)), self._config
        config = resolve(name)
        alike = config.architecture == own.architecture
        return resolve(name, {"width": own.width, "batch_size": own.batch_size}) if alike else config


def row_of(kind: Kind, compared: str) -> str | None:
    """The row of the preset table that is the kind's system of an arm of COMPARED; None: it has none."""
    objective = COMPARED[compared]
    return next((name for name in kind.recommended if resolve(name).objective == objective), None)


def compared(kind: Kind, config: Config) -> list[str]:
    """The arms of other systems than the one studied, as the kind has them."""
    return [
        arm for arm, objective in COMPARED.items() if objective != config.objective and row_of(kind, arm) is not None
    ]
