"""`columns`: what each column of a table is taken for, in a file to change and to give to `fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.commands.options import reads_source
from training.commands.outcome import console, in_one_sentence
from training.places import RunError, prove_file, quoted, write_whole
from training.source import AS_FOUND, SourceOptions
from training.terminal import say


@reads_source
def columns(
    data: Annotated[str, typer.Argument(help="A table, as for fit.")],
    source: SourceOptions = AS_FOUND,
    out: Annotated[Path, typer.Option(help="File to write, for fit --columns.")] = Path("columns.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file, if it is there.")] = False,
) -> None:
    """Say what each column of a table is taken for, and write it down to be changed and given to fit by --columns."""
    with in_one_sentence():
        from training.kinds import described
        from training.run.introduce import explained

        prove_file(out, "--out")
        if out.exists() and not force:
            raise RunError(f"{out} is there already; --out names another file, --force replaces it")
        found, text = described(data, source)
        console.print(explained(found))
        write_whole(out, lambda path: path.write_text(text, encoding="utf-8"))
        then = f"python -m training fit {quoted(data)} --columns {quoted(out)}"
        say(console, f"wrote {out}; change what is wrong, then: {then}")
