"""What every preset makes of the same data in the same time: one table a data set, and mixtures of 25 modes.

    python -m benchmarks.quality [--seconds 60] [--data DATA ...] [--presets NAME ...] [--modes ring grid]

Each cell trains one preset for so many seconds of processor time on one thread (paused processes and busy neighbours
do not count), exports it, proves the export, and measures samples of the exported file on held-out data. A finished
cell is one line in --cells; a second start goes on where the first one stopped, and cells whose configuration has
changed since are measured anew. Data are of any kind: for a folder of sounds (benchmarks.quality.spoken_digits),
--set width=8 batch_size=32, as `auto` chooses for samples so large.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from google.protobuf import json_format

from augmint.v1 import generator_pb2 as pb
from benchmarks import results
from benchmarks.quality import modes
from benchmarks.quality.cells import new_trainer, train
from service.runtime.session import Session
from training import quality
from training.config.config import Config
from training.config.presets import PRESETS, resolve
from training.data.splits import split
from training.export import graph, parity
from training.export.sampling import to_be_measured
from training.gan.losses import Diverged
from training.judge import classifier, fitting
from training.kinds import load


def data_cell(data: str, config: Config, seconds: float, seed: int, quick: bool = False) -> dict[str, Any]:
    """One preset on one data set: how far it came, how fast the exported file is, and its quality card."""
    dataset = load(data)
    splits = split(dataset, seed=seed)
    dataset = dataset.fitted(splits.train)
    samples, labels = dataset.samples[splits.train], dataset.labels[splits.train]
    if (data, seed) not in _JUDGES:
        steps = fitting.default_steps(len(samples)) // (2 if quick else 1)
        _JUDGES[data, seed] = fitting.fit(dataset.kind, samples, labels, dataset.classes, seed=seed, steps=steps)
    trainer = new_trainer(config, dataset.kind, samples, labels, dataset.classes, seed)
    result = train(trainer, seconds)
    generator = trainer.settle()
    model = graph.to_onnx(generator, dataset.kind, config.latent_size, dataset.classes)
    parity.prove_parity(generator, model, dataset.kind, config.latent_size, dataset.classes)
    session = Session(model.SerializeToString(), threads=1)
    draw = to_be_measured(session)
    card = quality.measure(
        to_be_measured(session),
        dataset,
        splits,
        seed=seed,
        judge=_JUDGES[data, seed],
        budget="quick" if quick else "full",
    )
    rows = np.arange(2048) % dataset.classes
    began = time.process_time()
    draw(rows, 0)
    result["made_per_second"] = len(rows) / (time.process_time() - began)
    return {**result, "card": json_format.MessageToDict(card, preserving_proto_field_name=True)}


_JUDGES: dict[tuple[str, int], classifier.Classifier] = {}


Cell = tuple[dict[str, Any], Callable[[], dict[str, Any]]]


def cells(arguments: argparse.Namespace) -> list[Cell]:
    """Every cell that was asked for: what identifies it, and how to measure it."""
    found: list[Cell] = []

    def add(what: str, preset: str, config: Config, measure: Callable[..., dict[str, Any]]) -> None:
        key = {"data": what, "preset": preset, "seconds": arguments.seconds, "seed": arguments.seed}
        key |= {"quick": arguments.quick, "configuration": config.model_dump(mode="json")}
        found.append((key, lambda: measure(what, config, arguments.seconds, arguments.seed, arguments.quick)))

    for data in arguments.data:
        for preset in arguments.presets:
            add(data, preset, _resolved(preset, arguments.set), data_cell)
    for shape in arguments.modes:
        for preset in (name for name in modes.SYSTEMS if name in arguments.presets):
            add(shape, preset, modes.config_of(preset), modes.cell)
    return found


def _resolved(preset: str, given: list[str]) -> Config:
    return resolve(preset, dict(setting.split("=", 1) for setting in given))


def read(path: Path) -> list[dict[str, Any]]:
    """Finished cells; a last line that was cut off by an interruption is left out."""
    finished = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            finished.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return finished


def row(result: dict[str, Any]) -> dict[str, Any]:
    """What is shown of a cell."""
    if "failure" in result:
        return {"preset": result["preset"], "findings": result["failure"]}
    card = json_format.ParseDict(result["card"], pb.QualityCard())
    kinds = sorted({finding.kind for finding in card.findings}) or [f"{len(card.warnings)}"]
    return {
        "preset": result["preset"],
        "CAS, %": 100 * card.classification_accuracy_score,
        "fidelity, %": 100 * card.label_fidelity,
        "FD / floor": card.frechet_distance / card.frechet_distance_floor,
        "coverage": card.coverage,
        "least spread": min(entry.spread_ratio for entry in card.classes),
        "steps": result["steps"],
        "trained/s": result["trained_per_second"],
        "made/s": result["made_per_second"],
        "findings": ", ".join(kinds),
    }


def real(result: dict[str, Any]) -> dict[str, Any]:
    """The same of real samples, as far as a card has it."""
    card = json_format.ParseDict(result["card"], pb.QualityCard())
    accuracy = 100 * card.real_accuracy
    shown = {"preset": "(real)", "CAS, %": accuracy, "fidelity, %": accuracy, "FD / floor": 1.0}
    return shown | {"coverage": card.coverage_ceiling, "least spread": 1.0}


def rows(what: str, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of one data set the best classification accuracy score first, of one mixture the most modes."""
    mixture = what in modes.SHAPES
    shown = [modes.row(cell) if mixture else row(cell) for cell in cells]
    shown.sort(
        key=lambda each: [each.get(name, -1) for name in ("CAS, %", "modes of 25", "high-quality, %")], reverse=True
    )
    good = [] if mixture else [cell for cell in cells if "card" in cell]
    return shown + [real(cell) for cell in good[:1]]


