"""The draws of an address, inside the graph: Squares random numbers and Box-Muller, in operators that a GPU has.

ONNX Runtime has no CUDA kernel for shifts and bitwise operators, and Where, Tile, Clip have none for uint64. Squares
(Widynski, arXiv:2004.06278, `squares32`) gets by with 64-bit multiplication and addition modulo 2^64 and a rotation
by 32, which is a division plus a multiplication: the two halves do not overlap, so + is |.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from service.artifact import DRAWS_PER_INDEX, INPUTS

OPSET = 20

# Rows of the random numbers are a multiple of this many elements wide, so that every row meets the vector kernels
# (16 floats on AVX-512) at the same offset, whatever the batch: vector and scalar code may differ in the last bit.
ROW_ALIGNMENT = 16


class Nodes:
    """Collects nodes and initialisers, and names their outputs."""

    def __init__(self, prefix: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._prefix = prefix

    def constant(self, name: str, value: np.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(value, f"{self._prefix}{name}"))
        return f"{self._prefix}{name}"

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: int) -> str:
        output = output or f"{self._prefix}{len(self.nodes)}"
        node = helper.make_node(operator, list(inputs), [output])
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return output


def _squares32(graph: Nodes, counter: str, key: str) -> str:
    """Four rounds; the result's upper 24 bits as float32 in (0, 1], exactly representable."""
    two32 = graph.constant("two32", np.array(2**32, np.uint64))

    def square_add(x: str, addend: str) -> str:
        return graph.add("Add", graph.add("Mul", x, x), addend)

    def rotate(x: str) -> str:
        return graph.add("Add", graph.add("Div", x, two32), graph.add("Mul", x, two32))

    y = graph.add("Mul", counter, key)
    z = graph.add("Add", y, key)
    x = rotate(square_add(y, y))
    x = rotate(square_add(x, z))
    x = rotate(square_add(x, y))
    x = square_add(x, z)
    # The 32-bit result is x >> 32; its upper 24 bits are x >> 40. One is added so that the logarithm is finite.
    bits = graph.add("Div", x, graph.constant("two40", np.array(2**40, np.uint64)))
    count = graph.add(
        "Add", graph.add("Cast", bits, to=TensorProto.FLOAT), graph.constant("one", np.array(1, np.float32))
    )
    return graph.add("Mul", count, graph.constant("resolution", np.array(2.0**-24, np.float32)))


def with_latent(network: onnx.ModelProto, latent_size: int, draws: int = 0) -> onnx.ModelProto:
    """A graph that takes addresses, made from one that takes what is drawn for a sample.

    network:     inputs `latent` float32 [n, latent_size], `label` int64 [n], `uniform` float32 [n, draws] and
                 `truncation` float32 [n], each if it needs it; output `sample` [n, ...]; opset 20. More outputs may
                 follow.
    latent_size: normal draws per sample, at least 0.
    draws:       uniform draws per sample, at least 0; with those of the latent at least 1, at most 65536.
    returns:     inputs seed, index, label, truncation (see service.artifact.INPUTS), the network's outputs.
                 The latent is truncation * N(0, 1), draw j of index i being number i * 65536 + j of the seed's stream.
                 The uniform draws, in (0, 1], are the next ones.
    """
    pairs = -(-latent_size // (2 * ROW_ALIGNMENT)) * ROW_ALIGNMENT
    count = 2 * pairs + -(-draws // ROW_ALIGNMENT) * ROW_ALIGNMENT
    if latent_size < 0 or draws < 0 or not 1 <= count <= DRAWS_PER_INDEX:
        more = f" with {draws} uniform draws" if draws else ""
        raise ValueError(f"latent_size {latent_size}{more} is outside [1, {DRAWS_PER_INDEX}], the draws of an index")

    head = Nodes("address/")
    column = head.constant("column", np.array([1], np.int64))
    key = head.add("Unsqueeze", "seed", column)
    first = head.add("Mul", "index", head.constant("draws", np.array(DRAWS_PER_INDEX, np.uint64)))
    draw = head.constant("draw", np.arange(count, dtype=np.uint64)[None, :])
    counter = head.add("Add", head.add("Unsqueeze", first, column), draw)
    uniform = _squares32(head, counter, key)

    def part(start: int, stop: int, source: str, name: str, output: str | None = None) -> str:
        begin, end = (head.constant(f"{name}{at}", np.array([at], np.int64)) for at in (start, stop))
        return head.add("Slice", source, begin, end, column, output=output)

    if latent_size:
        # Box-Muller: draws [0, pairs) give the radius, draws [pairs, 2 pairs) the angle.
        minus_two = head.constant("minus_two", np.array(-2, np.float32))
        radius = head.add("Sqrt", head.add("Mul", head.add("Log", part(0, pairs, uniform, "radius")), minus_two))
        turn = head.constant("turn", np.array(2 * np.pi, np.float32))
        angle = head.add("Mul", part(pairs, 2 * pairs, uniform, "angle"), turn)
        # Truncation scales the radius: half the multiplications, and both coordinates alike.
        radius = head.add("Mul", radius, head.add("Unsqueeze", "truncation", column))
        cosine = head.add("Mul", radius, head.add("Cos", angle))
        sine = head.add("Mul", radius, head.add("Sin", angle))
        normal = head.add("Concat", cosine, sine, axis=1)
        if latent_size == 2 * pairs:
            head.add("Identity", normal, output="latent")
        else:
            zero, size = head.constant("zero", np.array([0], np.int64)), head.constant("size", np.array([latent_size]))
            head.add("Slice", normal, zero, size, column, output="latent")
    if draws:
        part(2 * pairs, 2 * pairs + draws, uniform, "uniform", "uniform")

    graph = helper.make_graph(
        [*head.nodes, *network.graph.node],
        "generator",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dt), ["n"])
            for name, dt in INPUTS.items()
        ],
        list(network.graph.output),
        [*head.initializers, *network.graph.initializer],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="augmint")
    model.ir_version = min(network.ir_version, 10)
    onnx.checker.check_model(model, full_check=True)
    return model
