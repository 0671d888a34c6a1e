"""`fit`: the order of a run from what was asked, the run, and what is said when it stops or fails."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training.commands.options import Force, Replace, order_of, reads_source, resumed, setting
from training.commands.outcome import attempt, console
from training.config.presets import AUTO, from_toml, resolve
from training.places import CannotWrite, RunError, prove_folder, quoted
from training.run.recovery import ATTEMPTS
from training.source import AS_FOUND, SourceOptions
from training.terminal import say

if TYPE_CHECKING:
    from training.run.folder import Order, Run
    from training.run.processes import Processes


@reads_source(shape=True)
def fit(
    ctx: typer.Context,
    data: Annotated[
        str | None,
        typer.Argument(
            help="Images: `digits`, an IDX file or folder, .npz, .npy, a folder of pictures, a table of them, Parquet. "
            "Sounds: a folder of WAV, FLAC, OGG or MP3, or a table of them. Music: the same of MIDI. Rows: .csv, .tsv, "
            ".jsonl, .json, .parquet, .feather, or a folder of them. Texts: a folder of .txt, or rows with --text."
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="A row of `python -m training presets`, or `auto`, the default, to choose by DATA."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file of settings; `python -m training presets NAME --toml` prints one.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="Time to train, e.g. 90s, 4m, 1h; measuring comes on top. By default 4m.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Repository to publish in.")] = Path("models"),
    name: Annotated[str | None, typer.Option(help="Name of the generator; by default made from DATA.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Replace a setting, also of --config: --set width=32.")
    ] = None,
    source: SourceOptions = AS_FOUND,
    seed: Annotated[int, typer.Option(help="Of splits, weights and draws.", min=0)] = 0,
    steps: Annotated[
        int | None, typer.Option(help="Steps to train; with --budget, until the first of both is reached.", min=1)
    ] = None,
    retries: Annotated[
        int,
        typer.Option(help=f"Attempts with other settings when training is lost, 0 to {ATTEMPTS}.", min=0, max=ATTEMPTS),
    ] = ATTEMPTS,
    score: Annotated[
        bool,
        typer.Option(
            "--score/--no-score",
            help="Export the classifier that judges samples too, so that clients may select the best k of m.",
        ),
    ] = False,
    transform: Annotated[
        bool,
        typer.Option(
            "--transform/--no-transform",
            help="Learn to carry real samples into other classes too; with --resume, beside a run that has finished.",
        ),
    ] = False,
    transform_share: Annotated[
        float, typer.Option(help="Time, or steps, of learning that, as a share of the training's.")
    ] = 0.5,
    runs: Annotated[Path, typer.Option(help="Where run folders go.")] = Path("runs"),
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with the run in this folder; with it, DATA says where its data lies now."),
    ] = None,
    force: Force = False,
    replace_: Replace = False,
) -> None:
    """Read DATA, train, export, measure on held-out samples, and publish as the next version.

    What the gate withholds, or what is worse than the version that it would replace, is kept in the run folder and not
    published (exit status 3), unless --force is given; `python -m training publish RUN --force` publishes it later.

    On several GPUs, or with several processes on a CPU, each of which adds a batch to every step:

    torchrun --standalone --nproc-per-node 2 -m training fit DATA

    With several machines, see torchrun's own --nnodes; all must see the same DATA and --runs folder.
    """
    run: Run | None = None
    processes: Processes | None = None
    try:
        with attempt(
            lambda: _stopped(run, processes),
            lambda error: _after(error, run, processes),
            lambda: processes is None or processes.speaks(),
        ) as outcome:
            # Imported here: PyTorch takes seconds, and a misspelt option should not wait for it.
            from training.fit import Interrupted
            from training.fit import fit as fit_run
            from training.run.folder import Run
            from training.run.processes import Processes as Started

            processes = Started()
            if resume is not None:
                run = Run.resume(resume)
                order = resumed(ctx, run.order)
            else:
                others = {"seed": seed, "retries": retries, "score": score, "out": str(out), **source.given()}
                others |= {"transform": transform, "transform_share": transform_share}
                order = _asked(data, preset, config, set_ or [], budget, steps, name, **others)
            run = _prepared(run, order, runs, processes)
            output = console if processes.first else type(console)(quiet=True)
            try:
                path = fit_run(
                    run, output, resume=resume is not None, force=force, processes=processes, replace=replace_
                )
            except Interrupted:
                raise KeyboardInterrupt from None
            if path is not None:
                say(console, f"published {path}; serve it with: python -m service --models {quoted(path.parents[2])}")
    finally:
        if processes is not None:
            processes.close()
    if outcome.failure is not None:  # raised here, since what was handled referred to the processes' group
        raise outcome.failure


def _asked(
    data: str | None,
    preset: str | None,
    config: Path | None,
    changes: list[str],
    budget: str | None,
    steps: int | None,
    name: str | None,
    **others: Any,
) -> Order:
    """The order of a new run; raises RunError and PresetError for what cannot be ordered."""
    from training.run.folder import generator_name, parse_budget

    if data is None:
        raise RunError("no DATA; try `python -m training fit digits`")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in data):
        raise RunError(f"DATA {data!r} cannot be written down: give it a name of ordinary characters, or a link")
    named, settings = from_toml(config) if config else (None, {})
    preset = preset or named or AUTO
    settings.update(setting(text) for text in changes)
    return order_of(
        data=data,
        preset=preset,
        config=resolve(preset, settings),
        settings=settings,
        budget_seconds=parse_budget(budget or "4m") if budget or not steps else None,
        steps=steps,
        name=name or generator_name(data),
        **others,
    )


def _prepared(run: Run | None, order: Order, runs: Path, processes: Processes) -> Run:
    """The run to go on with, or a new one, under its order; raises CannotWrite where nothing can be written."""
    from training.run.folder import Run

    if processes.first:
        prove_folder(Path(order.out) / order.name, "--out")
        prove_folder(run.folder if run else runs, "--runs")
    if run is None:
        folder = processes.agree_on(Run.start(runs, order).folder if processes.first else None)
        run = Run(folder, order)
    run.order = order
    return run


def _stopped(run: Run | None, processes: Processes | None) -> str:
    first = os.environ.get("RANK", "0") == "0" if processes is None else processes.first
    return f"stopped; nothing was published\n{_go_on(run, processes)}" if first else ""


def _after(error: BaseException, run: Run | None, processes: Processes | None) -> str:
    from training.run.processes import ProcessLost

    words = _go_on(run, processes)  # in any case: it removes what is empty
    broken = isinstance(error, OSError | CannotWrite | ProcessLost)
    return f"what was written before is whole; {words}" if broken and words else ""


def _go_on(run: Run | None, processes: Processes | None) -> str:
    """How to go on with what a run has left; a folder that holds nothing is removed."""
    if run is None or processes is None or not processes.first:
        return ""
    if run.can_go_on:
        return f"go on with: {processes.command} training fit --resume {quoted(run.folder)}"
    run.forget()
    return ""
