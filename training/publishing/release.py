"""From a measured generator to a published one, unless the gate withholds it or its name is another generator's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from training import quality
from training.data import Dataset
from training.errors import TrainingError
from training.export import file
from training.places import RunError, cannot_write, quoted
from training.run.naming import data_name

_NAMED = 4  # classes in a message


class NotPublished(TrainingError, RuntimeError):
    """The generator should not be published; the message says why, and what would publish it all the same."""

    status = 3


class Taken(RunError):
    """The name is that of a generator of other samples; the message says which, and what to do."""


class Unpublished(RunError):
    """The repository could not be written; the message says where the file is and what publishes it."""


def latest(models: Path, name: str) -> pb.Generator | None:
    """What the highest published version of a generator says about itself; None if there is none, or it is damaged."""
    for version in reversed(artifact.published_versions(models, name)):
        path = models / name / str(version) / artifact.FILE_NAME
        try:
            return artifact.from_json(Session(path.read_bytes()).metadata)
        except (artifact.ArtifactError, OSError):
            continue  # the service would not serve it either
    return None


def next_version(models: Path, name: str) -> int:
    """The version that a generator published now would get."""
    return max(artifact.published_versions(models, name), default=0) + 1


def succession(models: Path, name: str, dataset: Dataset, *, replace: bool = False) -> str:
    """What a generator of this data would follow under a name, in words; "" if the name is new.

    Raises Taken if that is a generator of other samples, unless it is to be replaced.
    """
    before = latest(models, name)
    if before is None:
        return ""
    if not replace:
        _refuse_others(models, before, dataset.class_names, dataset.samples.shape[1:])
    known, version = before.provenance, before.version
    recorded = sum(sum(part.counts) for part in known.splits)
    if known.data_digest == dataset.digest:
        return f"{name} has a version {version}, of the same data; this will be version {next_version(models, name)}"
    counts = f"{recorded:,} samples of {data_name(known.data_name)}" if recorded else "other data"
    return (
        f"{name} has a version {version}, of {counts}; this will be version {next_version(models, name)}, of "
        f"{len(dataset.labels):,} of {data_name(dataset.name)} (--name gives it another name)"
    )


def objections(models: Path, message: pb.Generator) -> list[str]:
    """Why a generator should not become the next version in a repository, one sentence each; empty if it may.

    message: with a card that the gate has decided on.
    """
    found: list[str] = []
    if message.quality.verdict == pb.VERDICT_WITHHELD:
        found += message.quality.reasons
    before = latest(models, message.name)
    if before is not None and (reason := quality.worse(message, before)):
        found.append(reason)
    return found


def release(
    models: Path,
    message: pb.Generator,
    model: onnx.ModelProto,
    kept: Path,
    *,
    force: bool = False,
    replace: bool = False,
) -> Path:
    """Publish as the generator's next version and return the path.

    message: complete but for version and golden samples.
    kept:    where the same generator lies for a person to look at, and to publish later.
    force:   publish whatever the gate says.
    replace: publish under a name whose last version makes other samples.

    Raises NotPublished, Taken, Unpublished.
    """
    again = f"python -m training publish {quoted(kept)} --out {quoted(models)}"
    if not force and (reasons := objections(models, message)):
        raise NotPublished(
            f"{message.name} is withheld; nothing was published. {' '.join(reasons)} The file is {kept}; "
            f"`{again} --force` publishes it all the same"
        )
    message = file.with_golden(message, model)

    def build(version: int) -> bytes:
        # Here, for each version that is tried: somebody else may have published under the name since training began.
        if not replace and (before := latest(models, message.name)) is not None:
            try:
                _refuse_others(models, before, tuple(message.labels), tuple(message.sample.shape))
            except Taken as error:
                raise Taken(
                    f"{error} The file is {kept}; `{again} --name NAME` publishes it under another name"
                ) from None
        return file.build(message, model, version)

    there = (models / message.name).exists()
    try:
        return artifact.publish(models, message.name, build)
    except (OSError, Taken) as error:
        if not there:
            _tidy(models / message.name)
        if isinstance(error, Taken):
            raise
        fault = cannot_write(Path(error.filename or models / message.name), error)
        raise Unpublished(
            f"{fault}; nothing was published. The generator is whole in {kept}; `{again}` publishes it"
        ) from error


def _refuse_others(models: Path, before: pb.Generator, labels: Sequence[str], shape: Sequence[int]) -> None:
    """Raise Taken unless the samples have the classes and the shape of the last version's."""
    differences = []
    if list(before.labels) != list(labels):
        differences.append(f"other classes ({_listed(before.labels)}; this data has {_listed(labels)})")
    if list(before.sample.shape) != list(shape):
        differences.append(f"other sizes ({_sides(before.sample.shape)}; this data has {_sides(shape)})")
    if differences:
        raise Taken(
            f"{models} holds a generator {before.name!r} with {' and '.join(differences)}, and its clients would get "
            "these instead: --name gives this one a name of its own, --replace makes it the next version all the same."
        )


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return ", ".join(labels[:_NAMED]) + more


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _tidy(folder: Path) -> None:
    """Remove what a failed publication has left: an empty folder."""
    try:
        folder.rmdir()
    except OSError:
        return
