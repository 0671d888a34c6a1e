"""One system on one data set: trained for so many steps, exported, proven and measured, as `fit` does.

Also what comparisons of several systems share: how each is set, and rows that are kept when one is finished.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from augmint.v1 import generator_pb2 as pb
from benchmarks import results
from service.runtime.session import Session
from training import quality
from training.config.config import Config
from training.config.presets import resolve
from training.data import Dataset
from training.data.splits import Splits, split
from training.export import graph, parity
from training.export.sampling import to_be_measured
from training.gan.trainer import Trainer
from training.judge import fitting
from training.judge.classifier import Classifier
from training.networks import drawn
from training.networks.sampler import chance

_LOOK = 50  # steps between looks at whether the losses are finite
PAGE = 256
SPEED_SECONDS = 1.0  # of a processor, for which a speed is measured

Row = dict[str, results.Value]


@dataclass(frozen=True)
class System:
    """A row of the preset table, with what is set on top of it, and for how many steps it is trained."""

    preset: str
    steps: int
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        return resolve(self.preset, dict(self.settings))

    def key(self, dataset: Dataset, **how: Any) -> dict[str, Any]:
        """What a cell of it is told by; how: what else decides its rows."""
        return {**asdict(self), "data": dataset.digest, "words": dataset.kind.words, **how}


def trained(config: Config, dataset: Dataset, splits: Splits, steps: int, seed: int) -> tuple[Trainer, float]:
    """A trainer after so many steps on the CPU, and the processor's seconds that they took. Raises Diverged."""
    samples, labels = dataset.samples[splits.train], dataset.labels[splits.train]
    fabric = Fabric(accelerator="cpu", devices=1)
    trainer = Trainer(fabric, config, dataset.kind, samples, labels, dataset.classes, seed)
    began = time.process_time()
    for step in range(steps):
        losses = trainer.step(step / steps)
        if step % _LOOK == 0 or step == steps - 1:
            trainer.check_finite(losses)
    return trainer, time.process_time() - began


def judged(
    dataset: Dataset, splits: Splits, trainer: Trainer, judge: Classifier, seed: int, noun: str, quick: bool = False
) -> tuple[Row, pb.QualityCard]:
    """What the exported file is like, and its card. noun: what samples are called in columns, e.g. "lines"."""
    generator, size = trainer.settle(), trainer.config.latent_size
    began = time.process_time()
    model = graph.to_onnx(generator, dataset.kind, size, dataset.classes)
    exported = time.process_time() - began
    parity.prove_parity(generator, model, dataset.kind, size, dataset.classes)
    content = model.SerializeToString()
    began = time.process_time()
    session = Session(content, threads=1)
    loaded = time.process_time() - began

    draw = to_be_measured(session)
    card = quality.measure(
        draw,
        dataset,
        splits,
        seed=seed,
        judge=judge,
        budget="quick" if quick else "full",
        repeats=1 if quick else 3,
    )
    label = np.arange(PAGE) % dataset.classes
    taken, random = chance(generator), torch.Generator().manual_seed(0)
    inputs = torch.zeros(PAGE, size), torch.from_numpy(label), *drawn(PAGE, taken, random, torch.device("cpu"))
    generator.eval()
    with torch.no_grad():
        looped = speed(lambda: generator(*inputs))
    return {
        "file, MB": len(content) / 1e6,
        "export, CPU s": exported,
        "load, CPU s": loaded,
        f"{noun}/s": speed(lambda: draw(label, 0)),
        f"PyTorch {noun}/s": looped,
    }, card


def judge_of(dataset: Dataset, splits: Splits, *, seed: int, quick: bool) -> Classifier:
    """What judges them all; quick: it learns half as long, and so do those that learn from made samples."""
    samples, labels = dataset.samples[splits.train], dataset.labels[splits.train]
    steps = fitting.default_steps(len(labels)) // (2 if quick else 1)
    return fitting.fit(dataset.kind, samples, labels, dataset.classes, seed=seed, steps=steps)


