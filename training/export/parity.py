"""Proof that the exported graph computes what PyTorch computes, before a file is published."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import nn

from service import artifact
from service.runtime.session import Session
from training import networks
from training.data.kind import Kind, value_range
from training.errors import TrainingError
from training.export.address import OPSET, with_latent
from training.export.carrying import Carried
from training.export.graph import PARITY_LARGEST, PARITY_SMALL, _Exported, fixed
from training.judge.classifier import Classifier

# Batch sizes of the parity check: one, small, odd, a power of two and one beyond the usual buckets.
PARITY_SIZES = (1, 2, 3, 7, 64, 257)
PARITY_SHARE = 0.01
# Of scores in [0, 1], on the same samples: float32 sums of some thousand terms.
PARITY_SCORE = 1e-4


class ExportError(TrainingError, RuntimeError):
    """The exported graph does not compute what the trained generator computes; nothing was published."""


def _rows(n: int, classes: int, seed: int, start: int = 0) -> artifact.Rows:
    return artifact.Rows(
        np.full(n, artifact.mix_seed(seed), np.uint64),
        np.arange(start, start + n, dtype=np.uint64),
        np.arange(start, start + n, dtype=np.int64) % classes,
        np.ones(n, np.float32),
    )


def latents(latent_size: int, rows: artifact.Rows) -> np.ndarray:
    """float32 [n, latent_size]: what an exported graph computes from addresses before its network."""
    return _before("latent", latent_size, latent_size, 0, rows)


def uniforms(latent_size: int, draws: int, rows: artifact.Rows) -> np.ndarray:
    """float32 [n, draws] in (0, 1]: the same of the uniform draws, which come after those of the latent."""
    return _before("uniform", draws, latent_size, draws, rows)


def _before(name: str, width: int, latent_size: int, draws: int, rows: artifact.Rows) -> np.ndarray:
    if not width:
        return np.empty((len(rows.seed), 0), np.float32)
    nodes = [helper.make_node("Identity", [name], [artifact.OUTPUT])]
    graph = helper.make_graph(
        nodes,
        name,
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width]),
            helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]),
        ],
        [helper.make_tensor_value_info(artifact.OUTPUT, TensorProto.FLOAT, ["n", width])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    return Session(with_latent(model, latent_size, draws).SerializeToString()).run(rows)


@torch.no_grad()
def prove_parity(
    generator: nn.Module,
    model: onnx.ModelProto,
    kind: Kind,
    latent_size: int,
    classes: int,
    judge: Classifier | None = None,
) -> None:
    """Raise ExportError unless ONNX Runtime and PyTorch agree, and no sample or score depends on its batch.

    judge: that the model was exported with.
    """
    session = Session(model.SerializeToString())
    module = _Exported(fixed(generator), kind).eval()
    most = max(PARITY_SIZES)
    rows = _rows(most, classes, seed=1)
    together = session.run(rows)
    taken = networks.chance(generator)
    chosen = taken.inputs(torch.from_numpy(uniforms(latent_size, taken.draws, rows)), torch.from_numpy(rows.truncation))
    latent, label = torch.from_numpy(latents(latent_size, rows)), torch.from_numpy(rows.label)
    choosing = taken.draws > 0 or kind.head() is not None
    _agree(together, module(latent, label, *chosen).numpy(), kind, choosing)
    for size in PARITY_SIZES:
        pages = [session.run(_rows(size, classes, seed=1, start=start)) for start in range(0, most - size + 1, size)]
        alone = np.concatenate(pages)
        if alone.tobytes() != together[: len(alone)].tobytes():
            raise ExportError(f"samples made {size} at a time differ from the same samples made {most} at a time")
    if judge is not None:
        _prove_scores(session, together, rows, judge)


@torch.no_grad()
def prove_transform(
    carrier: networks.Carrier, model: onnx.ModelProto, kind: Kind, classes: int, judge: Classifier
) -> None:
    """Raise ExportError unless ONNX Runtime carries samples as PyTorch does, and each by itself as among others.

    The samples are the model's own, since no others are at hand.
    """
    session = Session(model.SerializeToString())
    module = Carried(fixed(carrier), kind, judge.network()).eval()
    rows = _rows(max(PARITY_SIZES), classes, seed=2)
    count = len(rows.label)
    # Every third strength, and every other source told
    strength = (np.arange(count) % 3 / 2).astype(np.float32)
    source = np.where(np.arange(count) % 2, rows.label, artifact.UNKNOWN)
    given = session.run(rows), (rows.label + 1 + np.arange(count) // classes) % classes, source, strength
    together, known = session.run_transform(artifact.Originals(*given))
    inputs = tuple(torch.from_numpy(np.ascontiguousarray(each)) for each in given)
    expected, guessed = (each.numpy() for each in module(*inputs))
    same = known == guessed
    if np.mean(~same) > PARITY_SHARE:
        raise ExportError(f"ONNX Runtime and PyTorch take {np.mean(~same):.2%} of samples for other classes")
    _agree(together[same], expected[same], kind, choosing=kind.head() is not None)
    for size in PARITY_SIZES:
        for start in range(0, count - size + 1, size):
            page = slice(start, start + size)
            again = session.run_transform(artifact.Originals(*(each[page] for each in given)))
            if again[0].tobytes() != together[page].tobytes() or not np.array_equal(again[1], known[page]):
                raise ExportError(f"samples carried {size} at a time differ from the same samples {count} at a time")


def _agree(found: np.ndarray, expected: np.ndarray, kind: Kind, choosing: bool) -> None:
    """Raise ExportError unless the samples of ONNX Runtime are those of PyTorch, but for rounding.

    choosing: the generator chooses; between two choices of which nothing favours either rounding decides, and all that
              follows from it is another sample. A rare one may be.
    """
    # Whole numbers that nobody chose among are levels, and are compared as a client receives them.
    levels = kind.dtype.kind in "iu" and not choosing
    first, second = ((samples if levels else kind.values(samples)).astype(np.float64) for samples in (found, expected))
    # Choices are few whole numbers in a dtype that would hold many more.
    whole = max(float(np.ptp(second)), 1e-9) if choosing else value_range(kind.dtype)
    distance = (np.abs(first - second) / whole).reshape(len(found), -1)
    if not np.isfinite(distance).all():
        raise ExportError("ONNX Runtime or PyTorch made samples that are not finite")
    if choosing:
        others = (distance > PARITY_LARGEST).any(1)
        if np.mean(others) > PARITY_SHARE:
            raise ExportError(
                f"ONNX Runtime and PyTorch made other samples of {np.mean(others):.2%} of the addresses; at most "
                f"{PARITY_SHARE:.0%} is rounding"
            )
        distance = distance[~others]
    if distance.max() > PARITY_LARGEST or np.mean(distance > PARITY_SMALL) > PARITY_SHARE:
        raise ExportError(
            f"ONNX Runtime and PyTorch differ by up to {distance.max():.2%} of the range of values, in "
            f"{np.mean(distance > PARITY_SMALL):.2%} of them; at most {PARITY_LARGEST:.2%} in {PARITY_SHARE:.0%} is "
            "rounding"
        )


def _prove_scores(session: Session, samples: np.ndarray, rows: artifact.Rows, judge: Classifier) -> None:
    """Raise ExportError unless scores are the judge's, in every batch the same, and beside the same samples.

    samples: of the rows, computed without scores.
    """
    most = len(rows.seed)
    scores = session.run_scored(rows)[1]
    # Of the samples that ONNX Runtime made: PyTorch's own are a level off here and there.
    expected = judge.scorer()(torch.from_numpy(samples), torch.from_numpy(rows.label)).numpy()
    distance = np.abs(scores - expected)
    if not distance.max() <= PARITY_SCORE:  # neither if one is no number
        raise ExportError(
            f"scores in ONNX Runtime and PyTorch differ by up to {distance.max():.2g}; at most {PARITY_SCORE:.0e} is "
            "rounding"
        )
    for size in PARITY_SIZES:
        for start in range(0, most - size + 1, size):
            page = slice(start, start + size)
            again = session.run_scored(artifact.Rows(*(getattr(rows, name)[page] for name in artifact.INPUTS)))
            if again[0].tobytes() != samples[page].tobytes():
                raise ExportError(f"samples made {size} at a time with scores differ from the same samples without")
            if not np.array_equal(again[1], scores[page]):
                raise ExportError(
                    f"scores computed {size} at a time differ from the same scores computed {most} at a time: "
                    "selected samples would have no addresses"
                )
