"""`presets`: the table of them, or one as a file to start from."""

from __future__ import annotations

from typing import Annotated

import typer

from training.commands.outcome import console, fail
from training.config.presets import AUTO, PRESETS, PresetError, resolve, to_toml
from training.terminal import cell, table


def presets(
    name: Annotated[str | None, typer.Argument(help="Show this one only.")] = None,
    toml: Annotated[bool, typer.Option("--toml", help="Print a configuration file of it, to start from.")] = False,
) -> None:
    """List the presets, what each sets, and where it comes from."""
    try:
        if toml:
            typer.echo(to_toml(name or AUTO), nl=False)
            return
        if name is not None:
            resolve(name)
    except PresetError as error:
        raise fail(str(error)) from None
    rows = table()
    for heading in ("preset", "source", "settings other than the defaults"):
        rows.add_column(heading, overflow="fold")
    for each, preset in PRESETS.items():
        if name in (None, AUTO, each):
            settings = ", ".join(f"{key}={value}" for key, value in preset.changes.items())
            rows.add_row(cell(each), cell(preset.source), cell(settings or "-"))
            rows.add_section()
    console.print(rows)
