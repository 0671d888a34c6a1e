"""What every preset makes of the same data in the same time: one table a data set, and mixtures of 25 modes.

    python -m benchmarks.quality [--seconds 60] [--data DATA ...] [--presets NAME ...] [--modes ring grid]

Each cell trains one preset for so many seconds of processor time on one thread (paused processes and busy neighbours
do not count), exports it, proves the export, and measures samples of the exported file on held-out data. A finished
cell is one line in --cells; a second start goes on where the first one stopped, and cells whose configuration has
changed since are measured anew. The tables are Markdown.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from google.protobuf import json_format
from lightning_fabric import Fabric

from augmint.v1 import generator_pb2 as pb
from service.runtime.session import Session
from training import classifier, export, quality
from training.config import Config
from training.data import load
from training.data.kind import Kind
from training.fit import MEASURED_SEED, addressed_samples
from training.presets import PRESETS, resolve
from training.splits import split
from training.trainer import Diverged, Trainer

LOOK = 50  # steps between looks at whether the losses are finite

# Mixtures of 25 normal distributions in the plane, as the literature has them (Srivastava et al. 2017, VEEGAN; Lin et
# al. 2018, PacGAN: a grid of spacing 2 with deviation 0.05), scaled into [-1, 1].
MODES = 25
MODE_DEVIATION = 0.01
MODE_SAMPLES = 100_000
MODES_DRAWN = 2_500  # as in PacGAN
# A sample is of high quality within so many deviations of its mode; a mode is found if it has one such sample.
MODE_REACH = 3.0

# One small pair of perceptrons for all, without norms, so that objectives and what bounds them are compared. Systems
# that differ in something else (classes, convolutions, resolutions) are left out, and so is the autoencoder, whose
# likelihood is not one of coordinates.
MODE_SYSTEMS = ("rpgan", "vanilla", "lsgan", "wgan", "wgan-gp", "sngan")
MODE_SETTINGS: dict[str, Any] = {
    "architecture": "mlp",
    "width": 32,
    "latent_size": 16,
    "embedding_size": 1,
    "generator_norm": "none",
    "discriminator_norm": "none",
    "discriminator_conditioning": "none",
    "minibatch_deviation": False,
    "dropout": 0.0,
    "augmentation": 0.0,
    "output": "linear",
    "batch_size": 256,
}
# The weight of R1 and R2 is scaled by a sample's elements, of which a point has 2.
MODE_GAMMA = 0.1 * 32**2 / 2


def train(trainer: Trainer, seconds: float) -> dict[str, Any]:
    """Train for so many seconds of processor time; returns how far it came. Raises Diverged."""
    began, share = time.process_time(), 0.0
    while share < 1:
        losses = trainer.step(share)
        share = (time.process_time() - began) / seconds
        if share >= 1 or trainer.steps % LOOK == 0:
            trainer.check_finite(losses)
    return {"steps": trainer.steps, "trained_per_second": trainer.samples_seen / (time.process_time() - began)}


def new_trainer(
    config: Config, kind: Kind, samples: np.ndarray, labels: np.ndarray, classes: int, seed: int
) -> Trainer:
    return Trainer(Fabric(accelerator="cpu", devices=1), config, kind, samples, labels, classes, seed)


class Points:
    """Points of the plane, as far as training asks for a kind: raw samples are the form itself, float32 [n, 2]."""

    form = (2,)
    augmentation = None

    def encode(self, raw: torch.Tensor) -> torch.Tensor:
        return raw


def images_cell(data: str, config: Config, seconds: float, seed: int, quick: bool = False) -> dict[str, Any]:
    """One preset on one data set: how far it came, how fast the exported file is, and its quality card."""
    dataset = load(data)
    splits = split(dataset, seed=seed)
    samples, labels = dataset.samples[splits.train], dataset.labels[splits.train]
    if (data, seed) not in _JUDGES:
        steps = classifier.default_steps(len(samples)) // (2 if quick else 1)
        _JUDGES[data, seed] = classifier.fit(dataset.kind, samples, labels, dataset.classes, seed=seed, steps=steps)
    trainer = new_trainer(config, dataset.kind, samples, labels, dataset.classes, seed)
    result = train(trainer, seconds)
    generator = trainer.settle()
    model = export.to_onnx(generator, dataset.kind, config.latent_size, dataset.classes)
    export.prove_parity(generator, model, dataset.kind, config.latent_size, dataset.classes)
    session = Session(model.SerializeToString(), threads=1)

    def draw(labels: np.ndarray, start: int) -> np.ndarray:
        return addressed_samples(session, labels, MEASURED_SEED, start)

    card = quality.measure(
        draw, dataset, splits, seed=seed, judge=_JUDGES[data, seed], budget="quick" if quick else "full"
    )
    rows = np.arange(2048) % dataset.classes
    began = time.process_time()
    draw(rows, 0)
    result["made_per_second"] = len(rows) / (time.process_time() - began)
    return {**result, "card": json_format.MessageToDict(card, preserving_proto_field_name=True)}


_JUDGES: dict[tuple[str, int], classifier.Classifier] = {}


def centres(shape: str) -> np.ndarray:
    """The modes of a mixture: float64 [25, 2] in [-0.8, 0.8]."""
    if shape == "grid":
        line = np.linspace(-0.8, 0.8, 5)
        return np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    angle = 2 * np.pi * np.arange(MODES) / MODES
    return 0.8 * np.stack([np.cos(angle), np.sin(angle)], 1)


def count_modes(points: np.ndarray, shape: str) -> tuple[int, float]:
    """Modes found and the share of samples of high quality. points: float [n, 2]."""
    distance = np.linalg.norm(points[:, None] - centres(shape)[None], axis=2)
    nearest = distance.argmin(1)
    good = distance.min(1) <= MODE_REACH * MODE_DEVIATION
    return len(set(nearest[good].tolist())), float(good.mean())


def modes_cell(shape: str, config: Config, seconds: float, seed: int, quick: bool = False) -> dict[str, Any]:
    """One system on one mixture: how far it came, modes found, and the share of samples of high quality."""
    random = np.random.default_rng(seed)
    points = centres(shape)[random.integers(MODES, size=MODE_SAMPLES)]
    points = (points + MODE_DEVIATION * random.standard_normal(points.shape)).astype(np.float32)
    trainer = new_trainer(config, cast(Kind, Points()), points, np.zeros(len(points), np.int64), 1, seed)
    result = train(trainer, seconds)
    generator = trainer.settle()
    latent = torch.randn(MODES_DRAWN, config.latent_size, generator=torch.Generator().manual_seed(seed))
    made = generator(latent, torch.zeros(MODES_DRAWN, dtype=torch.int64)).flatten(1).numpy()
    found, share = count_modes(made, shape)
    return {**result, "modes": found, "high_quality": share}


def modes_config(preset: str) -> Config:
    """A preset's objective and optimiser on the networks for points."""
    gamma = {"gamma": MODE_GAMMA} if resolve(preset).gamma else {}
    return resolve(preset, {**MODE_SETTINGS, **gamma})


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
            add(data, preset, resolve(preset), images_cell)
    for shape in arguments.modes:
        for preset in (name for name in MODE_SYSTEMS if name in arguments.presets):
            add(shape, preset, modes_config(preset), modes_cell)
    return found


