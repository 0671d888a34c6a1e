"""What synthetic rows add where a table has few rows, or few of one class: a study of Adult, or of any table.

    python -m benchmarks.quality.scarce_rows adult.csv.gz --label income --first-test-row 32561

A team trains a generator on all rows for training. Others have little: 500 rows as they come, or one row of the rare
class for 50 of the other. Gradient boosting and logistic regression learn from those alone, with class weights, random
oversampling, SMOTE-NC, rows of a VAE that was trained on those alone, and rows of a generator: of one that was trained
on those alone, and of the team's. Settings are chosen on validation rows; the numbers are of test rows. Finished parts
lie in --folder; the same command goes on.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from augmint.v1 import generator_pb2 as pb
from benchmarks import results
from service.runtime.session import Session
from training.config.presets import resolve
from training.data import Dataset
from training.data.splits import Splits, split
from training.export import graph
from training.gan.trainer import Trainer
from training.kinds import load
from training.quality.findings.gains import in_words
from training.source import SourceOptions
from training.study import Plan, Scenario, Shared, Study
from training.study.measures import BALANCED

SCENARIOS = ("500 samples", "1:50 from 5000")


def team(dataset: Dataset, splits: Splits, preset: str, steps: int, folder: Path) -> bytes:
    """The generator that learned from all rows for training: kept in the folder."""
    path = folder / f"team-{preset}-{steps}.onnx"
    if not path.is_file():
        config, labels = resolve(preset), dataset.labels[splits.train]
        trainer = Trainer(
            Fabric(accelerator="cpu", devices=1),
            config,
            dataset.kind,
            dataset.samples[splits.train],
            labels,
            dataset.classes,
            seed=0,
        )
        for step in range(steps):
            losses = trainer.step(step / steps)
        trainer.check_finite(losses)
        model = graph.to_onnx(trainer.settle(), dataset.kind, config.latent_size, dataset.classes)
        path.write_bytes(model.SerializeToString())
    return path.read_bytes()


def rows(line: pb.AugmentationGain) -> list[dict[str, str]]:
    """One for each way of training: percent on test rows, and how far from the best baseline by each measure."""
    found = []
    for arm in line.arms:
        row = {"rows learned from": arm.name}
        measures = [(BALANCED, arm.score, arm.low, arm.high)]
        measures += [(each.measure, each.score, each.low, each.high) for each in arm.others]
        for measure, score, low, high in measures:
            row[f"{measure}, %"] = f"{100 * score:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
        found.append(row)
    row = {"rows learned from": "gain over the best baseline, points"}
    row[f"{BALANCED}, %"] = f"{_gained(line)} over {line.baseline}"
    for each in line.others:
        row[f"{each.measure}, %"] = f"{_gained(each)} over {each.baseline}"
    return [*found, row]


def _gained(by: pb.AugmentationGain | pb.MeasuredGain) -> str:
    return f"{100 * by.gain:+.1f} [{100 * by.gain_low:+.1f}, {100 * by.gain_high:+.1f}]"


def main() -> None:
    parser = results.Parser("benchmarks.quality.scarce_rows", __doc__)
    parser.add_argument("data", help="a table")
    parser.add_argument("--label", metavar="COLUMN", help="by default found by its name")
    parser.add_argument("--first-test-row", type=int, help="rows from this one on are for tests; by default a split")
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), metavar="WORDS")
    parser.add_argument("--generators", choices=("own", "team", "both"), default="both")
    parser.add_argument("--preset", default="argn")
    parser.add_argument("--steps", type=int, default=300, help="of each generator and VAE of few rows (default 300)")
    parser.add_argument("--team-steps", type=int, default=600, help="of the team's generator (default 600)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("studies/scarce-rows"))
    options = parser.options()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    dataset = load(options.data, SourceOptions(label=options.label))
    if options.first_test_row is not None:
        dataset = replace(dataset, official_test=np.arange(options.first_test_row, len(dataset.labels)))
    splits = split(dataset)
    dataset = dataset.fitted(splits.train)
    options.folder.mkdir(parents=True, exist_ok=True)
    content = team(dataset, splits, options.preset, options.team_steps, options.folder)
    digest = f"{options.preset}, {options.team_steps} steps"
    shared = Shared(Session(content, threads=1), len(splits.train), digest, scored=False)
    plan = Plan(
        scenarios=tuple(map(Scenario.parse, options.scenarios)),
        retrained={"own": (True,), "team": (False,), "both": (True, False)}[options.generators],
        repeats=options.repeats,
        seeds=1,
        generator_steps=options.steps,
        selection=False,
    )
    fabric, config = Fabric(accelerator="cpu", devices=1), resolve(options.preset)
    cells = options.folder / "cells"
    lines = Study(dataset, splits, config, shared, fabric, cells, plan, _tell).run()
    with parser.results() as out:
        for outcome in lines:
            line = outcome.line
            whose = "the team's generator" if line.generator_samples > line.real_samples else "its own generator"
            for row in rows(line):
                out.row(f"{line.scenario}, {line.classifier}, {whose}", row)
            print(f"\n{in_words(line)}")
            for label, each in zip(dataset.class_names, outcome.classes, strict=True):
                print(f"{label}: {each.synthetic_per_real:g} synthetic rows for a real one")


def _tell(doing: str, done: int, expected: int) -> None:
    print(f"{done} of about {expected}: {doing}", flush=True)


if __name__ == "__main__":
    main()
