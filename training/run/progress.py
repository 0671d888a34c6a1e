"""How far long commands are: a bar in a terminal; elsewhere a line from time to time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from training.terminal import say

EVERY = 30.0  # seconds between two lines
_MILESTONES = 4  # of a stage that is quicker
_KNOWN_AFTER = 5.0  # seconds; what went before says little about what is left


@dataclass(slots=True)
class _Told:
    """began: when the task did, and with which share; at: of the last line, with its milestone."""

    began: float
    share: float
    at: float
    milestone: int
    done: bool = False


class Stages(Progress):
    """Rich's progress with words about each stage, and lines where no terminal shows a bar.

    Fields of a task: detail, words beside the bar; line, those of a line, by default the same.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        columns = (
            TextColumn("{task.description:<17.17}", table_column=Column(no_wrap=True), markup=False),
            BarColumn(bar_width=12, table_column=Column(min_width=12)),
            TextColumn("{task.percentage:3.0f}%", table_column=Column(no_wrap=True), markup=False),
            TimeRemainingColumn(
                compact=True, elapsed_when_finished=True, table_column=Column(no_wrap=True, min_width=5)
            ),
            TextColumn("{task.fields[detail]}", table_column=Column(no_wrap=True, ratio=1), markup=False),
        )
        self._clock, self._told = clock, dict[TaskID, _Told]()
        super().__init__(*columns, console=console, refresh_per_second=4, disable=not console.is_terminal)

    def add_task(self, description: str, *args: Any, **fields: Any) -> TaskID:
        task = super().add_task(description, *args, **{"detail": "", "line": "", **fields})
        if self.disable:
            share = self.tasks[-1].completed / (self.tasks[-1].total or 1.0)
            now = self._clock()
            self._told[task] = _Told(now, share, now, int(share * _MILESTONES))
            say(self.console, f"{share:4.0%} {description}")
        return task

    def update(self, task_id: TaskID, **fields: Any) -> None:
        super().update(task_id, **fields)
        if self.disable:
            self._tell(task_id)

    def _tell(self, task_id: TaskID) -> None:
        task = next(each for each in self.tasks if each.id == task_id)
        told, now = self._told[task_id], self._clock()
        share = task.completed / (task.total or 1.0)
        milestone = int(share * _MILESTONES)
        if told.done or (share < 1 and now - told.at < EVERY and milestone <= told.milestone):
            return
        told.at, told.milestone, told.done = now, milestone, share >= 1
        words = str(task.fields["line"] or task.fields["detail"]).strip()
        gone = now - told.began
        if told.done:
            when = f"took {_length(gone)}"
        elif share > told.share and gone >= _KNOWN_AFTER:
            when = f"{_length(gone / (share - told.share) * (1 - share))} left"
        else:
            when = ""
        say(self.console, ", ".join(part for part in (f"{share:4.0%} {task.description}", words, when) if part))


def _length(seconds: float) -> str:
    """A length of time, e.g. 45 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@contextmanager
def bar(console: Console) -> Iterator[Stages]:
    with Stages(console) as progress:
        yield progress