def read(path: Path) -> list[dict[str, Any]]:
    """Finished cells; a last line that was cut off by an interruption is left out."""
    finished = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            finished.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return finished


def images_table(results: list[dict[str, Any]]) -> list[str]:
    """Markdown rows of one data set, the best classification accuracy score first."""
    lines = [
        "| preset | CAS | fidelity | FD / floor | coverage | least spread | steps | trained/s | made/s | findings |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    cards = [(result, json_format.ParseDict(result.get("card", {}), pb.QualityCard())) for result in results]
    for result, card in sorted(cards, key=lambda pair: -pair[1].classification_accuracy_score):
        if "card" not in result:
            lines.append(f"| {result['preset']} | - | - | - | - | - | - | - | - | {result['failure']} |")
            continue
        kinds = sorted({finding.kind for finding in card.findings}) or [f"{len(card.warnings)}"]
        lines.append(
            f"| {result['preset']} | {card.classification_accuracy_score:.1%} | {card.label_fidelity:.1%} "
            f"| {card.frechet_distance / card.frechet_distance_floor:.2f} | {card.coverage:.2f} "
            f"| {min(entry.spread_ratio for entry in card.classes):.2f} | {result['steps']:,} "
            f"| {result['trained_per_second']:,.0f} | {result['made_per_second']:,.0f} | {', '.join(kinds)} |"
        )
    real = next((card for result, card in cards if "card" in result), None)
    if real is not None:
        lines.append(
            f"| (real) | {real.real_accuracy:.1%} | {real.real_accuracy:.1%} | 1.00 | {real.coverage_ceiling:.2f} "
            "| 1.00 | | | | |"
        )
    return lines


def modes_table(results: list[dict[str, Any]]) -> list[str]:
    """Markdown rows of one mixture, the most modes first."""
    lines = ["| system | modes of 25 | high-quality samples | steps |", "|---|---|---|---|"]
    for result in sorted(results, key=lambda r: (-r.get("modes", -1), -r.get("high_quality", 0))):
        if "modes" in result:
            lines.append(
                f"| {result['preset']} | {result['modes']} | {result['high_quality']:.1%} | {result['steps']:,} |"
            )
        else:
            lines.append(f"| {result['preset']} | - | - | {result['failure']} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="processor time to train each (default 60)")
    parser.add_argument("--data", nargs="*", default=["digits"], help="data sets (default digits)")
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), choices=list(PRESETS), metavar="NAME")
    parser.add_argument("--modes", nargs="*", default=["ring", "grid"], choices=["ring", "grid"])
    parser.add_argument("--seed", type=int, default=0, help="of splits, weights and draws (default 0)")
    parser.add_argument("--quick", action="store_true", help="classifiers that judge learn half as long")
    parser.add_argument("--cells", type=Path, default=Path("runs/quality.jsonl"), help="where finished cells are kept")
    arguments = parser.parse_args()

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

    for what in dict.fromkeys(key["data"] for key, _ in wanted):
        results = [finished[_name(key)] for key, _ in wanted if key["data"] == what]
        title = f"25 modes, {what}" if what in ("ring", "grid") else Path(what).name
        table = modes_table(results) if what in ("ring", "grid") else images_table(results)
        print(f"\n### {title}, {arguments.seconds:g} s of one core each\n", *table, sep="\n")


def _name(cell: dict[str, Any]) -> str:
    keys = ("data", "preset", "seconds", "seed", "quick", "configuration")
    return json.dumps([cell[key] for key in keys], sort_keys=True)


if __name__ == "__main__":
    main()
