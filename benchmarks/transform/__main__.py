"""What carrying real samples into other classes is worth, on held-out samples: recognised, kept, made again, covered.

    python -m benchmarks.transform digits --steps 4000 --learn 600
    python -m benchmarks.transform fashion-mnist/ --model models/fashion-mnist/1/model.onnx --learn 1500
    python -m benchmarks.transform cells/ --size 32 --steps 1500 --learn 1500 --picture cells.png
    python -m benchmarks.transform adult.csv.gz --label income --preset tvae --steps 2000 --learn 150

A generator is trained anew (--steps), or is that of a run (--run) or of a published file (--model, whose opponent is
gone: nobody then has an opinion of what is carried). --learn is the steps of the encoder. Beside it a variational
autoencoder of the same width learns as many steps: the error of its samples made again is what a network that learns
nothing else reaches (not for kinds with a head, such as rows, which are themselves again by their draws). All is judged
by a classifier of real samples that the encoder has not learned from.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from google.protobuf import json_format
from torch import nn

from benchmarks import results
from benchmarks.transform import published
from training import networks
from training.config.config import Config
from training.config.presets import resolve
from training.data import Dataset
from training.data.splits import Splits, split
from training.gan.trainer import Trainer
from training.judge import fitting
from training.judge.classifier import Classifier
from training.kinds import load
from training.quality.measures import carrying
from training.run.folder import Run
from training.run.processes import Processes
from training.source import SourceOptions
from training.transform.teacher import Opinion, Teacher

PAGE = 256


def trained(dataset: Dataset, splits: Splits, config: Config, steps: int, state: Any = None) -> Trainer:
    """A trainer after so many steps; or with the state of a run's."""
    labels = dataset.labels[splits.train]
    given = Processes().fabric, config, dataset.kind, dataset.part(splits.train), labels, dataset.classes, 0
    trainer = Trainer(*given)
    if state is not None:
        trainer.load_state_dict(state)
    else:
        for step in range(steps):
            trainer.step(step / steps)
    return trainer


def judges(dataset: Dataset, splits: Splits, steps: int | None) -> list[Classifier]:
    """One to learn from, one to measure by."""
    given = dataset.part(splits.train), dataset.labels[splits.train], dataset.classes
    return [fitting.fit(dataset.kind, *given, seed=seed, steps=steps) for seed in range(2)]


def paged(dataset: Dataset, make: Callable[..., torch.Tensor]) -> Callable[..., np.ndarray]:
    """raw [n, *shape] and other arrays [n, ...] -> raw, by a function of training samples and tensors."""
    decoder = dataset.kind.decoder()

    @torch.no_grad()
    def run(raw: np.ndarray, *others: np.ndarray) -> np.ndarray:
        pages = []
        for start in range(0, len(raw), PAGE):
            here = slice(start, start + PAGE)
            form = dataset.kind.encode(torch.from_numpy(np.ascontiguousarray(raw[here])))
            pages.append(decoder(make(form, *(torch.from_numpy(each[here]) for each in others))).numpy())
        return np.concatenate(pages)

    return run


def carrier_of(dataset: Dataset, carrier: networks.Carrier) -> carrying.Carry:
    run = paged(dataset, carrier)

    def carry(raw: np.ndarray, target: np.ndarray, source: np.ndarray, strength: float) -> np.ndarray:
        return run(raw, source, target, np.full(len(raw), strength, np.float32))

    return carry


def drawn(dataset: Dataset, generator: nn.Module, config: Config) -> Callable[[np.ndarray, int], np.ndarray]:
    """Fresh samples."""
    decoder, taken = dataset.kind.decoder(), networks.chance(generator)

    @torch.no_grad()
    def draw(labels: np.ndarray, start: int) -> np.ndarray:
        random = torch.Generator().manual_seed(start)
        latent = torch.randn(len(labels), config.latent_size, generator=random)
        given = latent, torch.from_numpy(labels), *networks.drawn(len(labels), taken, random, torch.device("cpu"))
        pages = zip(*(each.split(PAGE) for each in given), strict=True)
        return np.concatenate([decoder(generator(*page)).numpy() for page in pages])

    return draw


def autoencoder_error(dataset: Dataset, splits: Splits, width: int, steps: int) -> float:
    """Of held-out samples made again by a variational autoencoder, by the mean of each latent."""
    trainer = trained(dataset, splits, resolve("vae", {"width": width}), steps)
    decode, encode = trainer.settle(), trainer.discriminator.module.eval()
    held = np.concatenate([splits.validation, splits.test])[:2000]
    raw, labels = dataset.samples[held], dataset.labels[held]
    again = paged(dataset, lambda form, label: decode(encode(form, label).chunk(2, 1)[0], label))(raw, labels)
    return carrying.missed(dataset.kind, raw, again)


