"""The whole of a run: read, train, export, measure, publish."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from google.protobuf import json_format
from lightning_fabric.loggers import TensorBoardLogger
from rich.console import Console
from rich.progress import Progress

from augmint.v1 import generator_pb2 as pb
from service.runtime.session import Session
from training import choose, classifier, curves, export, places, quality, release, report, threads
from training.data import Dataset, load
from training.data.nearby import hint
from training.events import Events, Occasion
from training.findings import worst_first
from training.introduce import introduce
from training.latent import OPSET
from training.loop import Interrupted, Loop
from training.naming import data_name
from training.processes import Processes
from training.progress import bar
from training.run import Order, Run, RunError
from training.samples import MEASURED_SEED, addressed_samples
from training.splits import Splits, split
from training.survey import contradictions, survey
from training.terminal import say
from training.trainer import Trainer

__all__ = ["Interrupted", "fit"]

THREAD_SAMPLES = 2000  # that threads are chosen with

LIBRARIES = ("torch", "onnx", "onnxruntime-gpu", "numpy", "lightning-fabric", "scikit-learn")


def fit(
    run: Run,
    console: Console,
    resume: bool = False,
    force: bool = False,
    processes: Processes | None = None,
    replace: bool = False,
) -> Path | None:
    """Do what the run's order says and return the path of the published model.onnx; None in all but the first process.

    force:   publish even what the gate withholds, or what is worse than the version that it replaces.
    replace: publish under a name whose last version makes other samples.

    Raises training.data.DataError, training.trainer.Diverged, training.export.ExportError, RunError, Interrupted,
    training.release.Withheld.
    """
    order = run.order
    processes = processes or Processes()
    state = run.load() if resume else None
    say(console, f"reading {order.data}")
    dataset = _read(run, state)
    following = ""
    if processes.first:
        following = release.succession(Path(order.out), order.name, dataset, replace=replace)
    splits = split(dataset, seed=order.seed)
    if order.score and dataset.classes == 1:
        raise RunError(f"--score with the one class of {order.data}: a score is confidence in one class among others")
    if order.preset == choose.AUTO:
        order = _chosen(order, dataset, splits)
        if processes.first:
            run.decide(order)
        run.order = order
    for reason in order.reasons:
        say(console, f"auto: {reason}")
    torch.set_flush_denormal(True)  # sums of vanishing numbers are a hundred times slower, and worth nothing
    _choose_threads(processes, state, dataset, splits, order)
    findings, judge, logger = survey(dataset, splits), None, None
    with bar(console) as progress:
        if processes.first:
            introduce(console, dataset, splits, run, findings)
            if following:
                say(console, f"  note: {following}")
            judge = _judge(progress, dataset, splits, order.seed, processes.fabric.device)
            findings += contradictions(judge, dataset, splits)
            logger = TensorBoardLogger(root_dir=run.folder, name="", version="tensorboard")
        loop = Loop(run, processes, dataset, splits, judge, progress, logger)
        events = Events(run.folder)
        if state is not None:
            loop.resume(state)
            if processes.first:
                run.decide(order)  # the data may lie elsewhere now, the repository too
            del state
        elif processes.first:
            text = f"Started: {data_name(dataset.name)} with {order.preset}" + (
                f", {processes.count} processes." if processes.count > 1 else "."
            )
            events.add(0, Occasion.STARTED, text, findings)
        if processes.first and (warning := places.prove_room(run.folder, loop.checkpoint_size)):
            say(console, f"  warning: {warning}")
        try:
            loop.train()
        finally:
            if logger is not None:
                logger.finalize("")  # joins its thread; the report reads what it has written
        if not processes.first:
            return None
        assert judge is not None

        task = progress.add_task("exporting", total=1.0)
        generator = loop.trainer.settle()
        scorer = judge if order.score else None
        model = export.to_onnx(generator, dataset.kind, order.config.latent_size, dataset.classes, scorer)
        export.prove_parity(generator, model, dataset.kind, order.config.latent_size, dataset.classes, scorer)
        progress.update(task, completed=1.0)

        session = Session(model.SerializeToString(), threads=os.cpu_count() or 1)

        def draw(labels: np.ndarray, start: int) -> np.ndarray:
            return addressed_samples(session, labels, MEASURED_SEED, start)

        task = progress.add_task("measuring", total=1.0)
        card = quality.measure(
            draw,
            dataset,
            splits,
            seed=order.seed,
            device=processes.fabric.device,
            judge=judge,
            progress=lambda stage, share: progress.update(task, detail=stage, completed=share),
        )
        progress.update(task, detail="", completed=1.0)
    findings = worst_first([*loop.findings, *findings])
    events.add(loop.trainer.steps, Occasion.FINISHED, f"Trained for {loop.trainer.steps:,} steps.", findings)
    quality.decide(card, findings)

    message = pb.Generator(
        name=order.name,
        labels=dataset.class_names,
        sample=dataset.kind.spec,
        latent_size=order.config.latent_size,
        scored=order.score,
        provenance=_provenance(run, loop, dataset, splits),
        quality=card,
    )
    message = export.with_golden(message, model)
    kept = run.write_model(export.build(message, model, release.next_version(Path(order.out), order.name)))
    run.write_json("card.json", json_format.MessageToDict(card, preserving_proto_field_name=True))
    console.print(quality.render(card))
    charts, happened = curves.read(run.folder), report.read_events(run.folder)
    run.write_report(report.render(message, draw, dataset, splits, charts=charts, happened=happened))
    say(console, f"report: {run.folder / 'report.html'}")
    return release.release(Path(order.out), message, model, kept, force=force, replace=replace)


def _read(run: Run, state: dict[str, Any] | None) -> Dataset:
    """The run's data; raises RunError if a run that goes on does not find it, or finds another."""
    order = run.order
    elsewhere = f"say where it lies now: python -m training fit DATA --resume {places.quoted(run.folder)}"
    if state is not None and order.data != "digits" and not Path(order.data).exists():
        raise RunError(
            f"{order.data}, the data of {run.folder}, is not there any more{hint(Path(order.data))}; {elsewhere}"
        )
    dataset = load(order.data, **order.reading)
    if state is not None and state["data_digest"] != dataset.digest:
        raise RunError(f"{order.data} has changed since {run.folder} was started; start a new run, or {elsewhere}")
    return dataset


