"""One system on one data set: trained for so many steps, exported, proven and measured, as `fit` does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from augmint.v1 import generator_pb2 as pb
from benchmarks import results
from service.runtime.session import Session
from training import quality
from training.config.config import Config
from training.data import Dataset
from training.data.splits import Splits
from training.export import graph, parity
from training.export.sampling import to_be_measured
from training.gan.trainer import Trainer
from training.judge.classifier import Classifier
from training.networks import drawn
from training.networks.sampler import chance

_LOOK = 50  # steps between looks at whether the losses are finite
_PAGE = 256

Row = dict[str, results.Value]


def trained(config: Config, dataset: Dataset, splits: Splits, steps: int, seed: int) -> tuple[Trainer, float]:
    """A trainer after so many steps on the CPU, and the processor's seconds that they took. Raises Diverged."""
    samples, labels = dataset.samples[splits.train], dataset.labels[splits.train]
    fabric = Fabric(accelerator="cpu", devices=1)
    trainer = Trainer(fabric, config, dataset.kind, samples, labels, dataset.classes, seed)
    began = time.process_time()
    for step in range(steps):
        losses = trainer.step(step / steps)
        if step % _LOOK == 0:
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
    card = quality.measure(draw, dataset, splits, seed=seed, judge=judge, budget="quick" if quick else "full")
    label = np.arange(_PAGE) % dataset.classes
    taken, random = chance(generator), torch.Generator().manual_seed(0)
    inputs = torch.zeros(_PAGE, size), torch.from_numpy(label), *drawn(_PAGE, taken, random, torch.device("cpu"))
    generator.eval()
    with torch.no_grad():
        looped = _speed(lambda: generator(*inputs))
    return {
        "file, MB": len(content) / 1e6,
        "export, CPU s": exported,
        "load, CPU s": loaded,
        f"{noun}/s": _speed(lambda: draw(label, 0)),
        f"PyTorch {noun}/s": looped,
    }, card


def _speed(made: Callable[[], Any]) -> float:
    """Samples a second of processor time, in pages of 256."""
    made()
    began, count = time.process_time(), 0
    while (spent := time.process_time() - began) < 1:
        made()
        count += _PAGE
    return count / spent
