"""What a trial of `auto` tells: macro-F1 of every system that is recommended, at thirds of trials of several lengths.

    python -m benchmarks.tables.trials DATA --label COLUMN [--seconds 15 45] [--out FILE]

As `auto` has it: a classifier learns from the system's samples alone and answers for the validation split. A third of a
trial is a point of that trial, whose learning rate falls as far as its own length says. DATA is read as `fit` reads it.
"""

from __future__ import annotations

import time

import torch

from benchmarks import results
from training.config import auto
from training.config.presets import AUTO, resolve
from training.data.splits import split
from training.gan.trainer import Trainer
from training.kinds import load
from training.run import trials
from training.run.folder import Order
from training.run.processes import Processes
from training.source import SourceOptions

THIRDS = (1 / 3, 2 / 3, 1.0)


def main() -> int:
    parser = results.Parser("benchmarks.tables.trials", __doc__)
    parser.add_argument("data")
    parser.add_argument("--label")
    parser.add_argument("--seconds", type=float, nargs="+", default=[15.0, 45.0], help="of training, of each trial")
    options = parser.options()
    torch.set_flush_denormal(True)
    dataset = load(options.data, SourceOptions(label=options.label))
    splits = split(dataset, seed=0)
    dataset = dataset.fitted(splits.train)
    order = Order(
        data=options.data,
        size=None,
        preset=AUTO,
        config=resolve(AUTO),
        seed=0,
        out="",
        name="trials",
        steps=None,
        budget_seconds=None,
    )
    facts = auto.Facts(dataset.counts(splits.train), dataset.kind, torch.cuda.is_available())
    samples, labels = dataset.part(splits.train), dataset.labels[splits.train]
    with parser.results() as out:
        for candidate in auto.candidates(facts, {})[0]:
            for length in options.seconds:
                fabric = Processes().fabric
                trainer = Trainer(fabric, candidate.config, dataset.kind, samples, labels, dataset.classes, order.seed)
                row: dict[str, results.Value] = {"system": candidate.preset, "trial, s": length}
                taken = 0.0
                for share in THIRDS:
                    while taken < share * length:
                        began = time.monotonic()
                        trainer.step(taken / length)
                        taken += time.monotonic() - began
                    row[f"steps at {share:.2f}"] = trainer.steps
                    row[f"macro-F1 at {share:.2f}"] = trials.score(trainer, order, dataset, splits)
                out.row("", row)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
