"""Where a generator comes from: configuration, data, libraries, revision."""

from __future__ import annotations

import importlib.metadata
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from augmint.v1 import generator_pb2 as pb
from training.data import Dataset
from training.data.splits import Splits
from training.export.address import OPSET
from training.run.folder import Run
from training.run.loop import Loop
from training.run.naming import data_name

LIBRARIES = ("torch", "onnx", "onnxruntime-gpu", "numpy", "lightning-fabric", "scikit-learn")


def provenance(run: Run, loop: Loop, dataset: Dataset, splits: Splits) -> pb.Provenance:
    return pb.Provenance(
        preset=run.order.preset,
        configuration_json=loop.config.model_dump_json(),
        data_name=data_name(dataset.name),
        data_digest=dataset.digest,
        splits=splits.counts(dataset),
        seed=run.order.seed,
        steps=loop.trainer.steps,
        samples_seen=loop.trainer.samples_seen,
        training_seconds=loop.seconds,
        libraries={name: importlib.metadata.version(name) for name in LIBRARIES},
        code_revision=_revision(),
        created_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        opset=OPSET,
    )


def _revision() -> str:
    """The checkout's commit, "-dirty" if it has local changes; empty outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40", "--match="]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
