"""Whether a file can be believed: it computes what it says, here and on its own."""

from __future__ import annotations

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import DeviceBroken
from service.runtime.session import Session


def verify(session: Session) -> pb.Generator:
    """The metadata of a loaded file that keeps all promises; raises ArtifactError if one is broken."""
    message = artifact.from_json(session.metadata)
    artifact.check_signature(message, session.inputs, session.outputs)
    rows = artifact.golden_rows(message)
    samples = _compute(session, rows)
    artifact.check_golden(message, samples)
    for number in range(len(samples)):
        part = slice(number, number + 1)
        alone = artifact.Rows(rows.seed[part], rows.index[part], rows.label[part], rows.truncation[part])
        if _compute(session, alone).tobytes() != samples[part].tobytes():
            raise artifact.ArtifactError(
                f"golden sample {number} alone differs from itself in a batch: neighbours must not matter"
            )
    return message


def _compute(session: Session, rows: artifact.Rows) -> np.ndarray:
    try:
        return session.run(rows)
    except DeviceBroken:
        raise
    except Exception as error:  # ONNX Runtime raises a dozen unrelated types
        raise artifact.ArtifactError(
            f"the graph fails on its golden samples: {' '.join(str(error).split())[:500]}"
        ) from error
