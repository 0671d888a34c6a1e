"""What test_larger_than_memory.py runs in a process of its own: python larger_than_memory.py IMAGES.npy MIB"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress

from training import classifier, quality
from training.data import load
from training.loop import Loop
from training.presets import resolve
from training.processes import Processes
from training.run import Order, Run
from training.samples import draw_samples
from training.splits import split
from training.survey import contradictions, survey


def limit_memory(mib: int) -> None:
    """What this process allocates from here on must fit in so many MiB; maps of files do not count (getrlimit(2))."""
    held = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData"))
    most = int(held.split()[1]) * 1024 + mib * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main(path: str, mib: int) -> None:
    said: list[str] = []
    limit_memory(mib)
    try:
        np.fromfile(path, np.uint8)
        said.append("the file fits in memory")
    except MemoryError:
        said.append("the file does not fit in memory")
    dataset = load(path)
    splits = split(dataset)
    said.append(f"findings {[finding.kind.value for finding in survey(dataset, splits)]}")
    samples, labels = dataset.part(splits.train), dataset.labels[splits.train]
    judge = classifier.fit(samples, labels, dataset.classes, seed=0, steps=10)
    contradictions(judge, dataset, splits)
    settings = {"width": 4, "latent_size": 8, "embedding_size": 4, "batch_size": 16}
    order = Order(
        data=path,
        size=None,
        preset="rpgan",
        config=resolve("rpgan", settings),
        seed=0,
        budget_seconds=None,
        steps=4,
        out="models",
        name="large",
    )
    run = Run.start(Path(tempfile.mkdtemp(dir=Path(path).parent)), order)
    loop = Loop(run, Processes(), dataset, splits, judge, Progress(console=Console(quiet=True)))
    loop.train()
    generator = loop.trainer.settle(batches=2)
    card = quality.measure(
        lambda labels, start: draw_samples(generator, labels, 8, start, torch.device("cpu")),
        dataset,
        splits,
        seed=0,
        synthetic_per_class=100,
        judge=judge,
        budget="quick",
    )
    said.append(f"{loop.trainer.steps} steps, tested on {card.real_samples}")
    sys.stdout.write("\n".join(said) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1], int(sys.argv[2]))