def main() -> None:
    parser = results.Parser("benchmarks.quality", __doc__)
    parser.add_argument("--seconds", type=float, default=60, help="processor time to train each (default 60)")
    parser.add_argument("--data", nargs="*", default=["digits"], help="data sets (default digits)")
    images = [name for name, row in PRESETS.items() if row.config.architecture in ("conv", "mlp", "progressive")]
    default = [name for name in images if name != "tvae"]  # perceptrons sized for rows; vae is the one for images
    parser.add_argument("--presets", nargs="+", default=default, choices=images, metavar="NAME")
    parser.add_argument("--modes", nargs="*", default=modes.SHAPES, choices=modes.SHAPES)
    parser.add_argument("--seed", type=int, default=0, help="of splits, weights and draws (default 0)")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings of every preset")
    parser.add_argument("--quick", action="store_true", help="classifiers that judge learn half as long")
    parser.add_argument("--cells", type=Path, default=Path("runs/quality.jsonl"), help="where finished cells are kept")
    arguments = parser.options()

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    arguments.cells.parent.mkdir(parents=True, exist_ok=True)
    finished = {_name(result): result for result in read(arguments.cells)}
    wanted = cells(arguments)
    for number, (key, measure) in enumerate(wanted, start=1):
        if _name(key) in finished:
            continue
        print(f"{number} of {len(wanted)}: {key['preset']} on {key['data']}", flush=True)
        try:
            result = measure()
        except Diverged as error:
            result = {"failure": f"diverged: {error}"}
        finished[_name(key)] = {**key, **result}
        with arguments.cells.open("a") as file:
            # A line of its own, even after one that was cut off.
            file.write("\n" * bool(file.tell()) + json.dumps(finished[_name(key)]))

    with parser.results() as out:
        for what in dict.fromkeys(key["data"] for key, _ in wanted):
            title = f"25 modes, {what}" if what in modes.SHAPES else Path(what).name
            for shown in rows(what, [finished[_name(key)] for key, _ in wanted if key["data"] == what]):
                out.row(f"{title}, {arguments.seconds:g} s of one core each", shown)


def _name(cell: dict[str, Any]) -> str:
    keys = ("data", "preset", "seconds", "seed", "quick", "configuration")
    return json.dumps([cell[key] for key in keys], sort_keys=True)


if __name__ == "__main__":
    main()