def generator_of(
    options: argparse.Namespace, dataset: Dataset, splits: Splits
) -> tuple[nn.Module, Config, Opinion | None]:
    if options.model:
        generator, config, _ = published.network(options.model, dataset.kind)
        return generator, config, None
    state, config = None, resolve(options.preset)
    if options.run:
        run = Run.resume(options.run)
        state, config = run.load()["trainer"], run.order.config
    trainer = trained(dataset, splits, config, options.steps, state)
    return trainer.settle(), config, trainer.opinion if config.competes else None


def measure(options: argparse.Namespace) -> dict[str, Any]:
    torch.set_flush_denormal(True)
    dataset = load(options.data, SourceOptions(size=options.size, label=options.label))
    splits = split(dataset, seed=0)
    dataset = dataset.fitted(splits.train)
    if options.model:  # IDX files have no names of classes, a published file may
        dataset = replace(dataset, class_names=tuple(published.network(options.model, dataset.kind)[2].labels))
    seen, other = judges(dataset, splits, options.judge_steps)
    generator, config, opinion = generator_of(options, dataset, splits)
    labels = dataset.labels[splits.train]
    given = dataset.part(splits.train), labels, dataset.classes, 0, seen.network(), opinion, torch.device("cpu")
    teacher = Teacher(generator, config, dataset.kind, *given)
    began = time.process_time()
    for step in range(options.learn):
        teacher.step(step / options.learn)
    seconds = time.process_time() - began
    carry, draw = carrier_of(dataset, teacher.settle()), drawn(dataset, generator, config)
    found = carrying.measure(carry, draw, dataset, splits, other, seed=0)
    if options.export:
        if not options.model:
            raise SystemExit("--export extends the file of --model; fit --resume RUN --transform does it for a run")
        options.export.parent.mkdir(parents=True, exist_ok=True)
        options.export.write_bytes(published.extended(options.model, teacher.carrier, dataset.kind, seen))
    if options.picture:
        options.picture.write_bytes(carrying.sheet(carry, dataset, splits).content)
    card = json_format.MessageToDict(found, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    real = other.predict(dataset.part(splits.test)) == dataset.labels[splits.test]
    return {
        "data": dataset.name,
        "generator": str(options.model or options.run or f"{options.preset}, {options.steps} steps"),
        "learned_steps": options.learn,
        "learned_cpu_seconds": round(seconds, 1),
        "recognised": found.recognised,
        "real_recognised": float(real.mean()),
        "kept_mean": float(np.mean([each.correlation for each in found.kept])),
        "fresh_mean": float(np.mean([each.fresh for each in found.kept])),
        "coverage_mean": float(
            np.mean([each.coverage for each in found.classes if each.HasField("coverage")] or [0.0])
        ),
        "reconstruction_error": found.reconstruction_error,
        "autoencoder_error": None
        if dataset.kind.head() is not None
        else autoencoder_error(dataset, splits, config.width, options.autoencoder or options.learn),
        "card": card,
    }


def tell(out: results.Results, found: dict[str, Any]) -> None:
    """As rows of three tables."""
    card, name = found["card"], found["data"]
    out.row(
        "Carried into other classes",
        {
            "data": name,
            "generator": found["generator"],
            "steps": found["learned_steps"],
            "CPU s": found["learned_cpu_seconds"],
            "recognised %": 100 * found["recognised"],
            "real samples %": 100 * found["real_recognised"],
            "kept": found["kept_mean"],
            "kept by fresh ones": found["fresh_mean"],
            "coverage": found["coverage_mean"],
            "error made again %": 100 * found["reconstruction_error"],
            "autoencoder's %": None if found["autoencoder_error"] is None else 100 * found["autoencoder_error"],
        },
    )
    for each in card["kept"]:
        row = {"data": name, "property": each["name"], "carried": each["correlation"], "fresh": each["fresh"]}
        out.row("What is kept: correlation before and after, inside classes", row)
    for each in card["classes"]:
        row = {"data": name, "class": each["label"], "recognised %": 100 * each["recognised"]}
        out.row("Into each class", row | {"coverage": each.get("coverage"), "samples": each["samples"]})


def main() -> int:
    parser = results.Parser("benchmarks.transform", __doc__)
    parser.add_argument("data", help="as for fit")
    parser.add_argument("--size", type=int, help="side of the images in pixels")
    parser.add_argument("--label", help="column of the classes, of rows")
    parser.add_argument("--preset", default="rpgan", help="of a generator that is trained anew")
    parser.add_argument("--steps", type=int, default=4000, help="of its training")
    parser.add_argument("--run", type=Path, help="folder of a run, whose generator is taken")
    parser.add_argument("--model", type=Path, help="published file, whose generator is taken")
    parser.add_argument("--learn", type=int, default=1500, help="steps of the encoder")
    parser.add_argument("--autoencoder", type=int, help="steps of the autoencoder; by default as many")
    parser.add_argument("--judge-steps", type=int, help="of both classifiers; by default as for a card")
    parser.add_argument("--export", type=Path, help="where the file of --model goes, with what carries samples in it")
    parser.add_argument("--picture", type=Path, help="where a picture of carried samples goes")
    options = parser.options()
    with parser.results() as out:
        tell(out, measure(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
