"""What every measurement of a published file ends with: the card shown, written, reported and published."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format
from rich.console import Console

from augmint.v1 import generator_pb2 as pb
from service import artifact
from training import curves, quality, release, report
from training.evaluate import EvaluationError, Published
from training.run import Order, RunError


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What to do with a new card.

    json_path, report_path: where to write card and report; None: nowhere.
    out: the repository to publish in; None: the one that the file lies in.
    """

    json_path: Path | None = None
    report_path: Path | None = None
    publish: bool = False
    out: Path | None = None
    force: bool = False


def conclude(published: Published, card: pb.QualityCard, console: Console, wanted: Conclusion) -> Path | None:
    """Show a card and do what is wanted with it; returns the path of the new version, None if none was published.

    Raises training.release.Withheld, EvaluationError.
    """
    models = wanted.out or published.repository
    if wanted.publish and models is None:
        raise EvaluationError(f"{published.path} does not lie in a repository; --out names the one to publish in")
    message = pb.Generator.FromString(published.message.SerializeToString())
    message.quality.CopyFrom(card)
    console.print(quality.render(card))
    if wanted.json_path:
        value = json_format.MessageToDict(card, preserving_proto_field_name=True)
        wanted.json_path.write_text(json.dumps(value, indent=2) + "\n")
    path = None
    if wanted.publish:
        assert models is not None
        path = release.release(models, message, published.model(), published.path, force=wanted.force)
        message.version = int(path.parent.name)
        console.print(f"published {path}", soft_wrap=True, highlight=False)
    if wanted.report_path:
        page = report.render(message, published.draw, published.dataset, published.splits)
        wanted.report_path.write_text(page, encoding="utf-8")
        console.print(f"report: {wanted.report_path}", soft_wrap=True, highlight=False)
    return path


def report_of_run(folder: Path, path: Path) -> Path:
    """Write the report of a finished run again; raises RunError if there is none in the folder."""
    model = folder / artifact.FILE_NAME
    if not model.is_file():
        raise RunError(f"{folder} holds no finished run: it has no {artifact.FILE_NAME}")
    order = Order.model_validate_json((folder / "order.json").read_text())
    published = Published.open(model, order.data)
    page = report.render(
        published.message,
        published.draw,
        published.dataset,
        published.splits,
        charts=curves.read(folder),
        happened=report.read_events(folder),
    )
    path.write_text(page, encoding="utf-8")
    return path
