"""The whole of a run: read, train, export, measure, publish."""

from __future__ import annotations

import importlib.metadata
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from google.protobuf import json_format
from lightning_fabric import Fabric
from lightning_fabric.loggers import TensorBoardLogger
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from augmint.sheet import contact_sheet
from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.engine import Session
from training import choose, classifier, export, quality, release, threads
from training.data import Dataset, load
from training.latent import OPSET
from training.run import Order, Run, RunError
from training.splits import Splits, split
from training.trainer import Losses, Trainer, draw_samples

CHECKS = 12  # looks at the samples over a run, fewer in a short one:
CHECK_SHARE = 0.04  # largest share of the time that they take
CHECKPOINT_SECONDS = 60
REPORT_SECONDS = 0.5
SHEET_COLUMNS = 16
# The quality card's samples: their own seed, so that nobody's first samples are the measured ones.
MEASURED_SEED = 2**41

LIBRARIES = ("torch", "onnx", "onnxruntime-gpu", "numpy", "lightning-fabric", "scikit-learn")


class Interrupted(Exception):
    """The run was asked to stop; its checkpoint is written."""


def fit(run: Run, console: Console, resume: bool = False, force: bool = False) -> Path:
    """Do what the run's order says and return the path of the published model.onnx.

    force: publish even what the gate withholds, or what is worse than the version that it replaces.

    Raises training.data.DataError, training.trainer.Diverged, training.export.ExportError, RunError, Interrupted,
    training.release.Withheld.
    """
    order = run.order
    dataset = load(order.data, size=order.size)
    splits = split(dataset, seed=order.seed)
    if order.preset == choose.AUTO:
        order = run.decide(_chosen(order, dataset, splits))
    for reason in order.reasons:
        console.print(f"auto: {reason}", soft_wrap=True, highlight=False)
    _introduce(console, dataset, splits, run)

    fabric = Fabric(
        accelerator="auto", devices=1, loggers=TensorBoardLogger(root_dir=run.folder, name="", version="tensorboard")
    )
    fabric.launch()
    torch.set_flush_denormal(True)  # sums of vanishing numbers are a hundred times slower, and worth nothing

    def new_trainer() -> Trainer:
        samples, labels = dataset.samples[splits.train], dataset.labels[splits.train]
        return Trainer(fabric, order.config, samples, labels, dataset.classes, order.seed)

    if fabric.device.type == "cpu":
        scratch = new_trainer()
        threads.choose(lambda: scratch.step(0.0))
        del scratch
    trainer, seconds = new_trainer(), 0.0
    if resume:
        state = run.load()
        if state["data_digest"] != dataset.digest:
            raise RunError(f"{order.data} has changed since {run.folder} was started; start a new run")
        trainer.load_state_dict(state["trainer"])
        seconds = float(state["seconds"])

    with _progress(console) as progress:
        judge = _judge(progress, dataset, splits, order.seed, fabric.device)
        seconds = _train(run, trainer, dataset, splits, judge, seconds, progress)

        task = progress.add_task("exporting", total=1.0)
        generator = trainer.settle()
        model = export.to_onnx(generator, order.config.latent_size, dataset.classes)
        export.prove_parity(generator, model, order.config.latent_size, dataset.classes)
        progress.update(task, completed=1.0)

        session = Session(model.SerializeToString(), threads=os.cpu_count() or 1)
        task = progress.add_task("measuring", total=1.0)
        card = quality.measure(
            lambda labels, start: addressed_samples(session, labels, MEASURED_SEED, start),
            dataset,
            splits,
            seed=order.seed,
            device=fabric.device,
            judge=judge,
            progress=lambda stage, share: progress.update(task, detail=stage, completed=share),
        )
        progress.update(task, detail="", completed=1.0)

    message = pb.Generator(
        name=order.name,
        labels=dataset.class_names,
        sample=dataset.spec(),
        latent_size=order.config.latent_size,
        provenance=_provenance(run, trainer, dataset, splits, seconds),
        quality=card,
    )
    message = export.with_golden(message, model)
    kept = run.folder / artifact.FILE_NAME
    kept.write_bytes(export.build(message, model, release.next_version(Path(order.out), order.name)))
    run.write_json("card.json", json_format.MessageToDict(card, preserving_proto_field_name=True))
    console.print(quality.render(card))
    return release.release(Path(order.out), message, model, kept, force=force)