def _chosen(order: Order, dataset: Dataset, splits: Splits) -> Order:
    """The order with the preset and the configuration that `auto` stands for."""
    facts = choose.Facts(dataset.counts(splits.train), dataset.kind, torch.cuda.is_available())
    choice = choose.choose(facts)
    decided = {"preset": choice.preset, "config": choice.config(dict(order.settings)), "reasons": choice.reasons}
    return order.model_copy(update=decided)


def _choose_threads(
    processes: Processes, state: dict[str, Any] | None, dataset: Dataset, splits: Splits, order: Order
) -> None:
    """Of PyTorch on a CPU: the checkpoint's count, since another one changes the last bits; else what is fastest.

    With several processes, torchrun has divided the cores.
    """
    if processes.fabric.device.type != "cpu" or processes.count > 1:
        return
    if state is not None:
        torch.set_num_threads(state["threads"])
        return
    some = splits.train[:: max(1, len(splits.train) // THREAD_SAMPLES)]
    labels = np.unique(dataset.labels[some], return_inverse=True)[1]
    classes = int(labels.max()) + 1
    scratch = Trainer(processes.fabric, order.config, dataset.kind, dataset.samples[some], labels, classes, order.seed)
    threads.choose(lambda: scratch.step(0.0))


def _judge(
    progress: Progress, dataset: Dataset, splits: Splits, seed: int, device: torch.device
) -> classifier.Classifier:
    """The classifier of real samples that watches the run and measures its result."""
    task = progress.add_task("learning to judge", total=1.0)
    return classifier.fit(
        dataset.kind,
        dataset.part(splits.train),
        dataset.labels[splits.train],
        dataset.classes,
        seed=seed,
        device=device,
        progress=lambda share: progress.update(task, completed=share),
    )


def _provenance(run: Run, loop: Loop, dataset: Dataset, splits: Splits) -> pb.Provenance:
    return pb.Provenance(
        preset=run.order.preset,
        configuration_json=loop.config.model_dump_json(),
        data_name=data_name(dataset.name),
        data_digest=dataset.digest,
        splits=splits.counts(dataset),
        seed=run.order.seed,
        steps=loop.trainer.steps,
        samples_seen=loop.trainer.samples_seen,
        training_seconds=loop.seconds,
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
