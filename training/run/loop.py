"""The training of a run: steps, looks, checkpoints, and a way back when the watchdog says that it is lost."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from lightning_fabric.loggers import TensorBoardLogger
from rich.progress import Progress, TaskID

from training.config.config import Config
from training.data import Dataset
from training.data.splits import Splits
from training.gan.losses import Diverged, Losses
from training.gan.trainer import Trainer
from training.judge.classifier import Classifier
from training.quality.findings.finding import Finding, FindingKind, Severity
from training.quality.findings.training import Means, divergence, not_finite
from training.run import recovery, snapshot
from training.run.events import Events, Occasion
from training.run.folder import Run, RunError
from training.run.processes import Processes
from training.run.signals import stop_requests
from training.run.snapshot_times import Times
from training.run.watchdog import WINDOW, Watchdog
from training.terminal import say

CHECKPOINT_SECONDS = 60.0
REPORT_SECONDS = 0.5


class Interrupted(Exception):
    """The run was asked to stop; its checkpoint is written."""


class Loop:
    """Trains until the budget is used up; then `trainer`, `config`, `seconds` and `findings` are the result.

    Whatever decides how a run goes on is a function of the order, the data and the step, or is in the checkpoint: a
    run counted in steps that was killed and resumed ends with the weights of one that was not.
    """

    def __init__(
        self,
        run: Run,
        processes: Processes,
        dataset: Dataset,
        splits: Splits,
        judge: Classifier | None,
        progress: Progress,
        logger: TensorBoardLogger | None = None,
    ) -> None:
        """judge: a classifier of the training split; it and the logger are needed in the first process only."""
        self._run, self._processes, self._dataset, self._splits = run, processes, dataset, splits
        self._judge, self._progress, self._logger = judge, progress, logger
        self._events = Events(run.folder)
        self._attempt = 0
        self._over = False  # all attempts are used up
        self._good: dict[str, Any] | None = None  # the trainer's state at the last healthy look
        self._history: list[Finding] = []  # what the run was brought back from
        self._window = torch.zeros(len(dataclasses.fields(Losses)), device=processes.fabric.device)
        self._in_window = 0
        recall = np.zeros(dataset.classes) if judge is None else snapshot.recall(judge, dataset, splits)
        config = run.order.config
        self._watchdog = Watchdog(dataset.class_names, recall, config.objective == "wasserstein", config.competes)
        self.seconds = 0.0
        self.config = config
        self.trainer = self._new_trainer()

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the result, and what was wrong on the way; worst first."""
        return [*self._watchdog.conclude(), *self._history]

    @property
    def checkpoint_size(self) -> int:
        """Bytes that a checkpoint takes: the state of training, and the last one that was healthy."""
        return 2 * _bytes(self.trainer.state_dict())

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state. Raises RunError if the data is not what it was."""
        if state["data_digest"] != self._dataset.digest:
            raise RunError(f"{self._run.order.data} has changed since {self._run.folder} was started; start a new run")
        self._attempt, self._over, self._good = state["attempt"], state["over"], state["good"]
        self._history = [Finding.from_json(finding) for finding in state["history"]]
        self.seconds = state["seconds"]
        if self._attempt:
            self.config, _ = self._climbed()
            self.trainer = self._new_trainer()
        self.trainer.load_state_dict(copy.deepcopy(state["trainer"]))
        self._window.copy_(state["window"])
        self._in_window = state["in_window"]
        self._watchdog.load_state_dict(state["watchdog"])
        self._tell(Occasion.RESUMED, f"Resumed at step {self.trainer.steps}.")

    def train(self) -> None:
        """Raises Diverged, Interrupted, training.run.folder.processes.ProcessLost."""
        order = self._run.order
        before, began, steps_before = self.seconds, time.monotonic(), self.trainer.steps
        share = order.progress(self.trainer.steps, self.seconds)
        task = self._progress.add_task(f"training {order.preset}", total=1.0, completed=share)  # type: ignore[arg-type]
        times, saved, reported = Times(order, share, began), began, 0.0
        seen = ""

        with stop_requests(impatient=self._processes.count == 1) as stop:
            while share < 1:
                # Step
                losses = self.trainer.step(share)
                self._window += torch.stack(dataclasses.astuple(losses))
                self._in_window += 1

                # What is due, for all processes alike
                now = time.monotonic()
                share = order.progress(self.trainer.steps, before + now - began)
                due = times.due(self.trainer.steps, share, now), now - saved >= CHECKPOINT_SECONDS
                (share, self.seconds, looking, saving), stopping = self._processes.agree(
                    [share, before + now - began, *due], bool(stop)
                )

                # Watch
                lost = self._read(record=True) if self._in_window == WINDOW else None
                if lost is None and (looking or saving or stopping):
                    lost = self._read(record=False)  # neither sheet nor checkpoint of a run that has diverged
                if looking and lost is None:
                    seen, lost = self._look(share)
                    times.looked(share, now, time.monotonic())
                if lost is not None:
                    share = self._go_back(lost, share)

                # Report and save
                if self._processes.first and now - reported >= REPORT_SECONDS:
                    reported = now
                    rate = (self.trainer.steps - steps_before) * self._batch / (now - began)
                    self._report(task, share, losses, rate, seen)
                if saving or stopping or share >= 1:
                    saved = now
                    self._save()
                if stopping:
                    self._tell(Occasion.INTERRUPTED, f"Stopped at step {self.trainer.steps}, as asked.")
                    raise Interrupted
        self._progress.update(task, completed=1.0, line=f"step {self.trainer.steps:,}{seen}")

    def _new_trainer(self) -> Trainer:
        order, train = self._run.order, self._splits.train
        # Other weights and draws in every attempt: the same ones may be lost again.
        seed = order.seed ^ (self._attempt << 60)
        samples, labels = self._dataset.part(train), self._dataset.labels[train]
        return Trainer(
            self._processes.fabric, self.config, self._dataset.kind, samples, labels, self._dataset.classes, seed
        )

    @property
    def _batch(self) -> int:
        return self.config.batch_size * self._processes.count

    def _read(self, record: bool) -> Finding | None:
        """The means of the losses since the last window; a finding if they have no bound."""
        means = Means(*self._processes.mean(self._window / self._in_window).tolist()) if self._in_window else None
        if record:
            self._window.zero_()
            self._in_window = 0
        if means is None:
            return None
        if record:
            self._watchdog.record(means)
        return divergence(self.trainer.steps, means)

    def _look(self, share: float) -> tuple[str, Finding | None]:
        """Look, and keep the state if it is healthy. Returns words for the bar, and a finding if the run is lost."""
        words, lost, healthy = "", None, False
        if self._processes.first:
            assert self._judge is not None
            before = {(finding.kind, finding.label) for finding in self._watchdog.findings}
            look = snapshot.take(self._run, self.trainer, self._judge, self._dataset, self._splits, share)
            lost = self._watchdog.look(look) if look is not None else not_finite(self.trainer.steps)
            healthy = lost is None and self._watchdog.healthy
            if look is not None:
                fidelity = f" fidelity {look.fidelity:.2f}" if self._dataset.classes > 1 else ""
                words = f"{fidelity} spread {min(look.spread_ratio):.2f}"
                self._log(
                    {
                        "samples/label_fidelity": look.fidelity,
                        "samples/label_fidelity_min": min(look.class_fidelity),
                        "samples/spread_ratio_min": min(look.spread_ratio),
                        "samples/kernel_distance": look.kernel_distance,
                        "discriminator/ahead_train": look.ahead_train,
                        "discriminator/ahead_held_out": look.ahead_held_out,
                    }
                )
            found = self._watchdog.findings
            new = [finding for finding in found if (finding.kind, finding.label) not in before]
            if new:
                more = f" (and {len(new) - 1} more)" if len(new) > 1 else ""
                self._tell(Occasion.FOUND, f"{new[0].text}{more}", new)
            elif before and not found:
                self._tell(Occasion.CLEARED, f"Nothing is wrong any more at step {self.trainer.steps}.")
            if found:
                words += f" {found[0].kind}"
        box = self._processes.agree_on((words, lost and lost.to_json(), healthy))
        words, found_lost, healthy = box
        if healthy:
            self._good = _copied(self.trainer.state_dict())
        return words, Finding.from_json(found_lost) if found_lost else None

    def _go_back(self, lost: Finding, share: float) -> float:
        """Leave a lost state: for the last good one, or for fresh weights, with other settings as long as there are.

        Returns the share of the run that is over then. Raises Diverged if there is nothing to go back to.
        """
        order, good = self._run.order, self._good
        at = self.trainer.steps
        left = order.progress(good["steps"] if good else 0, self.seconds) < 1
        if self._attempt < order.retries and left:
            self._attempt += 1
            self.config, change = self._climbed()
            words = (
                f"{lost.text} Went back from step {at} to "
                f"{'step ' + str(good['steps']) if good else 'fresh weights'} with {change} "
                f"(attempt {self._attempt} of {order.retries})."
            )
            occasion = Occasion.RESTORED
        elif lost.kind == FindingKind.DIVERGENCE and good is None:
            text = f"{lost.text} {self._exhausted()} {lost.advice}"
            self._tell(Occasion.GAVE_UP, text, [lost])
            raise Diverged(text)
        elif good is None or (order.retries == 0 and lost.kind != FindingKind.DIVERGENCE):
            if not self._over:
                self._over = True
                self._tell(Occasion.GAVE_UP, f"{lost.text} {self._exhausted()} Training goes on.", [lost])
            return share
        else:
            self._over = True
            words = f"{lost.text} {self._exhausted()} The state of step {good['steps']} is the result."
            occasion = Occasion.GAVE_UP
        note = dataclasses.replace(lost, severity=Severity.NOTE, text=words)
        self._history.append(note)
        self._tell(occasion, words, [lost])
        del self.trainer  # before the next one takes its own memory
        self.trainer = self._new_trainer()
        if good is not None:
            self.trainer.load_state_dict(copy.deepcopy(good))
        self._window.zero_()
        self._in_window = 0
        self._watchdog.restart(fresh=good is None)
        if occasion == Occasion.GAVE_UP:
            self._look(1.0)  # what is published is what the findings are about
            return 1.0
        return order.progress(self.trainer.steps, self.seconds)

    def _climbed(self) -> tuple[Config, str]:
        config = self._run.order.config
        return recovery.climb(config, self._attempt, config.augmentation_for(len(self._splits.train)))

    def _exhausted(self) -> str:
        tried = self._attempt
        return f"After {tried} {'attempt' if tried == 1 else 'attempts'} with other settings, no more are made."

    def _save(self) -> None:
        if not self._processes.first:
            return
        self._run.save(
            {
                "trainer": self.trainer.state_dict(),
                "good": self._good,
                "attempt": self._attempt,
                "over": self._over,
                "history": [finding.to_json() for finding in self._history],
                "window": self._window,
                "in_window": self._in_window,
                "watchdog": self._watchdog.state_dict(),
                "seconds": self.seconds,
                "threads": torch.get_num_threads(),
                "data_digest": self._dataset.digest,
            }
        )

    def _report(self, task: TaskID, share: float, losses: Losses, rate: float, seen: str) -> None:
        alone = self.config.objective == "likelihood"
        both = "" if alone else f"D {losses.discriminator:.2f} "
        detail = f"{rate:,.0f}/s {both}G {losses.generator:.2f}{seen}"
        line = f"step {self.trainer.steps:,}, {detail.replace('/s', ' samples/s', 1)}"
        self._progress.update(task, completed=share, detail=detail, line=line)
        values = {"loss/generator": float(losses.generator), "gradient/generator": float(losses.generator_norm)}
        if not alone:
            values |= {f"loss/{name}": float(getattr(losses, name)) for name in ("discriminator", "penalty")}
            values["discriminator/real_ahead"] = float(losses.real_ahead)
            values["gradient/discriminator"] = float(losses.discriminator_norm)
        if self.trainer.held_out_loss is not None:
            values["loss/held_out"] = self.trainer.held_out_loss
        values["speed/samples_per_second"] = rate
        self._log(values)

    def _log(self, values: dict[str, float]) -> None:
        if self._logger is not None:
            self._logger.log_metrics(values, step=self.trainer.steps)

    def _tell(self, occasion: Occasion, text: str, findings: Sequence[Finding] = ()) -> None:
        if self._processes.first:
            self._events.add(self.trainer.steps, occasion, text, findings)
            say(self._progress.console, f"  {occasion}: {text}")


def _bytes(state: Any) -> int:
    if isinstance(state, torch.Tensor):
        return state.nbytes
    values = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else ()
    return sum(map(_bytes, values))


def _copied(state: Any) -> Any:
    """A state on the CPU that later steps do not change."""
    if isinstance(state, torch.Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {key: _copied(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(_copied(value) for value in state)
    return state
