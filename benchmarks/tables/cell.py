"""One data set through all that a generator of it takes, for benchmarks.tables.scale: a line of JSON.

    python -m benchmarks.tables.cell SOURCE --preset NAME [--label COLUMN] [--steps N]

In a process of its own, since the most memory that a process had is known of the whole process only (Linux).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from benchmarks.tables.stages import Stages
from service.runtime.session import Session
from training.config.presets import resolve
from training.data import DataError
from training.data.splits import split
from training.export import graph
from training.export.sampling import addressed_samples
from training.gan.trainer import Trainer
from training.kinds import load
from training.source import SourceOptions

DRAWN = 4096
ENCODED = 4096  # at once


def measure(source: str, preset: str, steps: int, threads: int, **options: Any) -> dict[str, Any]:
    """Read, learn and apply the encoding, train a few steps, export, load, draw.

    Raises DataError for what is refused.
    """
    torch.set_num_threads(threads)
    stages = Stages()
    with stages.stage("reading"):
        dataset = load(source, SourceOptions(**options))
        splits = split(dataset)
    with stages.stage("fitting"):
        dataset = dataset.fitted(splits.train)
    kind = dataset.kind
    with stages.stage("encoding"):
        for start in range(0, len(dataset.samples), ENCODED):
            kind.encode(torch.from_numpy(np.asarray(dataset.samples[start : start + ENCODED])))
    config = resolve(preset)
    samples, labels = dataset.part(splits.train), dataset.labels[splits.train]
    with stages.stage("first step"):
        fabric = Fabric(accelerator="cpu", devices=1)
        trainer = Trainer(fabric, config, kind, samples, labels, dataset.classes, seed=0)
        trainer.step(0.0)
    seconds = []
    for number in range(steps):
        began = time.perf_counter()
        trainer.step(number / steps)
        seconds.append(time.perf_counter() - began)
    with stages.stage("export"):
        content = graph.to_onnx(trainer.settle(), kind, config.latent_size, dataset.classes).SerializeToString()
    with stages.stage("load"):
        session = Session(content, threads=threads)
    asked = np.arange(DRAWN) % dataset.classes
    addressed_samples(session, asked[:256], 0, 0)
    began = time.perf_counter()
    addressed_samples(session, asked, 0, 0)
    return {
        "samples": len(dataset.samples),
        "form": list(kind.form),
        **stages.told,
        "a step, ms": 1000 * statistics.median(seconds),
        "file, MB": len(content) / 1e6,
        "drawn/s": DRAWN / (time.perf_counter() - began),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("--preset", required=True)
    parser.add_argument("--label")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    options = {} if given.label is None else {"label": given.label}
    try:
        print(json.dumps(measure(given.source, given.preset, given.steps, given.threads, **options)))
    except DataError as error:
        print(json.dumps({"refused": str(error)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
