"""The whole of a run: read, train, export, measure, publish."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import onnx
import torch
from google.protobuf import json_format
from lightning_fabric.loggers import TensorBoardLogger
from rich.console import Console
from rich.progress import Progress

from augmint.v1 import generator_pb2 as pb
from service.runtime.session import Session
from training import places, quality
from training.config import auto, presets
from training.data import Dataset
from training.data.nearby import hint
from training.data.splits import Splits, split
from training.export import file, graph, parity
from training.export.sampling import to_be_carried, to_be_measured
from training.judge import classifier, fitting
from training.kinds import load
from training.networks import Carrier
from training.publishing import release
from training.quality.findings.data import contradictions, survey
from training.quality.findings.finding import worst_first
from training.quality.measures.carrying import Carry
from training.report import curves, page
from training.run import trials
from training.run.events import Events, Occasion
from training.run.folder import Order, Run, RunError
from training.run.introduce import introduce
from training.run.loop import Interrupted, Loop
from training.run.naming import data_name
from training.run.processes import Processes
from training.run.progress import bar
from training.run.provenance import provenance
from training.run.threads import choose_threads
from training.terminal import say
from training.transform import learning

__all__ = ["Interrupted", "fit"]


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

    Raises DataError, Diverged, ExportError, RunError, Interrupted, NotPublished.
    """
    processes = processes or Processes()
    state = run.load() if resume and run.has_checkpoint else None
    say(console, f"reading {run.order.data}")
    dataset = _read(run, state)
    following = ""
    splits = split(dataset, seed=run.order.seed)
    dataset = dataset.fitted(splits.train)
    if processes.first:
        following = release.succession(Path(run.order.out), run.order.name, dataset, replace=replace)
    order = _decide(run, console, dataset, splits, processes)
    torch.set_flush_denormal(True)  # sums of vanishing numbers are a hundred times slower, and worth nothing
    choose_threads(processes, state, dataset, splits, order)

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
            del state
            if processes.first:
                run.decide(order)  # the data may lie elsewhere now, the repository too
        elif processes.first:
            events.add(0, Occasion.STARTED, _started(order, dataset, processes), findings)
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
        carrier = learning.carrier(run, loop, dataset, splits, judge, progress) if order.transform else None
        model = _export(progress, loop, dataset, order, judge, carrier)
        session = Session(model.SerializeToString(), threads=os.cpu_count() or 1)
        draw, carry = to_be_measured(session), to_be_carried(session)
        card = _measure(progress, draw, carry, dataset, splits, judge, order.seed, processes.fabric.device)

    findings = worst_first([*loop.findings, *findings])
    events.add(loop.trainer.steps, Occasion.FINISHED, f"Trained for {loop.trainer.steps:,} steps.", findings)
    quality.decide(card, findings)
    message = file.with_golden(_message(run, loop, dataset, splits, card), model)
    kept = run.write_model(file.build(message, model, release.next_version(Path(order.out), order.name)))
    run.write_json("card.json", json_format.MessageToDict(card, preserving_proto_field_name=True))
    console.print(quality.render(card))
    charts, happened = curves.read(run.folder), page.read_events(run.folder)
    run.write_report(page.render(message, draw, dataset, splits, charts=charts, happened=happened, carry=carry))
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
    dataset = load(order.data, order.reading)
    if state is not None and state["data_digest"] != dataset.digest:
        raise RunError(f"{order.data} has changed since {run.folder} was started; start a new run, or {elsewhere}")
    return dataset


def _decide(run: Run, console: Console, dataset: Dataset, splits: Splits, processes: Processes) -> Order:
    """The order, with a preset that fits the data; raises RunError and PresetError where none can."""
    order = run.order
    if order.score and dataset.classes == 1:
        raise RunError(f"--score with the one class of {order.data}: a score is confidence in one class among others")
    if order.transform and dataset.classes == 1:
        raise RunError(f"--transform with the one class of {order.data}: there is no other to carry samples into")
    if order.preset == auto.AUTO:
        with bar(console) as progress:
            order = _chosen(run, dataset, splits, processes, progress)
        if processes.first:
            run.decide(order)
        run.order = order
    for reason in order.reasons:
        say(console, f"auto: {reason}")
    presets.prove(order.config, dataset.kind, order.transform)
    return order


