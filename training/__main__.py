"""Command line of the training application: `python -m training fit DATA --preset NAME --budget 4m --out models/`."""

from __future__ import annotations

import typer

from training.commands.columns import columns
from training.commands.fit import fit
from training.commands.outcome import STATUSES
from training.commands.presets import presets
from training.commands.remeasure import evaluate, publish, report
from training.commands.study import study
from training.terminal import prepare_streams

app = typer.Typer(
    help="Train a class-conditional generator, measure it, and publish it as one ONNX file.",
    epilog=STATUSES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    callback=lambda: prepare_streams(),
)
app.command(epilog=STATUSES)(fit)
app.command()(presets)
for command in (columns, evaluate, study, report, publish):
    app.command(epilog=STATUSES)(command)

if __name__ == "__main__":
    app()
