"""Short trials of several presets on one data set: which of them teaches a classifier most about held-out samples."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.config.auto import Candidate
from training.config.config import Config
from training.data import Dataset
from training.data.splits import Splits
from training.gan.trainer import Trainer
from training.judge import fitting
from training.places import write_whole
from training.run.folder import TRIALS, Order, Run
from training.run.processes import Processes
from training.run.snapshot import draw_samples

SHARE = 0.25  # of the budget, for all trials together
MOST_SAMPLES = 20_000  # that a classifier learns from
_SEED = 2**40 + 1  # of the samples


@dataclass(frozen=True)
class CandidateScore:
    """What came of a candidate.

    score:   macro-averaged F1 on the validation split of a classifier that learned from its samples alone, [0, 1];
             below 0: it diverged.
    steps, seconds: that it trained.
    """

    preset: str
    score: float
    steps: int
    seconds: float


def run_all(
    run: Run,
    candidates: Sequence[Candidate],
    processes: Processes,
    dataset: Dataset,
    splits: Splits,
    clock: Callable[[], float],
    progress: Callable[[str, float], None],
) -> list[CandidateScore]:
    """Try every candidate for its part of the budget; those that are in the run's journal are not tried again.

    With a budget in steps alone the outcome follows from the order's seed and the data.

    clock:    seconds. progress: called with the preset on trial and the share of all trials that is over.
    """
    journal = run.folder / TRIALS
    done: list[CandidateScore] = processes.agree_on(_read(journal) if processes.first else [])
    part = SHARE / len(candidates)
    for number, candidate in enumerate(candidates):
        if any(trial.preset == candidate.preset for trial in done):
            continue

        def tell(share: float, name: str = candidate.preset, number: int = number) -> None:
            progress(name, (number + share) / len(candidates))

        trainer, seconds = _train(run.order, candidate.config, part, processes, dataset, splits, clock, tell)
        found = processes.agree_on(score(trainer, run.order, dataset, splits) if processes.first else 0.0)
        done.append(CandidateScore(candidate.preset, found, trainer.steps, seconds))
        if processes.first:
            text = json.dumps([asdict(trial) for trial in done], indent=2) + "\n"
            write_whole(journal, lambda path, text=text: path.write_text(text))  # type: ignore[misc]
    names = [candidate.preset for candidate in candidates]
    return sorted(done, key=lambda trial: names.index(trial.preset))


def _read(journal: Path) -> list[CandidateScore]:
    if not journal.exists():
        return []
    return [CandidateScore(**entry) for entry in json.loads(journal.read_text())]


def _train(
    order: Order,
    config: Config,
    part: float,
    processes: Processes,
    dataset: Dataset,
    splits: Splits,
    clock: Callable[[], float],
    progress: Callable[[float], None],
) -> tuple[Trainer, float]:
    """A trainer after its part of the order's budget, all processes alike, and the seconds that it took."""
    steps = None if order.steps is None else max(1, round(order.steps * part))
    seconds = None if order.budget_seconds is None else order.budget_seconds * part
    short = order.model_copy(update={"steps": steps, "budget_seconds": seconds})
    samples, labels = dataset.part(splits.train), dataset.labels[splits.train]
    trainer = Trainer(processes.fabric, config, dataset.kind, samples, labels, dataset.classes, order.seed)
    began, share, taken = clock(), 0.0, 0.0
    while share < 1:
        trainer.step(share)
        taken = clock() - began
        (share, taken), _ = processes.agree([short.progress(trainer.steps, taken), taken])
        progress(share)
    return trainer, taken


def score(trainer: Trainer, order: Order, dataset: Dataset, splits: Splits) -> float:
    """Of a trainer as it is; see Trial.score."""
    kind, device = dataset.kind, trainer.fabric.device
    labels = np.random.default_rng(order.seed).permutation(dataset.labels[splits.train])[:MOST_SAMPLES]
    generator = trainer.settle()
    if not all(bool(value.isfinite().all()) for value in generator.state_dict().values() if value.is_floating_point()):
        return -1.0
    made = draw_samples(generator, kind, labels, trainer.config.latent_size, _SEED, device)
    pupil: Any = kind.pupil(dataset.classes, order.seed)
    if pupil is None:
        pupil = fitting.fit(kind, made, labels, dataset.classes, seed=order.seed, device=device)
    else:
        pupil.fit(made, labels)
    guessed = pupil.predict_proba(dataset.part(splits.validation)[:]).argmax(1)
    from sklearn.metrics import f1_score  # half a second to import, and every run imports this module

    return float(f1_score(dataset.labels[splits.validation], guessed, average="macro"))


def left(trials: Sequence[CandidateScore], order: Order) -> Order:
    """The order with what the trials have left of its budget."""
    steps = None if order.steps is None else max(1, order.steps - sum(trial.steps for trial in trials))
    seconds = order.budget_seconds
    if seconds is not None:
        seconds = max(seconds * (1 - SHARE), seconds - sum(trial.seconds for trial in trials))
    return order.model_copy(update={"steps": steps, "budget_seconds": seconds})


def in_words(order: Order, trials: Sequence[CandidateScore]) -> str:
    """How long each trial was, and what all of them took of the budget."""
    steps, seconds = sum(trial.steps for trial in trials), sum(trial.seconds for trial in trials)
    if order.steps is not None:
        each, taken = f"{max(trial.steps for trial in trials):,} steps", f"{steps:,} of {order.steps:,} steps"
    else:
        assert order.budget_seconds is not None, "an order has one of the two"
        each, taken = f"{seconds / len(trials):.0f} s", f"{seconds:.0f} of {order.budget_seconds:.0f} s"
    return f"{each} ({taken} went into trials)"
