"""How often the watchdog is wrong: findings of healthy runs, and of runs that were broken on purpose.

    python -m benchmarks.quality.watchdog [--seeds 0 1 2] [--cells FILE]

Real runs on digits, without retries, so that every run ends as it began. A finished run is one line in --cells; a
second start goes on where the first one stopped. Two tables: what healthy runs were accused of, and
whether each failure was named.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress

from benchmarks import results
from training.config.presets import resolve
from training.data import Dataset
from training.data.records import Records
from training.data.splits import split
from training.gan.losses import Diverged
from training.judge import fitting
from training.kinds import load
from training.kinds.image.finish import finish
from training.quality.findings.finding import FindingKind, Severity
from training.run.events import Events, Occasion
from training.run.folder import Order, Run
from training.run.loop import Loop
from training.run.processes import Processes

STEPS = 600


class Case(NamedTuple):
    """expected: any of these names the failure; none for a healthy run. per_class: samples to learn from; 0: all."""

    name: str
    preset: str
    expected: tuple[FindingKind, ...] = ()
    settings: dict[str, Any] | None = None
    steps: int = STEPS
    per_class: int = 0


# No penalty, and a discriminator that learns a thousand times faster.
_OVERPOWERED: dict[str, Any] = {
    "gamma": 0.0,
    "augmentation": 0.0,
    "learning_rate": 1e-6,
    "discriminator_learning_rate": 5e-3,
}
CASES = (
    *(Case("healthy", preset) for preset in ("rpgan", "vae", "sngan", "wgan-gp", "lsgan")),
    Case(
        "collapse", "rpgan", (FindingKind.COLLAPSE,), {"gamma": 0.0, "learning_rate": 0.2, "minibatch_deviation": False}
    ),
    Case("overpowered discriminator", "rpgan", (FindingKind.OVERPOWERED_DISCRIMINATOR,), _OVERPOWERED),
    Case(
        "vanished signal",
        "rpgan",
        (FindingKind.VANISHED_SIGNAL, FindingKind.OVERPOWERED_DISCRIMINATOR),
        {**_OVERPOWERED, "objective": "minimax"},
    ),
    Case(
        "learned by heart",
        "rpgan",
        (FindingKind.OVERFITTING_DISCRIMINATOR,),
        {"gamma": 0.01, "augmentation": 0.0},
        per_class=45,  # fewer would leave fewer held-out ones than the watchdog asks for before it speaks of them
    ),
    Case("label ignored", "rpgan", (FindingKind.LABEL_IGNORED,), {"discriminator_conditioning": "none"}),
    Case(
        "divergence",
        "lsgan",
        (FindingKind.DIVERGENCE, FindingKind.COLLAPSE),
        {"learning_rate": 5.0, "gradient_clip": 0.0, "optimizer": "sgd", "discriminator_norm": "none"},
    ),
    Case("too few steps", "rpgan", (FindingKind.TOO_FEW_STEPS,), steps=150),
)


def data(per_class: int) -> Dataset:
    """Digits; with a limit, only so many of each class beside what is held out."""
    whole = load("digits")
    if not per_class:
        return whole
    kept = split(whole)
    train = [kept.train[whole.labels[kept.train] == label][:per_class] for label in range(whole.classes)]
    held_out = np.sort(np.concatenate([kept.validation, kept.test]))
    positions = np.concatenate([*train, held_out])
    test = np.arange(len(positions) - len(held_out), len(positions))
    return finish("few", Records(whole.samples[positions], whole.labels[positions], whole.class_names, test), None)


def run(case: Case, seed: int) -> dict[str, Any]:
    """Kinds found at any look and at the end with their worst severity, and whether the run was called lost."""
    dataset = data(case.per_class)
    splits = split(dataset, seed=seed)
    judge = fitting.fit(
        dataset.kind, dataset.part(splits.train), dataset.labels[splits.train], dataset.classes, seed=seed
    )
    with tempfile.TemporaryDirectory() as folder:
        order = Order(
            data="digits",
            size=None,
            preset=case.preset,
            config=resolve(case.preset, case.settings),
            seed=seed,
            budget_seconds=None,
            steps=case.steps,
            retries=0,
            out=folder,
            name="digits",
        )
        started = Run.start(Path(folder), order)
        loop = Loop(started, Processes(), dataset, splits, judge, Progress(console=Console(quiet=True)))
        ended = []
        try:
            loop.train()
            ended = loop.findings
        except Diverged:
            pass
        events = Events(started.folder).read()
    found: dict[str, int] = {}
    for finding in (finding for event in events for finding in event.findings):
        found[finding.kind] = max(found.get(finding.kind, 0), finding.severity)
    at_end: dict[str, int] = {}
    for finding in ended:
        at_end[finding.kind] = max(at_end.get(finding.kind, 0), finding.severity)
    return {
        "found": {**at_end, **found},
        "at_end": at_end,
        "lost": any(event.kind == Occasion.GAVE_UP for event in events),
    }


Rows = list[tuple[str, dict[str, results.Value]]]


def rows(found: list[dict[str, Any]]) -> Rows:
    """Tables and their rows: what healthy runs were accused of, and whether each failure was named."""
    healthy = [result for result in found if result["name"] == "healthy"]
    title = f"{len(healthy)} healthy runs; {sum(result['lost'] for result in healthy)} were called lost"
    ever = Counter(kind for result in healthy for kind in result["found"])
    ends = Counter(kind for result in healthy for kind in result["at_end"])
    worst = Counter(
        kind for result in healthy for kind, severity in result["at_end"].items() if severity == Severity.FAILURE
    )
    lines: Rows = [
        (title, {"finding": kind, "at some look": ever[kind], "at the end": ends[kind], "as a failure": worst[kind]})
        for kind in sorted(ever)
    ] or [(title, {"finding": "none"})]
    for case in CASES:
        broken = [result for result in found if result["name"] == case.name]
        if case.name == "healthy" or not broken:
            continue
        row: dict[str, results.Value] = {"provoked failure": case.name, "runs": len(broken)}
        row |= {"named": sum(any(kind in result["found"] for kind in case.expected) for result in broken)}
        row |= {"called lost": sum(result["lost"] for result in broken)}
        others = {kind for result in broken for kind in result["found"]} - set(case.expected)
        lines.append(("Runs that were broken on purpose", row | {"what else was said": ", ".join(sorted(others))}))
    return lines


def main() -> None:
    parser = results.Parser("benchmarks.quality.watchdog", __doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="one run of each case for each")
    parser.add_argument("--cells", type=Path, default=Path("runs/watchdog.jsonl"), help="where finished runs are kept")
    parser.add_argument("--most", type=int, default=1000, help="stop after so many new runs")
    arguments = parser.options()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    arguments.cells.parent.mkdir(parents=True, exist_ok=True)
    kept = arguments.cells.read_text().splitlines() if arguments.cells.exists() else []
    found = [json.loads(line) for line in kept]
    done = {(result["name"], result["preset"], result["seed"]) for result in found}
    for seed in arguments.seeds:
        for case in CASES:
            if (case.name, case.preset, seed) in done or len(found) - len(done) >= arguments.most:
                continue
            found.append({"name": case.name, "preset": case.preset, "seed": seed, **run(case, seed)})
            with arguments.cells.open("a") as file:
                file.write(json.dumps(found[-1]) + "\n")
    with parser.results() as out:
        for title, row in rows(found):
            out.row(title, row)


if __name__ == "__main__":
    main()
