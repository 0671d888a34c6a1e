"""Command line of the training application: `python -m training fit DATA --preset NAME --budget 4m --out models/`."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from training.presets import AUTO, PRESETS, PresetError, from_toml, resolve, to_toml

if TYPE_CHECKING:
    from training.processes import Processes
    from training.run import Run

app = typer.Typer(
    help="Train a class-conditional generator, measure it, and publish it as one ONNX file.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console()
errors = Console(stderr=True)


class Source(enum.StrEnum):
    """Whose samples a study is of."""

    PUBLISHED = "published"
    RETRAINED = "retrained"
    BOTH = "both"

    @property
    def retrained(self) -> tuple[bool, ...]:
        # The published one last: of a study's outcomes the last one's recommendation stands, and it is for FILE.
        return {"published": (False,), "retrained": (True,), "both": (True, False)}[self]


@app.command()
def fit(
    data: Annotated[
        str | None,
        typer.Argument(help="`digits`, an IDX file or folder, an .npz or .npy file, or a folder with one per class."),
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
        Path | None, typer.Option(help="Go on with the run in this folder; nothing else is read.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Publish even what the gate withholds.")] = False,
) -> None:
    """Read DATA, train, export, measure on held-out samples, and publish as the next version.

    What the gate withholds, or what is worse than the version that it would replace, is kept in the run folder and not
    published (exit status 3), unless --force is given.

    On several GPUs, or with several processes on a CPU, each of which adds a batch to every step:

    torchrun --standalone --nproc-per-node 2 -m training fit DATA

    With several machines, see torchrun's own --nnodes; all must see the same DATA and --runs folder.
    """
    # Imported here: PyTorch takes seconds, and a misspelt option should not wait for it.
    from training.compiling import CannotCompile
    from training.data import DataError
    from training.export import ExportError
    from training.fit import Interrupted
    from training.fit import fit as fit_run
    from training.processes import Processes, ProcessLost
    from training.release import Withheld
    from training.run import Order, Run, RunError, generator_name, parse_budget
    from training.trainer import Diverged

    run: Run | None = None
    path: Path | None = None
    failure: typer.Exit | None = None
    try:
        processes = Processes()
    except ProcessLost as error:
        raise _fail(str(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    output = console if processes.first else Console(quiet=True)
    try:
        if resume is not None:
            run = Run.resume(resume)
        else:
            if data is None:
                raise RunError("no DATA; try `python -m training fit digits`")
            named, settings = from_toml(config) if config else (None, {})
            preset = preset or named or AUTO
            settings.update(_setting(text) for text in set_ or [])
            order = Order(
                data=data,
                size=size,
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
            folder = processes.agree_on(Run.start(runs, order).folder if processes.first else None)
            run = Run(folder, order)
        path = fit_run(run, output, resume=resume is not None, force=force, processes=processes)
    except Withheld as error:
        failure = _fail(str(error), 3)
    except (Interrupted, KeyboardInterrupt):
        output.print("stopped; nothing was published")
        _go_on(run, processes, output)
        failure = typer.Exit(130)
    except ProcessLost as error:
        failure = _fail(str(error), speaks=processes.speaks())
        _go_on(run, processes, output)
    except ValidationError as error:
        failure = _fail(_of_option(error), speaks=processes.speaks())
    except (DataError, PresetError, RunError, Diverged, ExportError, CannotCompile, OSError) as error:
        if run is not None and processes.first:
            run.forget()
        failure = _fail(_sentence(error), speaks=processes.speaks())
    finally:
        processes.close()
    if failure is not None:  # raised here, since what is being handled refers to the processes' group and keeps it
        raise failure
    if path is None:
        return
    serve = f"python -m service --models {path.parents[2]}"
    console.print(f"published [bold]{path}[/bold]; serve it with: {serve}", soft_wrap=True, highlight=False)


def _go_on(run: Run | None, processes: Processes, output: Console) -> None:
    """Say how, if there is a checkpoint; else leave nothing behind."""
    if run is None or not processes.first:
        return
    if run.has_checkpoint:
        command = f"{processes.command} training fit --resume {run.folder}"
        output.print(f"go on with: [bold]{command}[/bold]", soft_wrap=True)
    else:
        run.forget()


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise PresetError(f"--set {text!r} is not NAME=VALUE, e.g. --set width=32")
    return name.strip(), value.strip()


def _of_option(error: ValidationError) -> str:
    fault = error.errors()[0]
    name, message = ".".join(map(str, fault["loc"])), fault["msg"]
    if name == "name":
        message = "begin with a lower-case letter or a digit and go on with those, '.', '_' or '-', 63 in all"
    return f"--{name}: {message} (got {fault['input']!r})"


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _fail(message: str, status: int = 2, speaks: bool = True) -> typer.Exit:
    if speaks:
        errors.print("[red]error:[/red]", Text(message), soft_wrap=True, highlight=False)
    return typer.Exit(status)


@app.command()
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
        raise _fail(str(error)) from None
    table = Table("preset", show_lines=True)
    for heading in ("source", "settings other than the defaults"):
        table.add_column(heading, overflow="fold")
    for each, preset in PRESETS.items():
        if name in (None, AUTO, each):
            settings = ", ".join(f"{key}={value}" for key, value in preset.changes.items())
            table.add_row(each, preset.source, settings or "-")
    console.print(table)


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="A published model.onnx.")],
    data: Annotated[str, typer.Argument(help="The data that it was made from, as for fit.")],
    repeats: Annotated[int, typer.Option(help="Classifiers that learn from synthetic samples.", min=1, max=50)] = 3,
    json_: Annotated[Path | None, typer.Option("--json", help="Write the card here.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish it as a new version with the new card.")] = False,
    out: Annotated[Path | None, typer.Option(help="Repository; by default the one that FILE lies in.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Publish even what the gate withholds.")] = False,
) -> None:
    """Measure a published FILE again on held-out samples of DATA, which must be the data that it was made from."""
    from training.conclude import Conclusion, conclude
    from training.evaluate import Published
    from training.evaluate import evaluate as measure
    from training.progress import bar

    with _in_one_sentence():
        published = Published.open(file, data)
        with bar(console) as progress:
            task = progress.add_task("measuring", total=1.0)
            card = measure(
                published,
                repeats=repeats,
                progress=lambda stage, share: progress.update(task, detail=stage, completed=share),
            )
        conclude(published, card, console, Conclusion(json_, report, publish, out, force))


@app.command()
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
    folder: Annotated[
        Path | None, typer.Option(help="Where finished parts go, to go on from; by default studies/NAME.")
    ] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="Write the card here.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish it as a new version with the new card.")] = False,
    out: Annotated[Path | None, typer.Option(help="Repository; by default the one that FILE lies in.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Publish even what the gate withholds.")] = False,
) -> None:
    """Measure what adding synthetic samples to real ones is worth, against tuned baselines; long.

    There are two questions, and they have different answers. What does a team gain that has only the scenario's samples
    and draws from FILE, which learned from more (--generator published)? And what does a team gain that trains such a
    generator itself, on no more than the scenario's samples (--generator retrained: one for each repeat, which takes
    much longer)? The test split is new to all of them.

    May be stopped at any time; the same command goes on.
    """
    from training import study as studies
    from training.conclude import Conclusion, conclude
    from training.evaluate import Published
    from training.progress import bar, lines

    with _in_one_sentence("stopped; the same command goes on"):
        plan = studies.Plan(
            scenarios=tuple(map(studies.Scenario.parse, scenario or ["all"])),
            retrained=generator.retrained,
            repeats=repeats,
            seeds=seeds,
            generator_steps=0,
            classifier_steps=classifier_steps,
            tuned_on=min(tuned_on, repeats),
        )
        published = Published.open(file, data)
        plan = replace(plan, selection=published.message.scored if selection is None else selection)
        with bar(console) as progress:
            task = progress.add_task("studying", total=1.0)
            line = lines(console)

            def tell(doing: str, done: int, total: int) -> None:
                progress.update(task, detail=f"{done}: {doing}", completed=done / total)
                line(doing, done / total)

            outcomes = studies.of_published(
                published, plan, steps, folder or Path("studies") / published.message.name, tell
            )
            progress.update(task, completed=1.0, detail="")
        for outcome in outcomes:
            console.print(studies.in_words(outcome.line), soft_wrap=True, highlight=False)
            for arm, setting in outcome.choices.items():
                console.print(f"  {arm}: {setting}", soft_wrap=True, highlight=False, markup=False)
        card = studies.with_outcomes(published.message.quality, outcomes)
        conclude(published, card, console, Conclusion(json_, report, publish, out, force))


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    out: Annotated[Path | None, typer.Option(help="Where to write; by default report.html in the folder.")] = None,
) -> None:
    """Write the HTML report of a finished run again; its data must still be where it was."""
    from training.conclude import report_of_run

    with _in_one_sentence():
        console.print(f"report: {report_of_run(run, out or run / 'report.html')}", soft_wrap=True, highlight=False)


@contextmanager
def _in_one_sentence(stopped: str = "stopped") -> Iterator[None]:
    """Faults of files, data and orders as one sentence instead of a traceback; stopped: the answer to Ctrl-C."""
    from service.artifact import ArtifactError
    from training.compiling import CannotCompile
    from training.data import DataError
    from training.evaluate import EvaluationError
    from training.release import Withheld
    from training.run import RunError
    from training.study import ScenarioError
    from training.trainer import Diverged

    try:
        yield
    except Withheld as error:
        raise _fail(str(error), 3) from None
    except (
        ArtifactError,
        DataError,
        EvaluationError,
        RunError,
        ScenarioError,
        Diverged,
        CannotCompile,
        OSError,
    ) as error:
        raise _fail(_sentence(error)) from None
    except KeyboardInterrupt:
        console.print(stopped)
        raise typer.Exit(130) from None


if __name__ == "__main__":
    app()