def _chosen(order: Order, dataset: Dataset, splits: Splits) -> Order:
    """The order with the preset and the configuration that `auto` stands for."""
    counts, shape = dataset.counts(splits.train), dataset.samples.shape[1:]
    choice = choose.choose(choose.Facts(counts, shape, torch.cuda.is_available()))  # type: ignore[arg-type]
    decided = {"preset": choice.preset, "config": choice.config(dict(order.settings)), "reasons": choice.reasons}
    return order.model_copy(update=decided)


def addressed_samples(session: Session, labels: np.ndarray, seed: int, start: int, page: int = 256) -> np.ndarray:
    """Samples of an exported graph by address: uint8 [n, height, width, channels], sample i at index start + i."""
    pages = []
    for first in range(0, len(labels), page):
        label = labels[first : first + page].astype(np.int64)
        index = np.arange(start + first, start + first + len(label), dtype=np.uint64)
        key = np.full(len(label), artifact.mix_seed(seed), np.uint64)
        pages.append(session.run(artifact.Rows(key, index, label, np.ones(len(label), np.float32))))
    return np.concatenate(pages)


def _introduce(console: Console, dataset: Dataset, splits: Splits, run: Run) -> None:
    height, width, channels = dataset.samples.shape[1:]
    table = Table(title=f"{dataset.name}: {len(dataset.labels):,} samples of {height} x {width} x {channels}")
    table.add_column("class")
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    for part in parts:
        table.add_column(part, justify="right")
    counts = [dataset.counts(positions) for positions in parts.values()]
    shown = min(dataset.classes, 20)
    for label in range(shown):
        table.add_row(dataset.class_names[label], *(f"{count[label]:,}" for count in counts))
    if shown < dataset.classes:
        table.add_row(f"and {dataset.classes - shown} more", *(f"{count[shown:].sum():,}" for count in counts))
    console.print(table)
    for note in dataset.notes:
        console.print(f"  note: {note}", soft_wrap=True)
    console.print(f"run folder: {run.folder} (curves: tensorboard --logdir {run.folder})", soft_wrap=True)


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description:<17.17}", table_column=Column(no_wrap=True)),
        BarColumn(bar_width=12, table_column=Column(min_width=12)),
        TextColumn("{task.percentage:3.0f}%", table_column=Column(no_wrap=True)),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True, table_column=Column(no_wrap=True, min_width=5)),
        TextColumn("{task.fields[detail]}", table_column=Column(no_wrap=True, ratio=1)),
    )

    class _WithDetail(Progress):
        def add_task(self, description: str, *args: object, **fields: object) -> TaskID:
            return super().add_task(description, *args, **{"detail": "", **fields})  # type: ignore[arg-type]

    with _WithDetail(*columns, console=console, refresh_per_second=4) as progress:
        yield progress


def _judge(
    progress: Progress, dataset: Dataset, splits: Splits, seed: int, device: torch.device
) -> classifier.Classifier:
    """The classifier of real samples that watches the run and measures its result."""
    task = progress.add_task("learning to judge", total=1.0)
    return classifier.fit(
        dataset.samples[splits.train],
        dataset.labels[splits.train],
        dataset.classes,
        seed=seed,
        device=device,
        progress=lambda share: progress.update(task, completed=share),
    )