def speed(made: Callable[[], Any]) -> float:
    """Samples a second of processor time, in pages of 256."""
    made()
    began, count, spent = time.process_time(), 0, 0.0
    while not count or spent < SPEED_SECONDS:
        made()
        count += PAGE
        spent = time.process_time() - began
    return count / spent


def arguments(parser: argparse.ArgumentParser, systems: Mapping[str, System], noun: str) -> None:
    """What every comparison is asked. noun: what samples are called, e.g. "texts"."""
    parser.add_argument("--systems", nargs="+", default=list(systems), choices=list(systems))
    parser.add_argument("--share", type=float, default=1.0, help="of the steps of each system (default 1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--cells", type=Path, default=Path(f"runs/{noun}.jsonl"), help="where finished systems are kept"
    )
    parser.add_argument("--quick", action="store_true", help="measure on fewer samples, by classifiers that learn less")


def rows(
    dataset: Dataset,
    systems: Mapping[str, System],
    names: Sequence[str],
    options: argparse.Namespace,
    noun: str,
    told: Callable[[pb.QualityCard, Row], Row],
    held: Callable[[pb.QualityCard], Row],
) -> Iterator[Row]:
    """One for each system, and at the end that of held-out real samples.

    names: of the systems to compare. options: of `arguments`. noun: what samples are called in columns, e.g. "lines".
    told: a card, and what the file is like -> the rest of a system's row. held: a card -> the row of real samples.
    """
    seed, quick = options.seed, options.quick
    splits = split(dataset, seed=seed)
    dataset = dataset.fitted(splits.train)
    judge = functools.cache(lambda: judge_of(dataset, splits, seed=seed, quick=quick))
    cells, real = Cells(options.cells), Row()
    for name in names:
        system = systems[name]
        steps = max(1, round(system.steps * options.share))

        def measured(name: str = name, system: System = system, steps: int = steps) -> list[Row]:
            trainer, spent = trained(system.config, dataset, splits, steps, seed)
            made, card = judged(dataset, splits, trainer, judge(), seed, noun, quick)
            asked: Row = {"system": name, "width": system.config.width, "steps": steps, "trained, CPU s": spent}
            return [asked | told(card, made), held(card)]

        row, real = cells.rows(system.key(dataset, share=options.share, seed=seed, quick=quick), measured)
        yield row
    yield real


class Cells:
    """Rows of systems that are finished, in a file: the same command goes on where it was stopped."""

    def __init__(self, path: Path) -> None:
        """path: of lines of JSON, made if missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._found = path, {}
        for line in path.read_text().splitlines() if path.exists() else []:
            with contextlib.suppress(ValueError, KeyError):  # the last line may be cut off
                cell = json.loads(line)
                self._found[self._name(cell["of"])] = cell["rows"]

    def rows(self, of: Mapping[str, Any], measure: Callable[[], list[Row]]) -> list[Row]:
        """The rows of what `of` tells apart from all else, measured unless they are in the file."""
        name = self._name(of)
        if name not in self._found:
            self._found[name] = measure()
            with self._path.open("a") as file:
                # A line of its own, even after one that was cut off.
                file.write("\n" * bool(file.tell()) + json.dumps({"of": dict(of), "rows": self._found[name]}))
        return self._found[name]

    @staticmethod
    def _name(of: Mapping[str, Any]) -> str:
        return json.dumps(of, sort_keys=True)


def accuracies(card: pb.QualityCard, real: bool = False) -> Row:
    """What is learned from made samples, beside what is learned from real ones; real: of these themselves."""
    score = card.real_accuracy if real else card.classification_accuracy_score
    lowest = min((each.label_fidelity for each in card.classes), default=0.0)
    return {
        "CAS, %": 100 * score,
        "of real, %": 100 * score / max(card.real_accuracy, 1e-9),
        "fidelity, %": None if real else 100 * card.label_fidelity,
        "lowest class, %": None if real else 100 * lowest,
    }
