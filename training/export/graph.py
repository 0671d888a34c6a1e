"""From a trained generator to a published artifact: one ONNX file that proves itself before anybody can read it."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings

import onnx
import torch
from torch import Tensor, nn

from service import artifact
from training import networks
from training.data.kind import Kind
from training.export import carrying, unrolled
from training.export.address import OPSET, with_latent
from training.judge.classifier import Classifier

# PyTorch and ONNX Runtime add up in different orders; where a value falls on the edge of two levels they may disagree.
PARITY_LARGEST = 1 / 255 + 1e-9  # of the range of values: one level of an image
PARITY_SMALL = 1e-4  # differences up to here are not counted: less than a level of an image, 6 of int16


class _Exported(nn.Module):
    """latent, label and what else the generator takes -> dtype [n, *shape] of the kind; with a judge, scores too."""

    def __init__(self, generator: nn.Module, kind: Kind, judge: Classifier | None = None) -> None:
        super().__init__()
        self.sampler = networks.Sampler(generator, kind)
        # ONNX Runtime adds up a product of one row in another order than one of many. Where the decoder rounds, nobody
        # sees it; else a row more is made.
        self.exact = kind.dtype.kind == "f"
        self.scorer = None if judge is None else judge.scorer()

    def forward(self, latent: Tensor, label: Tensor, *chance: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        if self.exact:
            latent, label, *others = (torch.cat([each, each[:1]]) for each in (latent, label, *chance))
            sample = self.sampler(latent, label, *others)[:-1]
            label = label[:-1]
        else:
            sample = self.sampler(latent, label, *chance)
        return sample if self.scorer is None else (sample, self.scorer(sample, label))


class _Decoded(nn.Module):
    """int64 [n, positions], float32 [n, positions] -> dtype [n, *shape] of the kind; with a judge, scores too."""

    def __init__(self, kind: Kind, judge: Classifier | None) -> None:
        super().__init__()
        assert kind.tokens is not None
        self.decoder = kind.tokens.decoder()
        self.scorer = None if judge is None else judge.scorer()

    def forward(self, tokens: Tensor, rest: Tensor, label: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        sample = self.decoder(tokens, rest)
        return sample if self.scorer is None else (sample, self.scorer(sample, label))


def with_carrier(
    model: onnx.ModelProto, carrier: networks.Carrier, kind: Kind, classes: int, judge: Classifier
) -> onnx.ModelProto:
    """The graph of a generator, with what carries samples into other classes beside it: see training.export.carrying.

    judge: fitted on real samples; it says of which class a sample is, where nobody else does.
    """
    module = carrying.Carried(fixed(carrier), kind, judge.network())
    branch = _exported(module, carrying.example(kind, classes), [artifact.TRANSFORMED, artifact.RECOGNISED])
    return carrying.joined(model, carrying.with_dimension(branch, kind), kind)


def to_onnx(
    generator: nn.Module, kind: Kind, latent_size: int, classes: int, judge: Classifier | None = None
) -> onnx.ModelProto:
    """The addressed graph of a generator: see training.export.address.with_latent for its inputs and outputs.

    generator: float32 [n, latent_size], int64 [n] and what else it says that it takes (training.networks.chance) ->
               float32 [n, *form] in [-1, 1], or tokens.
    kind:      whose decoder ends the graph.
    judge:     fitted on real samples of the same classes; its confidence in the label becomes the output `score`,
               float32 [n] in [0, 1]. None: the graph has no such output.
    """
    plain = fixed(generator)
    outputs = [artifact.OUTPUT] if judge is None else [artifact.OUTPUT, artifact.SCORE]
    # Two rows: the exporter would take a batch of one for a constant.
    taken, two, label = networks.chance(generator), torch.ones(2), torch.arange(2) % classes
    chance = taken.inputs(torch.ones(2, taken.draws), two)
    if isinstance(plain, networks.Unrolled):
        given = {unrolled.TOKENS: torch.zeros(2, taken.draws, dtype=torch.int64), unrolled.REST: chance[0]}
        decoded = _exported(_Decoded(kind, judge), given | ({} if judge is None else {"label": label}), outputs)
        return with_latent(unrolled.prepend(decoded, plain), latent_size, taken.draws)
    names = ["latent", "label", *(["uniform"] if taken.draws else []), *(["truncation"] if taken.tempered else [])]
    inputs = dict(zip(names, (torch.zeros(2, latent_size), label, *chance), strict=True))
    return with_latent(_exported(_Exported(plain, kind, judge), inputs, outputs), latent_size, taken.draws)


def _exported(module: nn.Module, inputs: dict[str, Tensor], outputs: list[str]) -> onnx.ModelProto:
    """A module with inputs by name, of two rows each, and outputs by name."""
    rows = {0: torch.export.Dim("n")}
    # The exporter talks about its own passes on every channel there is; its errors are exceptions.
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module.eval(),
                tuple(inputs.values()),
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=list(inputs),
                output_names=outputs,
                dynamic_shapes=_rows_of(module, rows, len(inputs)),
            )
    finally:
        logging.disable(previous)
    assert program is not None
    return _tidy(program.model_proto)


def _rows_of(module: nn.Module, rows: object, count: int) -> tuple[object, ...]:
    """What the exporter is told of each input; those that a module takes as `*chance` are one."""
    if not isinstance(module, _Exported) or count == 2:
        return (rows,) * count
    return (rows, rows, (rows,) * (count - 2))


def fixed(generator: nn.Module) -> nn.Module:
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
