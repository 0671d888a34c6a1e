"""From a trained generator to a published artifact: one ONNX file that proves itself before anybody can read it."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from service.runtime.verify import verify
from training import networks
from training.classifier import Classifier
from training.data.kind import Kind, value_range
from training.latent import OPSET, with_latent

# Batch sizes of the parity check: one, small, odd, a power of two and one beyond the usual buckets.
PARITY_SIZES = (1, 2, 3, 7, 64, 257)
# PyTorch and ONNX Runtime add up in different orders; where a value falls on the edge of two levels they may disagree.
PARITY_LARGEST = 1 / 255 + 1e-9  # of the range of values: one level of an image
PARITY_SMALL = 1e-4  # differences up to here are not counted: less than a level of an image, 6 of int16
PARITY_SHARE = 0.01
# Of scores in [0, 1], on the same samples: float32 sums of some thousand terms.
PARITY_SCORE = 1e-4

GOLDEN_SAMPLES = 16
GOLDEN_BYTES = 2**18


class ExportError(RuntimeError):
    """The exported graph does not compute what the trained generator computes; nothing was published."""


class _Exported(nn.Module):
    """latent, label -> what a client receives: dtype [n, *shape] of the kind; with a judge, its scores too."""

    def __init__(self, generator: nn.Module, kind: Kind, judge: Classifier | None = None) -> None:
        super().__init__()
        self.generator = generator
        self.decoder = kind.decoder()
        self.scorer = None if judge is None else judge.scorer()

    def forward(self, latent: Tensor, label: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        sample = self.decoder(self.generator(latent, label))
        return sample if self.scorer is None else (sample, self.scorer(sample, label))


def to_onnx(
    generator: nn.Module, kind: Kind, latent_size: int, classes: int, judge: Classifier | None = None
) -> onnx.ModelProto:
    """The addressed graph of a generator: see training.latent.with_latent for its inputs and outputs.

    generator: float32 [n, latent_size], int64 [n] -> float32 [n, *form] in [-1, 1].
    kind:      whose decoder ends the graph.
    judge:     fitted on real samples of the same classes; its confidence in the label becomes the output `score`,
               float32 [n] in [0, 1]. None: the graph has no such output.
    """
    module = _Exported(_fixed(generator), kind, judge).eval()
    # Two rows: the exporter would take a batch of one for a constant.
    example = (torch.zeros(2, latent_size), torch.arange(2) % classes)
    rows = torch.export.Dim("n")
    # The exporter talks about its own passes on every channel there is; its errors are exceptions.
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                example,
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=["latent", "label"],
                output_names=[artifact.OUTPUT] if judge is None else [artifact.OUTPUT, artifact.SCORE],
                dynamic_shapes={"latent": {0: rows}, "label": {0: rows}},
            )
    finally:
        logging.disable(previous)
    assert program is not None
    return with_latent(_tidy(program.model_proto), latent_size)


def _fixed(generator: nn.Module) -> nn.Module:
    """A copy on the CPU, in float32 and in plain layers: what only training needs is folded into the weights."""
    return networks.folded(copy.deepcopy(generator).cpu().float().eval())


def _tidy(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without the exporter's notes on source lines: they double the file and name paths of this machine."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    return model


def _rows(n: int, classes: int, seed: int, start: int = 0) -> artifact.Rows:
    return artifact.Rows(
        np.full(n, artifact.mix_seed(seed), np.uint64),
        np.arange(start, start + n, dtype=np.uint64),
        np.arange(start, start + n, dtype=np.int64) % classes,
        np.ones(n, np.float32),
    )


def latents(latent_size: int, rows: artifact.Rows) -> np.ndarray:
    """float32 [n, latent_size]: what an exported graph computes from addresses before its network."""
    nodes = [helper.make_node("Identity", ["latent"], [artifact.OUTPUT])]
    graph = helper.make_graph(
        nodes,
        "latent",
        [
            helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["n", latent_size]),
            helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]),
        ],
        [helper.make_tensor_value_info(artifact.OUTPUT, TensorProto.FLOAT, ["n", latent_size])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    return Session(with_latent(model, latent_size).SerializeToString()).run(rows)


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
    module = _Exported(_fixed(generator), kind).eval()
    most = max(PARITY_SIZES)
    rows = _rows(most, classes, seed=1)
    together = session.run(rows)
    expected = module(torch.from_numpy(latents(latent_size, rows)), torch.from_numpy(rows.label)).numpy()
    distance = np.abs(together.astype(np.float64) - expected.astype(np.float64)) / value_range(kind.dtype)
    if distance.max() > PARITY_LARGEST or np.mean(distance > PARITY_SMALL) > PARITY_SHARE:
        raise ExportError(
            f"ONNX Runtime and PyTorch differ by up to {distance.max():.2%} of the range of values, in "
            f"{np.mean(distance > PARITY_SMALL):.2%} of them; at most {PARITY_LARGEST:.2%} in {PARITY_SHARE:.0%} is "
            "rounding"
        )
    for size in PARITY_SIZES:
        pages = [session.run(_rows(size, classes, seed=1, start=start)) for start in range(0, most - size + 1, size)]
        alone = np.concatenate(pages)
        if not np.array_equal(alone, together[: len(alone)]):
            raise ExportError(f"samples made {size} at a time differ from the same samples made {most} at a time")
    if judge is not None:
        _prove_scores(session, together, rows, judge)


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
            if not np.array_equal(again[0], samples[page]):
                raise ExportError(f"samples made {size} at a time with scores differ from the same samples without")
            if not np.array_equal(again[1], scores[page]):
                raise ExportError(
                    f"scores computed {size} at a time differ from the same scores computed {most} at a time: "
                    "selected samples would have no addresses"
                )


def with_golden(message: pb.Generator, model: onnx.ModelProto) -> pb.Generator:
    """A copy of the message with golden samples: one per class, fewer of many classes or large samples."""
    message = pb.Generator.FromString(message.SerializeToString())
    size = int(np.prod(message.sample.shape)) * artifact.sample_dtype(message).itemsize
    count = max(1, min(len(message.labels), GOLDEN_SAMPLES, GOLDEN_BYTES // size))
    del message.golden[:]
    for number in range(count):
        label = number * len(message.labels) // count
        message.golden.add(seed=2**40 + number, index=10**9 * number, class_index=label, truncation=1.0)
    samples = Session(model.SerializeToString()).run(artifact.golden_rows(message))
    for golden, sample in zip(message.golden, samples, strict=True):
        golden.data = sample.tobytes()
    return message


def publish(models: Path, message: pb.Generator, model: onnx.ModelProto) -> Path:
    """Publish a model as the generator's next version.

    message: complete but for version and golden samples.
    returns: path of the published model.onnx.
    """
    message = with_golden(message, model)
    return artifact.publish(models, message.name, lambda version: build(message, model, version))


def build(message: pb.Generator, model: onnx.ModelProto, version: int) -> bytes:
    """The bytes of a complete file: the message embedded, then read back and checked as the service does.

    message: with golden samples; its version is replaced.
    """
    message.version = version
    content = artifact.embed(model, message)
    verify(Session(content))
    return content
