"""What synthetic samples add where there are few real ones: a study of sounds, texts, images or rows.

    python -m benchmarks.quality.few demo/spoken-digits --scenarios "20 per class" --set width=8 batch_size=32
    python -m benchmarks.quality.few sms.tsv.gz --text 2 --label 1 --scenarios "50 per class" --preset gru

A team trains a generator on all samples for training. Others have little: so many of each class, say. The classifiers
that people use for the kind learn from those alone, with what people of the kind do about it, with samples of a VAE
that was trained on those alone, and with samples of a generator: of one that was trained on those alone, and of the
team's. Settings are chosen on validation samples; the numbers are of test samples. Finished parts lie in --folder; the
same command goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from augmint.v1 import generator_pb2 as pb
from benchmarks import results
from service.runtime.session import Session
from training.config.config import Config
from training.config.presets import resolve
from training.data import DataError, Dataset
from training.data.splits import Splits, split
from training.export import graph
from training.gan.trainer import Trainer
from training.kinds import load
from training.quality.findings.gains import in_words
from training.source import SourceOptions
from training.study import Plan, Scenario, Shared, Study
from training.study.measures import BALANCED

_LOOK = 50  # steps between looks at whether the losses are finite


def team(dataset: Dataset, splits: Splits, config: Config, steps: int, path: Path) -> bytes:
    """The generator that learned from all samples for training: kept in the file."""
    if not path.is_file():
        samples, labels = dataset.samples[splits.train], dataset.labels[splits.train]
        fabric = Fabric(accelerator="cpu", devices=1)
        trainer = Trainer(fabric, config, dataset.kind, samples, labels, dataset.classes, seed=0)
        for step in range(steps):
            losses = trainer.step(step / steps)
            if step % _LOOK == 0 or step == steps - 1:
                trainer.check_finite(losses)
        model = graph.to_onnx(trainer.settle(), dataset.kind, config.latent_size, dataset.classes)
        path.write_bytes(model.SerializeToString())
    return path.read_bytes()


def rows(line: pb.AugmentationGain, noun: str) -> list[dict[str, str]]:
    """One for each way of training: percent on test samples, and how far from the best baseline by each measure."""
    first = f"{noun} learned from"
    found = []
    for arm in line.arms:
        row = {first: arm.name}
        measures = [(BALANCED, arm.score, arm.low, arm.high)]
        measures += [(each.measure, each.score, each.low, each.high) for each in arm.others]
        for measure, score, low, high in measures:
            row[f"{measure}, %"] = f"{100 * score:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
        found.append(row)
    row = {first: "gain over the best baseline, points"}
    row[f"{BALANCED}, %"] = f"{_gained(line)} over {line.baseline}"
    for each in line.others:
        row[f"{each.measure}, %"] = f"{_gained(each)} over {each.baseline}"
    return [*found, row]


def _gained(by: pb.AugmentationGain | pb.MeasuredGain) -> str:
    return f"{100 * by.gain:+.1f} [{100 * by.gain_low:+.1f}, {100 * by.gain_high:+.1f}]"


def add_options(parser: results.Parser, *, scenarios: list[str], preset: str, steps: int, team_steps: int) -> None:
    """Those of every study, with these defaults."""
    parser.add_argument("--scenarios", nargs="+", default=scenarios, metavar="WORDS")
    parser.add_argument("--generators", choices=("own", "team", "both"), default="both")
    parser.add_argument("--preset", default=preset)
    parser.add_argument("--steps", type=int, default=steps, help=f"of each own generator and VAE (default {steps})")
    parser.add_argument(
        "--team-steps", type=int, default=team_steps, help=f"of the team's generator (default {team_steps})"
    )
    parser.add_argument("--repeats", type=int, default=5)


def study(
    parser: results.Parser,
    options: argparse.Namespace,
    dataset: Dataset,
    noun: str,
    *,
    settings: Mapping[str, Any] | None = None,
    classifier_steps: int | None = None,
) -> None:
    """Run it, and hand the rows to the parser. noun: of the samples, several."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    splits = split(dataset)
    dataset = dataset.fitted(splits.train)
    options.folder.mkdir(parents=True, exist_ok=True)
    config = resolve(options.preset, dict(settings or {}))
    told = hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:8]
    path = options.folder / f"team-{options.preset}-{options.team_steps}-{told}.onnx"
    content = team(dataset, splits, config, options.team_steps, path)
    shared = Shared(
        Session(content, threads=1), len(splits.train), f"{options.preset}, {options.team_steps} steps", scored=False
    )
    plan = Plan(
        scenarios=tuple(map(Scenario.parse, options.scenarios)),
        retrained={"own": (True,), "team": (False,), "both": (True, False)}[options.generators],
        repeats=options.repeats,
        seeds=1,
        generator_steps=options.steps,
        classifier_steps=classifier_steps,
        selection=False,
    )
    fabric = Fabric(accelerator="cpu", devices=1)
    lines = Study(dataset, splits, config, shared, fabric, options.folder / "cells", plan, _tell).run()
    with parser.results() as out:
        for outcome in lines:
            line = outcome.line
            whose = "the team's generator" if line.generator_samples > line.real_samples else "its own generator"
            title = ", ".join(part for part in (line.scenario, line.classifier, whose) if part)
            for row in rows(line, noun):
                out.row(title, row)
            print(f"\n{in_words(line)}")
            for label, each in zip(dataset.class_names, outcome.classes, strict=True):
                print(f"{label}: {each.synthetic_per_real:g} synthetic {noun} for a real one")


def _tell(doing: str, done: int, expected: int) -> None:
    print(f"{done} of about {expected}: {doing}", flush=True)


def main() -> int:
    parser = results.Parser("benchmarks.quality.few", __doc__)
    parser.add_argument("data", help="what `python -m training fit` reads")
    parser.add_argument("--label", metavar="COLUMN", help="of a table: the labels")
    parser.add_argument("--text", metavar="COLUMN", help="of a table of texts: the texts")
    parser.add_argument("--units", help="of texts: characters (the default) or bpe:N")
    parser.add_argument("--first-test-row", type=int, help="rows from this one on are for tests; by default a split")
    add_options(parser, scenarios=["20 per class"], preset="rpgan", steps=600, team_steps=3000)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings of the generators")
    parser.add_argument("--classifier-steps", type=int, help="of a network; by default by the number of samples")
    parser.add_argument("--noun", default="samples", help="what a sample is called in the tables (default samples)")
    parser.add_argument("--folder", type=Path, default=Path("studies/few"))
    options = parser.options()
    asked = {name: value for name in ("label", "text", "units") if (value := getattr(options, name)) is not None}
    try:
        dataset = load(options.data, SourceOptions(**asked))
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.first_test_row is not None:
        dataset = replace(dataset, official_test=np.arange(options.first_test_row, len(dataset.labels)))
    settings = dict(each.split("=", 1) for each in options.set)
    study(parser, options, dataset, options.noun, settings=settings, classifier_steps=options.classifier_steps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
