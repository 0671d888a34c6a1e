"""How fast each preset trains, and what share of the time goes elsewhere than into the networks.

    python -m benchmarks.quality.training_speed [--data DATA ...] [--presets NAME ...] [--set NAME=VALUE ...]

Runs the real loop (draw, augmentation, networks, optimisers, moving average, reports, looks at the samples,
checkpoints) with a clock around the parts that are not networks. Rounds are interleaved; medians are printed. With
--set each preset runs with these settings and without.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from rich.console import Console
from rich.progress import Progress

from benchmarks import results
from training import fit
from training.config.presets import PRESETS, resolve
from training.data.splits import split
from training.gan import trainer
from training.gan.average import MovingAverage
from training.gan.batches import Batches
from training.judge.classifier import Classifier
from training.kinds import load
from training.kinds.image.augmentation import ImageAugmentation
from training.run.folder import Order, Run
from training.run.loop import Loop


def measure(data: str, preset: str, settings: dict[str, str], seconds: float) -> tuple[float, float, float, int]:
    """One run. Returns samples/s, the share of a step outside the networks, the same of the whole run, threads."""
    clock: dict[str, float] = defaultdict(float)

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                clock[name] += time.perf_counter() - began

        return call

    whole: list[float] = []
    steps: list[int] = []
    train, judge = Loop.train, fit._judge

    def timed_train(loop: Loop) -> None:
        clock.clear()  # what chose the threads does not count
        began = time.perf_counter()
        train(loop)
        whole.append(time.perf_counter() - began)
        steps.append(loop.trainer.steps)
        raise _Enough

    with tempfile.TemporaryDirectory() as folder:
        order = Order(
            data=data,
            size=None,
            preset=preset,
            config=resolve(preset, settings),
            seed=0,
            budget_seconds=seconds,
            steps=None,
            retries=0,
            out=folder,
            name="benchmark",
        )
        outside = {"seed_step": Batches, "batch": Batches, "update": MovingAverage}
        patches = [patch.object(owner, name, timed(name, getattr(owner, name))) for name, owner in outside.items()]
        patches.append(patch.object(ImageAugmentation, "apply", timed("augment", ImageAugmentation.apply)))
        patches.append(patch.object(trainer.Trainer, "step", timed("step", trainer.Trainer.step)))
        patches.append(patch.object(Loop, "train", timed_train))
        patches.append(patch.object(fit, "_judge", lambda *arguments: _judge(data, judge, *arguments)))
        for one in patches:
            one.start()
        try:
            fit.fit(Run.start(Path(folder), order), Console(quiet=True))
        except _Enough:
            pass
        finally:
            for one in patches:
                one.stop()
    in_step = sum(clock[name] for name in (*outside, "augment"))
    networks = clock["step"] - in_step
    rate = steps[0] * order.config.batch_size / whole[0]
    return rate, in_step / clock["step"], 1 - networks / whole[0], torch.get_num_threads()


def _judge(data: str, fit_judge: Callable[..., Classifier], *arguments: Any) -> Classifier:
    """The classifier of a data set, fitted once: it is not what is measured."""
    if data not in _JUDGES:
        _JUDGES[data] = fit_judge(*arguments)
    return _JUDGES[data]


_JUDGES: dict[str, Classifier] = {}


class _Enough(Exception):
    """Training is over; what follows is not measured here."""


def main() -> None:
    parser = results.Parser("benchmarks.quality.training_speed", __doc__)
    parser.add_argument("--seconds", type=float, default=20, help="length of a run (default 20)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (default 3)")
    parser.add_argument("--data", nargs="+", default=["digits"], help="data sets (default digits)")
    # One of each family of networks and objective that costs differently; the others share them.
    parser.add_argument(
        "--presets", nargs="+", default=["rpgan", "dcgan", "cgan"], choices=list(PRESETS), metavar="NAME"
    )
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings to compare with none")
    arguments = parser.options()
    changes = dict(text.split("=", 1) for text in arguments.set)

    with parser.results() as out:
        compare(arguments, changes, out)


def compare(arguments: argparse.Namespace, changes: dict[str, str], out: results.Results) -> None:
    """Every cell in turns, and a row for each."""
    most = torch.get_num_threads()
    found: dict[tuple[str, str, bool], list[tuple[float, float, float, int]]] = defaultdict(list)
    cells = [
        (data, preset, changed)
        for data in arguments.data
        for preset in arguments.presets
        for changed in ((False, True) if changes else (False,))
    ]
    with Progress(transient=True) as progress:
        task = progress.add_task("training", total=len(cells) * arguments.rounds)
        for _ in range(arguments.rounds):
            for data, preset, changed in cells:
                torch.set_num_threads(most)
                settings = changes if changed else {}
                found[data, preset, changed].append(measure(data, preset, settings, arguments.seconds))
                progress.advance(task)

    for (data, preset, changed), runs in found.items():
        rates, steps, wholes, threads = (list(values) for values in zip(*runs, strict=True))
        side = load(data).samples.shape[1]
        row: dict[str, results.Value] = {"data": f"{Path(data).name} {side}x{side}, {len(split(load(data)).train):,}"}
        row |= {"preset": f"{preset} {' '.join(arguments.set)}" if changed else preset, "samples/s": rates}
        row |= {"steps/s": statistics.median(rates) / resolve(preset).batch_size}
        row |= {"outside networks, step, %": [100 * share for share in steps]}
        row |= {"outside networks, run, %": [100 * share for share in wholes]}
        out.row("Training", row | {"threads": ", ".join(map(str, sorted(set(threads))))})


if __name__ == "__main__":
    main()
