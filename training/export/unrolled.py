"""A generator that chooses one token after another, as nodes of a graph.

Written here and not by PyTorch's exporter, which takes 0.7 s a position: 300 of them are exported in a second. That the
graph computes what the module does is proven for every file (training.export.parity).
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper
from torch import Tensor

from training.export.address import Nodes
from training.networks import Unrolled
from training.networks.autoregressive import COLDEST, SMALLEST, Factor

TOKENS, REST = "tokens", "rest"


def prepend(network: onnx.ModelProto, generator: Unrolled) -> onnx.ModelProto:
    """A graph that takes what is drawn for a sample, made from one that takes tokens.

    network: inputs `tokens` int64 [n, positions], `rest` float32 [n, positions] and, if it needs it, `label` int64 [n].
    returns: inputs label, uniform, truncation (see training.export.address.with_latent), the network's outputs.
    """
    nodes = Nodes("choices/")
    column = nodes.constant("column", np.array([1], np.int64))
    first = nodes.constant("first", np.array([0], np.int64))
    coldest = nodes.constant("coldest", np.array(COLDEST, np.float32))
    temperature = nodes.add("Max", nodes.add("Unsqueeze", "truncation", column), coldest)
    axis = nodes.constant("axis", np.array(1, np.int64))

    seen = nodes.add("Gather", nodes.constant("label", _array(generator.label)), "label")
    uniform = [
        nodes.add(
            "Slice", "uniform", *(nodes.constant(f"{at}/{to}", np.array([to], np.int64)) for to in (at, at + 1)), column
        )
        for at in range(generator.draws)
    ]
    zero = nodes.add("Sub", uniform[0], uniform[0])
    one = nodes.add("Add", zero, nodes.constant("one", np.array(1, np.float32)))
    none = nodes.add("Cast", zero, to=TensorProto.INT64)
    tokens: list[str] = []
    before: list[str] = []  # of the distribution function, where the choice begins
    share: list[str] = []
    for at, factor in enumerate(generator.factors):
        table = nodes.constant(f"{at}/table", _array(factor.table))
        if len(factor.table) == 1:
            tokens, before, share = [*tokens, none], [*before, zero], [*share, one]
        else:
            logits = _logits(nodes, at, factor, seen)
            shares = nodes.add("Softmax", nodes.add("Div", logits, temperature), axis=1)
            last = nodes.constant(f"{at}/last", np.array([len(factor.table) - 1], np.int64))
            reached = nodes.add("Slice", nodes.add("CumSum", shares, axis), first, last, column)
            below = nodes.add("Cast", nodes.add("Less", reached, uniform[at]), to=TensorProto.INT64)
            tokens.append(nodes.add("ReduceSum", below, column, keepdims=1))
            before.append(nodes.add("GatherElements", nodes.add("Concat", zero, reached, axis=1), tokens[at], axis=1))
            share.append(nodes.add("GatherElements", shares, tokens[at], axis=1))
        if at + 1 < generator.draws:
            embedded = nodes.add("Squeeze", nodes.add("Gather", table, tokens[at]), column)
            seen = nodes.add("Concat", seen, embedded, axis=1)
    nodes.add("Concat", *tokens, output=TOKENS, axis=1)
    past = nodes.add("Sub", "uniform", nodes.add("Concat", *before, axis=1))
    smallest = nodes.constant("smallest", np.array(SMALLEST, np.float32))
    left = nodes.add("Div", past, nodes.add("Max", nodes.add("Concat", *share, axis=1), smallest))
    nodes.add("Min", left, nodes.constant("most", np.array(1, np.float32)), output=REST)

    return _joined(nodes, network, generator.draws)


def _logits(nodes: Nodes, at: int, factor: Factor, seen: str) -> str:
    """Of one choice, before temperature: its layers over what is embedded of the label and the choices before it."""
    hidden = seen
    for layer, (weight, bias) in enumerate(factor.layers):
        hidden = nodes.add("Relu", hidden) if layer else hidden
        weights = [nodes.constant(f"{at}/{layer}/{name}", _array(each)) for name, each in (("w", weight), ("b", bias))]
        hidden = nodes.add("Gemm", hidden, *weights, transB=1)
    return hidden


def _joined(nodes: Nodes, network: onnx.ModelProto, draws: int) -> onnx.ModelProto:
    """One graph of both: the choices, then the network that takes them."""
    inputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]),
        helper.make_tensor_value_info("uniform", TensorProto.FLOAT, ["n", draws]),
        helper.make_tensor_value_info("truncation", TensorProto.FLOAT, ["n"]),
    ]
    graph = helper.make_graph(
        [*nodes.nodes, *network.graph.node],
        "choices",
        inputs,
        list(network.graph.output),
        [*nodes.initializers, *network.graph.initializer],
    )
    model = helper.make_model(graph, opset_imports=network.opset_import)
    model.ir_version = network.ir_version
    return model


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy().astype(np.float32)
