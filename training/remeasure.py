"""What every measurement of a published file ends with: the card shown, written, reported and published."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf import json_format
from rich.console import Console

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from training import quality
from training.data.nearby import hint
from training.places import prove_folder, write_whole
from training.publishing import release
from training.publishing.published import EvaluationError, Published, read_artifact
from training.report import curves, page
from training.run.folder import Order, RunError
from training.terminal import say


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


def repository(published: Published, wanted: Conclusion) -> Path | None:
    """Where a new version is to be published, proven; None: nowhere. Asked for before anything is measured.

    Raises EvaluationError, training.places.CannotWrite.
    """
    if not wanted.publish:
        return None
    models = wanted.out or published.repository
    if models is None:
        raise EvaluationError(f"{published.path} does not lie in a repository; --out names the one to publish in")
    prove_folder(models / published.message.name, "--out")
    return models


def conclude(published: Published, card: pb.QualityCard, console: Console, wanted: Conclusion) -> Path | None:
    """Show a card and do what is wanted with it; returns the path of the new version, None if none was published.

    Raises training.publishing.release.NotPublished, EvaluationError.
    """
    models = repository(published, wanted)
    message = pb.Generator.FromString(published.message.SerializeToString())
    message.quality.CopyFrom(card)
    console.print(quality.render(card))
    if wanted.json_path:
        value = json_format.MessageToDict(card, preserving_proto_field_name=True)
        text = json.dumps(value, indent=2) + "\n"
        write_whole(wanted.json_path, lambda path: path.write_text(text))
    path = None
    if wanted.publish:
        assert models is not None
        path = release.release(models, message, published.model(), published.path, force=wanted.force)
        message.version = int(path.parent.name)
        say(console, f"published {path}")
    if wanted.report_path:
        text = page.render(message, published.draw, published.dataset, published.splits, carry=published.carry)
        write_whole(wanted.report_path, lambda path: path.write_text(text, encoding="utf-8"))
        say(console, f"report: {wanted.report_path}")
    return path


def report_of_run(folder: Path, path: Path, data: str | None = None) -> Path:
    """Write the report of a finished run again; raises RunError if there is none in the folder.

    data: where the run's data lies now; None: where it was.
    """
    order = _order(folder)
    model = folder / artifact.FILE_NAME
    published = Published.open(model, data or order.data, order.reading)
    text = page.render(
        published.message,
        published.draw,
        published.dataset,
        published.splits,
        charts=curves.read(folder),
        happened=page.read_events(folder),
        carry=published.carry,
    )
    write_whole(path, lambda place: place.write_text(text, encoding="utf-8"))
    return path


def publish_kept(
    path: Path, models: Path | None, name: str | None, *, force: bool = False, replace: bool = False
) -> Path:
    """Publish the generator of a finished run, or of a file, and return where.

    path:   the run's folder, or a model.onnx.
    models: the repository; None: the run's own, or `models`.
    name:   of the generator; None: the one that it has.

    Raises RunError, EvaluationError, service.artifact.ArtifactError, training.publishing.release.NotPublished.
    """
    kept = path
    if path.is_dir() and (path / "order.json").is_file():
        models = models or Path(_order(path).out)
        kept = path / artifact.FILE_NAME
    content = read_artifact(kept)
    try:
        message = artifact.from_json(Session(content).metadata)
    except artifact.ArtifactError as error:
        raise artifact.ArtifactError(f"{kept}: {error}") from error
    message.name = name or message.name
    if not artifact.NAME.fullmatch(message.name):
        raise RunError(
            f"--name {message.name!r}: begin with a lower-case letter or a digit and go on with those, '.', '_' or "
            "'-', 63 in all"
        )
    models = models or Path("models")
    prove_folder(models / message.name, "--out")
    return release.release(models, message, onnx.load_from_string(content), kept, force=force, replace=replace)


def _order(folder: Path) -> Order:
    """The order of a finished run."""
    if not (folder / "order.json").is_file():
        raise RunError(f"{folder} holds no finished run: it has no order.json{hint(folder)}")
    if not (folder / artifact.FILE_NAME).is_file():
        raise RunError(f"{folder} holds no finished run: it has no {artifact.FILE_NAME}")
    try:
        return Order.model_validate_json((folder / "order.json").read_text())
    except ValueError as error:
        raise RunError(f"{folder / 'order.json'} cannot be read: {str(error).splitlines()[0]}") from error
