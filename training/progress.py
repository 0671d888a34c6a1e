"""The progress bar of long commands: what is done, how far, how long still, and a few words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column


@contextmanager
def bar(console: Console) -> Iterator[Progress]:
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


def lines(console: Console, every: float = 60.0) -> Callable[[str, float], None]:
    """What tells of progress where no terminal shows a bar: (words, share done), a line every so many seconds."""
    told = -every

    def tell(words: str, share: float) -> None:
        nonlocal told
        if not console.is_terminal and (now := time.monotonic()) - told >= every:
            told = now
            console.print(f"{share:4.0%} {words}", soft_wrap=True, highlight=False, markup=False)

    return tell