def _chosen(run: Run, dataset: Dataset, splits: Splits, processes: Processes, progress: Progress) -> Order:
    """The order with the preset and the configuration that `auto` stands for."""
    order = run.order
    facts = auto.Facts(dataset.counts(splits.train), dataset.kind, torch.cuda.is_available(), order.transform)
    settings = dict(order.settings)
    if dataset.kind.trials and dataset.classes > 1:
        candidates, left_out = auto.candidates(facts, settings)
        task = progress.add_task("trying", total=1.0)

        def show(preset: str, share: float) -> None:
            progress.update(task, detail=preset, completed=share)

        tried = trials.run_all(run, candidates, processes, dataset, splits, time.monotonic, show)
        progress.update(task, detail="", completed=1.0)
        choice = auto.decided([(each.preset, each.score) for each in tried], trials.in_words(order, tried), left_out)
        order = trials.left(tried, order)
    else:
        choice = auto.choose(facts)
    decided = {"preset": choice.preset, "config": choice.config(settings), "reasons": choice.reasons}
    return order.model_copy(update=decided)


def _judge(
    progress: Progress, dataset: Dataset, splits: Splits, seed: int, device: torch.device
) -> classifier.Classifier:
    """The classifier of real samples that watches the run and measures its result."""
    task = progress.add_task("learning to judge", total=1.0)
    return fitting.fit(
        dataset.kind,
        dataset.part(splits.train),
        dataset.labels[splits.train],
        dataset.classes,
        seed=seed,
        device=device,
        progress=lambda share: progress.update(task, completed=share),
    )


def _started(order: Order, dataset: Dataset, processes: Processes) -> str:
    together = f", {processes.count} processes" if processes.count > 1 else ""
    return f"Started: {data_name(dataset.name)} with {order.preset}{together}."


def _export(
    progress: Progress,
    loop: Loop,
    dataset: Dataset,
    order: Order,
    judge: classifier.Classifier,
    carrier: Carrier | None,
) -> onnx.ModelProto:
    """The generator as a graph that gives what PyTorch gives. Raises ExportError."""
    task = progress.add_task("exporting", total=1.0)
    generator, latent_size = loop.trainer.settle(), order.config.latent_size
    scorer = judge if order.score else None
    model = graph.to_onnx(generator, dataset.kind, latent_size, dataset.classes, scorer)
    parity.prove_parity(generator, model, dataset.kind, latent_size, dataset.classes, scorer)
    if carrier is not None:
        drawing = model.ByteSize() / 2**20
        model = graph.with_carrier(model, carrier, dataset.kind, dataset.classes, judge)
        parity.prove_transform(carrier, model, dataset.kind, dataset.classes, judge)
        whole = model.ByteSize() / 2**20
        say(progress.console, f"  the file has {whole:.1f} MiB, {whole - drawing:.1f} of them to transform samples")
    progress.update(task, completed=1.0)
    return model


def _measure(
    progress: Progress,
    draw: quality.Draw,
    carry: Carry | None,
    dataset: Dataset,
    splits: Splits,
    judge: classifier.Classifier,
    seed: int,
    device: torch.device,
) -> pb.QualityCard:
    task = progress.add_task("measuring", total=1.0)
    card = quality.measure(
        draw,
        dataset,
        splits,
        seed=seed,
        device=device,
        judge=judge,
        progress=lambda stage, share: progress.update(task, detail=stage, completed=share),
        carry=carry,
    )
    progress.update(task, detail="", completed=1.0)
    return card


def _message(run: Run, loop: Loop, dataset: Dataset, splits: Splits, card: pb.QualityCard) -> pb.Generator:
    """What the published file says of itself."""
    return pb.Generator(
        name=run.order.name,
        labels=dataset.class_names,
        sample=dataset.kind.spec,
        latent_size=run.order.config.latent_size,
        scored=run.order.score,
        transforms=run.order.transform,
        provenance=provenance(run, loop, dataset, splits),
        quality=card,
    )
