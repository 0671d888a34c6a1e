"""From a measured generator to a published one, unless the gate withholds it or it is worse than its predecessor."""

from __future__ import annotations

from pathlib import Path

import onnx

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from training import export, quality


class Withheld(RuntimeError):
    """The generator should not be published; the message says why, and what would publish it all the same."""


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


def release(models: Path, message: pb.Generator, model: onnx.ModelProto, kept: Path, *, force: bool = False) -> Path:
    """Publish as the generator's next version and return the path.

    message: complete but for version and golden samples.
    kept:    where the same generator lies for a person to look at, and to publish later.
    force:   publish whatever the gate says.

    Raises Withheld.
    """
    if not force and (reasons := objections(models, message)):
        raise Withheld(
            f"{message.name} is withheld; nothing was published. {' '.join(reasons)} The file is {kept}; "
            "`python -m training evaluate FILE DATA --publish --force` publishes it all the same"
        )
    return export.publish(models, message, model)
