"""Whether a file can be believed: it computes what it says, here and on its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import DeviceBroken
from service.runtime.session import Batch, Session, columns


def verify(session: Session) -> pb.Generator:
    """The metadata of a loaded file that keeps all promises; raises ArtifactError if one is broken."""
    message = artifact.from_json(session.metadata)
    artifact.check_signature(message, session.inputs, session.outputs, session.optional)
    samples, _ = _alone_and_together(session.run, artifact.golden_rows(message), "golden sample")
    artifact.check_golden(message, samples)
    if message.transforms:
        originals = artifact.golden_originals(message)
        what = "golden sample carried into another class, number"
        samples, recognised = _alone_and_together(session.run_transform, originals, what)
        artifact.check_golden_transformed(message, samples)
        if not np.array_equal(recognised, originals.source):
            raise artifact.ArtifactError(
                f"the graph takes golden samples of the classes {originals.source.tolist()} for {recognised.tolist()}: "
                "a class that is given must count"
            )
    return message


def _alone_and_together(run: Callable[[Any], Any], rows: Batch, what: str) -> tuple[np.ndarray, np.ndarray]:
    """What is computed for rows in one batch; ArtifactError if one of them alone differs from that.

    returns: samples and what is beside them, or the samples twice.
    """
    together = _compute(run, rows)
    for number in range(len(columns(rows)[0])):
        part = slice(number, number + 1)
        alone = _compute(run, type(rows)(*(column[part] for column in columns(rows))))
        for one, all_of_them in zip(alone, together, strict=True):
            if one.tobytes() != all_of_them[part].tobytes():
                raise artifact.ArtifactError(
                    f"{what} {number} alone differs from itself in a batch: neighbours must not matter"
                )
    return together


def _compute(run: Callable[[Any], Any], rows: Batch) -> tuple[np.ndarray, np.ndarray]:
    try:
        found = run(rows)
    except DeviceBroken:
        raise
    except Exception as error:  # ONNX Runtime raises a dozen unrelated types
        raise artifact.ArtifactError(
            f"the graph fails on its golden samples: {' '.join(str(error).split())[:500]}"
        ) from error
    return found if isinstance(found, tuple) else (found, found)
