"""`evaluate`, `report`, `publish`: what is done with a file or a run that is finished."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.commands.options import (
    CardFile,
    Force,
    Publish,
    Replace,
    ReportFile,
    Repository,
    prove,
    reads_source,
)
from training.commands.outcome import console, in_one_sentence
from training.places import prove_file, quoted
from training.source import AS_FOUND, SourceOptions
from training.terminal import say


@reads_source
def evaluate(
    file: Annotated[Path, typer.Argument(help="A published model.onnx.")],
    data: Annotated[str, typer.Argument(help="The data that it was made from, as for fit.")],
    repeats: Annotated[int, typer.Option(help="Classifiers that learn from synthetic samples.", min=1, max=50)] = 3,
    source: SourceOptions = AS_FOUND,
    json_: CardFile = None,
    report: ReportFile = None,
    publish: Publish = False,
    out: Repository = None,
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
        published = Published.open(file, data, source)
        repository(published, wanted)
        with bar(console) as progress:
            task = progress.add_task("measuring", total=1.0)
            card = measure(
                published,
                repeats=repeats,
                progress=lambda stage, share: progress.update(task, detail=stage, completed=share),
            )
        conclude(published, card, console, wanted)


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