@contextmanager
def _stop_requests() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM instead of raising in the middle of a step; a second one ends at once."""
    received: list[int] = []

    def remember(number: int, frame: object) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    previous = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _train(
    run: Run,
    trainer: Trainer,
    dataset: Dataset,
    splits: Splits,
    judge: classifier.Classifier,
    seconds: float,
    progress: Progress,
) -> float:
    """Train until the budget is used up; returns the seconds of training, those before a resume included."""
    order, began, steps_before = run.order, time.monotonic() - seconds, trainer.steps
    resumed_at = time.monotonic()
    share = order.progress(trainer.steps, seconds)
    task = progress.add_task(f"training {order.preset}", total=1.0)
    progress.update(task, completed=share)
    next_check, not_before = (int(share * CHECKS) + 1) / CHECKS, 0.0
    saved, reported = time.monotonic(), 0.0
    seen = ""

    def save(losses: Losses) -> None:
        trainer.check_finite(losses)  # a checkpoint is something to go back to
        state = {"trainer": trainer.state_dict(), "seconds": seconds, "data_digest": dataset.digest}
        run.save(state)

    with _stop_requests() as stop:
        while share < 1:
            losses = trainer.step(share)
            now = time.monotonic()
            seconds = now - began
            share = order.progress(trainer.steps, seconds)
            if now - reported >= REPORT_SECONDS:
                reported = now
                trainer.check_finite(losses)
                rate = (trainer.steps - steps_before) * order.config.batch_size / (now - resumed_at)
                detail = f"{rate:,.0f}/s D {losses.discriminator:.2f} G {losses.generator:.2f}{seen}"
                progress.update(task, completed=share, detail=detail)
                _log(trainer, losses, rate)
            if share >= 1 or (share >= next_check and now >= not_before):
                seen = f" {_check(run, trainer, dataset, splits, judge)}"
                next_check = (int(share * CHECKS) + 1) / CHECKS
                not_before = time.monotonic() + (time.monotonic() - now) / CHECK_SHARE
            if stop or share >= 1 or now - saved >= CHECKPOINT_SECONDS:
                saved = now
                save(losses)
            if stop:
                raise Interrupted
    progress.update(task, completed=1.0)
    return seconds


def _log(trainer: Trainer, losses: Losses, rate: float) -> None:
    values = {f"loss/{name}": float(getattr(losses, name)) for name in ("discriminator", "generator", "penalty")}
    values["discriminator/real_ahead"] = float(losses.real_ahead)
    values["gradient/discriminator"] = float(losses.discriminator_norm)
    values["gradient/generator"] = float(losses.generator_norm)
    values["speed/samples_per_second"] = rate
    trainer.fabric.log_dict(values, step=trainer.steps)


def _check(run: Run, trainer: Trainer, dataset: Dataset, splits: Splits, judge: classifier.Classifier) -> str:
    """Look at the averaged generator: a sample sheet, curves, and a few words for the progress bar."""
    generator, config, device = trainer.settle(batches=16), run.order.config, trainer.fabric.device

    def draw(labels: np.ndarray, start: int) -> np.ndarray:
        return draw_samples(generator, labels, config.latent_size, seed=start, device=device)

    shown = min(dataset.classes, 32)
    labels = np.repeat(np.arange(shown), SHEET_COLUMNS)
    sheet = contact_sheet(
        np.split(draw(labels, 0), shown), dataset.class_names[:shown], columns=SHEET_COLUMNS, caption=run.folder.name
    )
    sheet.save(run.picture(trainer.steps))
    check = quality.quick(draw, judge, dataset, splits)
    values = {
        "samples/label_fidelity": check.label_fidelity,
        "samples/label_fidelity_min": float(check.class_fidelity.min()),
        "samples/spread_ratio_min": float(check.spread_ratio.min()),
        "samples/kernel_distance": check.kernel_distance,
    }
    trainer.fabric.log_dict(values, step=trainer.steps)
    return f"fidelity {check.label_fidelity:.2f} spread {check.spread_ratio.min():.2f}"


def _provenance(run: Run, trainer: Trainer, dataset: Dataset, splits: Splits, seconds: float) -> pb.Provenance:
    return pb.Provenance(
        preset=run.order.preset,
        configuration_json=run.order.config.model_dump_json(),
        data_name=dataset.name,
        data_digest=dataset.digest,
        splits=splits.counts(dataset),
        seed=run.order.seed,
        steps=trainer.steps,
        samples_seen=trainer.samples_seen,
        training_seconds=seconds,
        libraries={name: importlib.metadata.version(name) for name in LIBRARIES},
        code_revision=_revision(),
        created_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        opset=OPSET,
    )


def _revision() -> str:
    """The checkout's commit, "-dirty" if it has local changes; empty outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40", "--match="]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
