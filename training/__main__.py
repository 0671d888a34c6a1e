"""Command line of the training application: `python -m training fit DATA --preset NAME --budget 4m --out models/`."""

from __future__ import annotations

import enum
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.command import STATUSES, attempt, console, fail, in_one_sentence
from training.config.presets import AUTO, PRESETS, from_toml, resolve, to_toml
from training.errors import TrainingError
from training.options import (
    DropScarce,
    File,
    Force,
    Label,
    Levels,
    Pickle,
    Replace,
    order_of,
    prove,
    reading,
    resumed,
    setting,
)
from training.places import CannotWrite, RunError, prove_file, prove_folder, quoted
from training.terminal import cell, prepare_streams, say, table

if TYPE_CHECKING:
    from training.run.folder import Run
    from training.run.processes import Processes

app = typer.Typer(
    help="Train a class-conditional generator, measure it, and publish it as one ONNX file.",
    epilog=STATUSES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    callback=lambda: prepare_streams(),
)


class Source(enum.StrEnum):
    """Whose samples a study is of."""

    PUBLISHED = "published"
    RETRAINED = "retrained"
    BOTH = "both"

    @property
    def retrained(self) -> tuple[bool, ...]:
        # The published one last: of a study's outcomes the last one's recommendation stands, and it is for FILE.
        return {"published": (False,), "retrained": (True,), "both": (True, False)}[self]


