"""`study`: what synthetic samples add to real ones, asked and told."""

from __future__ import annotations

import enum
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from training.commands.options import CardFile, Force, Publish, ReportFile, Repository, prove, reads_source
from training.commands.outcome import console, in_one_sentence
from training.places import CannotWrite, prove_folder
from training.source import AS_FOUND, SourceOptions
from training.terminal import say


class Studied(enum.StrEnum):
    """Whose samples a study is of."""

    PUBLISHED = "published"
    RETRAINED = "retrained"
    BOTH = "both"

    @property
    def retrained(self) -> tuple[bool, ...]:
        # The published one last: of a study's outcomes the last one's recommendation stands, and it is for FILE.
        return {"published": (False,), "retrained": (True,), "both": (True, False)}[self]


@reads_source
def study(
    file: Annotated[Path, typer.Argument(help="A published model.onnx, whose configuration is studied.")],
    data: Annotated[str, typer.Argument(help="The data that it was made from, as for fit.")],
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            help="all, N per class, N samples, imbalance F or 1:F (both also: from N); several in turn. By default all."
        ),
    ] = None,
    generator: Annotated[
        Studied,
        typer.Option(
            help="published: FILE's own samples. retrained: of a generator like it, trained on the scenario's."
        ),
    ] = Studied.PUBLISHED,
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
    source: SourceOptions = AS_FOUND,
    folder: Annotated[
        Path | None, typer.Option(help="Where finished parts go, to go on from; by default studies/NAME.")
    ] = None,
    json_: CardFile = None,
    report: ReportFile = None,
    publish: Publish = False,
    out: Repository = None,
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
        published = Published.open(file, data, source)
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
            scores = {arm.name: arm for arm in outcome.line.arms}
            for name, setting in outcome.choices.items():
                arm = scores.get(name)
                reached = f"{arm.score:.1%} ({arm.low:.1%} to {arm.high:.1%}), " if arm else ""
                if name in outcome.gained:
                    gain, low, high = (100 * value for value in outcome.gained[name])
                    reached += f"{gain:+.1f} points ({low:+.1f} to {high:+.1f}) over {outcome.line.baseline}; "
                say(console, f"  {name}: {reached}{setting}")
        card = studies.with_outcomes(published.message.quality, outcomes)
        conclude(published, card, console, wanted)
