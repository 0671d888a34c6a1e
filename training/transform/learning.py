"""Learning to transform, as a stage of a run: until its budget is used up, with a checkpoint of its own."""

from __future__ import annotations

import hashlib
import math
import time

from rich.progress import Progress
from torch import nn

from training.data import Dataset
from training.data.splits import Splits
from training.gan.losses import Diverged
from training.judge.classifier import Classifier
from training.networks import Carrier
from training.run.folder import Run
from training.run.loop import CHECKPOINT_SECONDS, REPORT_SECONDS, Interrupted, Loop
from training.run.signals import stop_requests
from training.transform.teacher import Losses, Teacher

CHECKPOINT = "transform.pt"


def carrier(
    run: Run,
    loop: Loop,
    dataset: Dataset,
    splits: Splits,
    judge: Classifier,
    progress: Progress,
) -> Carrier:
    """What carries samples by the generator that a run has trained. See `learn` for what is raised."""
    trainer = loop.trainer
    device = trainer.fabric.device
    teacher = Teacher(
        trainer.settle(),
        loop.config,
        dataset.kind,
        dataset.part(splits.train),
        dataset.labels[splits.train],
        dataset.classes,
        run.order.seed,
        judge.network(),
        trainer.opinion if loop.config.competes else None,
        device,
    )
    return learn(run, teacher, progress)


def learn(run: Run, teacher: Teacher, progress: Progress) -> Carrier:
    """Teach until the order's budget is used up; go on where the run's folder says that it was stopped.

    A run counted in steps that was stopped and resumed ends with the weights of one that was not.

    Raises training.run.loop.Interrupted, with a checkpoint written, and training.gan.trainer.Diverged.
    """
    order, seconds = run.order, 0.0
    generator = digest(teacher.carrier.generator)
    if (run.folder / CHECKPOINT).is_file():
        state = run.load(CHECKPOINT)
        if state["generator"] == generator:  # else of another one, which this folder's training has left behind
            teacher.load_state_dict(state["teacher"])
            seconds = state["seconds"]
    before, began = seconds, time.monotonic()
    share = order.transform_progress(teacher.steps, seconds)
    task = progress.add_task("learning to transform", total=1.0, completed=share)  # type: ignore[arg-type]
    saved, reported, words = began, 0.0, ""

    def save() -> None:
        run.save({"teacher": teacher.state_dict(), "seconds": seconds, "generator": generator}, CHECKPOINT)

    with stop_requests(impatient=True) as stop:
        while share < 1:
            losses = teacher.step(share)
            now = time.monotonic()
            seconds = before + now - began
            share = order.transform_progress(teacher.steps, seconds)
            if now - reported >= REPORT_SECONDS or share >= 1:
                reported, words = now, _words(teacher.steps, losses)
                progress.update(task, completed=share, detail=words, line=words)
            if now - saved >= CHECKPOINT_SECONDS or stop or share >= 1:
                saved = now
                save()
            if stop:
                raise Interrupted
    progress.update(task, completed=1.0, detail=words, line=words)
    return teacher.settle()


def _words(steps: int, losses: Losses) -> str:
    values = {name: float(getattr(losses, name)) for name in ("form", "carried", "kept")}
    if not all(map(math.isfinite, values.values())):
        raise Diverged(f"what it learns to transform by is not finite any more after {steps} steps")
    return (
        f"step {steps:,}, missed {values['form']:.2f} class {values['carried']:.2f} kept {1 - values['kept'] / 2:.2f}"
    )


def digest(network: nn.Module) -> str:
    """SHA-256 of the weights, by name."""
    found = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        found.update(name.encode())
        found.update(value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