@app.command(epilog=STATUSES)
def fit(
    ctx: typer.Context,
    data: Annotated[
        str | None,
        typer.Argument(
            help="`digits`, an IDX file or folder, an .npz or .npy file, a folder of pictures, a table of them (.csv, "
            ".tsv, .json, .jsonl), or a Parquet file or folder."
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
    size: Annotated[int | None, typer.Option(help="Side of the images in pixels; by default chosen from DATA.")] = None,
    levels: Levels = None,
    allow_pickle: Pickle = False,
    drop_scarce: DropScarce = False,
    label: Label = None,
    file_: File = None,
    seed: Annotated[int, typer.Option(help="Of splits, weights and draws.", min=0)] = 0,
    steps: Annotated[
        int | None, typer.Option(help="Train so many steps; with --budget, until one of both is reached.", min=1)
    ] = None,
    retries: Annotated[
        int, typer.Option(help="Attempts with other settings when training is lost, 0 to 3.", min=0, max=3)
    ] = 3,
    score: Annotated[
        bool,
        typer.Option(
            "--score/--no-score",
            help="Export the classifier that judges samples too, so that clients may select the best k of m.",
        ),
    ] = False,
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
            from training.run.folder import Run, generator_name, parse_budget
            from training.run.processes import Processes as Started

            processes = Started()
            if resume is not None:
                run = Run.resume(resume)
                order = resumed(ctx, run.order)
            else:
                if data is None:
                    raise RunError("no DATA; try `python -m training fit digits`")
                if any(unicodedata.category(character) in ("Cc", "Cs") for character in data):
                    raise RunError(
                        f"DATA {data!r} cannot be written down: give it a name of ordinary characters, or a link"
                    )
                named, settings = from_toml(config) if config else (None, {})
                preset = preset or named or AUTO
                settings.update(setting(text) for text in set_ or [])
                order = order_of(
                    data=data,
                    size=size,
                    **reading(levels, allow_pickle, drop_scarce, label, file_),
                    preset=preset,
                    config=resolve(preset, settings),
                    settings=settings,
                    seed=seed,
                    budget_seconds=parse_budget(budget or "4m") if budget or not steps else None,
                    steps=steps,
                    retries=retries,
                    score=score,
                    out=str(out),
                    name=name or generator_name(data),
                )
            if processes.first:
                prove_folder(Path(order.out) / order.name, "--out")
                prove_folder(run.folder if run else runs, "--runs")
            if run is None:
                folder = processes.agree_on(Run.start(runs, order).folder if processes.first else None)
                run = Run(folder, order)
            run.order = order
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


@app.command()
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


@app.command(epilog=STATUSES)
def evaluate(
    file: Annotated[Path, typer.Argument(help="A published model.onnx.")],
    data: Annotated[str, typer.Argument(help="The data that it was made from, as for fit.")],
    repeats: Annotated[int, typer.Option(help="Classifiers that learn from synthetic samples.", min=1, max=50)] = 3,
    levels: Levels = None,
    allow_pickle: Pickle = False,
    drop_scarce: DropScarce = False,
    label: Label = None,
    file_: File = None,
    json_: Annotated[Path | None, typer.Option("--json", help="Write the card here.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish it as a new version with the new card.")] = False,
    out: Annotated[Path | None, typer.Option(help="Repository; by default the one that FILE lies in.")] = None,
    force: Force = False,
) -> None:
    """Measure a published FILE again on held-out samples of DATA, which must be the data that it was made from."""
    with in_one_sentence():
        from training.publishing.published import Published
        from training.publishing.published import evaluate as measure
        from training.remeasure import Conclusion, conclude, repository
        from training.run.progress import bar

        wanted = Conclusion(json_, report, publish, out, force)
        prove(wanted)
        published = Published.open(file, data, **reading(levels, allow_pickle, drop_scarce, label, file_))
        repository(published, wanted)
        with bar(console) as progress:
            task = progress.add_task("measuring", total=1.0)
            card = measure(
                published,
                repeats=repeats,
                progress=lambda stage, share: progress.update(task, detail=stage, completed=share),
            )
        conclude(published, card, console, wanted)


@app.command(epilog=STATUSES)
def study(
    file: Annotated[Path, typer.Argument(help="A published model.onnx, whose configuration is studied.")],
    data: Annotated[str, typer.Argument(help="The data that it was made from, as for fit.")],
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="all, N per class, imbalance F, or imbalance F from N; several in turn. By default all."),
    ] = None,
    generator: Annotated[
        Source,
        typer.Option(
            help="published: FILE's own samples. retrained: of a generator like it, trained on the scenario's."
        ),
    ] = Source.PUBLISHED,
    repeats: Annotated[int, typer.Option(help="Paired repeats, each with its own real samples.", min=1, max=100)] = 5,
    seeds: Annotated[int, typer.Option(help="Classifiers per repeat and way of training.", min=1, max=20)] = 2,
    steps: Annotated[
        int | None, typer.Option(help="Of each generator and VAE; by default FILE's, at most 4000.", min=1)
    ] = None,
    classifier_steps: Annotated[
        int | None, typer.Option(help="Of each classifier; by default by the data.", min=10)
    ] = None,
    tuned_on: Annotated[int, typer.Option(help="Repeats whose validation scores choose the settings.", min=1)] = 1,
    selection: Annotated[
        bool | None,
        typer.Option(help="Try keeping the best of 2 and 4 candidates; by default if FILE has scores."),
    ] = None,
    levels: Levels = None,
    allow_pickle: Pickle = False,
    drop_scarce: DropScarce = False,
    label: Label = None,
    file_: File = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where finished parts go, to go on from; by default studies/NAME.")
    ] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="Write the card here.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish it as a new version with the new card.")] = False,
    out: Annotated[Path | None, typer.Option(help="Repository; by default the one that FILE lies in.")] = None,
    force: Force = False,
) -> None:
    """Measure what adding synthetic samples to real ones is worth, against tuned baselines; long.

    There are two questions, and they have different answers. What does a team gain that has only the scenario's samples
    and draws from FILE, which learned from more (--generator published)? And what does a team gain that trains such a
    generator itself, on no more than the scenario's samples (--generator retrained: one for each repeat, which takes
    much longer)? The test split is new to all of them.

    May be stopped at any time; the same command goes on.
    """

    def after(error: BaseException) -> str:
        broken = isinstance(error, OSError | CannotWrite)
        return "what was measured before is kept; the same command goes on" if broken else ""

    with in_one_sentence(lambda: "stopped; the same command goes on", after):
        from training import study as studies
        from training.publishing.published import Published
        from training.remeasure import Conclusion, conclude, repository
        from training.run.progress import bar

        wanted = Conclusion(json_, report, publish, out, force)
        prove(wanted)
        plan = studies.Plan(
            scenarios=tuple(map(studies.Scenario.parse, scenario or ["all"])),
            retrained=generator.retrained,
            repeats=repeats,
            seeds=seeds,
            generator_steps=0,
            classifier_steps=classifier_steps,
            tuned_on=min(tuned_on, repeats),
        )
        published = Published.open(file, data, **reading(levels, allow_pickle, drop_scarce, label, file_))
        repository(published, wanted)
        cells = folder or Path("studies") / published.message.name
        prove_folder(cells, "--folder")
        plan = replace(plan, selection=published.message.scored if selection is None else selection)
        with bar(console) as progress:
            task = progress.add_task("studying", total=1.0)

            def tell(doing: str, done: int, total: int) -> None:
                progress.update(task, detail=f"{done}: {doing}", completed=done / total, line=doing)

            outcomes = studies.of_published(published, plan, steps, cells, tell)
            progress.update(task, completed=1.0, detail="")
        for outcome in outcomes:
            say(console, studies.in_words(outcome.line))
            for arm, setting in outcome.choices.items():
                say(console, f"  {arm}: {setting}")
        card = studies.with_outcomes(published.message.quality, outcomes)
        conclude(published, card, console, wanted)


@app.command(epilog=STATUSES)
def report(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    data: Annotated[str | None, typer.Argument(help="Where its data lies now; by default where it was.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write; by default report.html in the folder.")] = None,
) -> None:
    """Write the HTML report of a finished run again, from the run and its data."""
    with in_one_sentence():
        from training.remeasure import report_of_run

        prove_file(out, "--out")
        say(console, f"report: {report_of_run(run, out or run / 'report.html', data)}")


@app.command(epilog=STATUSES)
def publish(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run, or a model.onnx.")],
    out: Annotated[Path | None, typer.Option(help="Repository; by default the run's, else models.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the generator; by default the one that it has.")] = None,
    force: Force = False,
    replace_: Replace = False,
) -> None:
    """Publish what a finished run has left, as the next version: after a full disk, or what the gate has withheld."""
    with in_one_sentence(lambda: "stopped; nothing was published"):
        from training.remeasure import publish_kept

        path = publish_kept(run, out, name, force=force, replace=replace_)
        say(console, f"published {path}; serve it with: python -m service --models {quoted(path.parents[2])}")


if __name__ == "__main__":
    app()
