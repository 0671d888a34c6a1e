"""`presets`: the table of them, or one as a file to start from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from training.commands.outcome import console, fail
from training.config.presets import AUTO, PRESETS, resolve, to_toml
from training.errors import TrainingError
from training.terminal import cell, table


def presets(
    name: Annotated[str | None, typer.Argument(help="Show this one only.")] = None,
    toml: Annotated[bool, typer.Option("--toml", help="Print a configuration file of it, to start from.")] = False,
    kind: Annotated[
        str | None, typer.Option(help="Those for a kind of data, such as table, in the order in which auto takes them.")
    ] = None,
) -> None:
    """List the presets, what each sets, and where it comes from."""
    shown: Sequence[str] = [name] if name not in (None, AUTO) else list(PRESETS)  # type: ignore[list-item]
    try:
        if kind is not None:
            from training import kinds  # here: PyTorch takes seconds

            shown = [each for each in kinds.recommended(kind) if each in shown]
        if toml:
            typer.echo(to_toml(name or AUTO), nl=False)
            return
        if name is not None:
            resolve(name)
    except TrainingError as error:
        raise fail(str(error)) from None
    rows = table()
    for heading in ("preset", "source", "settings other than the defaults"):
        rows.add_column(heading, overflow="fold")
    for each in shown:
        settings = ", ".join(f"{key}={value}" for key, value in PRESETS[each].changes.items())
        rows.add_row(cell(each), cell(PRESETS[each].source), cell(settings or "-"))
        rows.add_section()
    console.print(rows)
