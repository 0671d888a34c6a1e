"""What each process of test_processes.py runs, under torchrun: python two_processes.py DATA.npz FOLDER"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress

from training.data.splits import split
from training.export import graph, parity
from training.judge import fitting
from training.kinds import load
from training.run.folder import Order, Run
from training.run.loop import Loop
from training.run.processes import Processes


def main(data: str, folder: Path) -> None:
    with Processes() as processes:
        train(processes, data, folder)


def train(processes: Processes, data: str, folder: Path) -> None:
    run = Run(folder, Order.model_validate_json((folder / "order.json").read_text()))
    dataset = load(data)
    splits = split(dataset)
    judge = None
    if processes.first:
        judge = fitting.fit(
            dataset.kind, dataset.samples[splits.train], dataset.labels[splits.train], 3, seed=0, steps=20
        )
    loop = Loop(run, processes, dataset, splits, judge, Progress(console=Console(quiet=True)))
    if run.has_checkpoint:
        loop.resume(run.load())
    loop.train()
    parameters = [*loop.trainer.generator.parameters(), *loop.trainer.discriminator.parameters()]
    digest = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in parameters)).hexdigest()
    said = {"digest": digest, "steps": loop.trainer.steps, "seen": loop.trainer.samples_seen, "count": processes.count}
    rank = processes.fabric.global_rank
    (folder / f"rank-{rank}.json").write_text(json.dumps(said))
    if processes.first:
        generator = loop.trainer.settle()
        parity.prove_parity(generator, graph.to_onnx(generator, dataset.kind, 16, 3), dataset.kind, 16, 3)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1], Path(sys.argv[2]))
