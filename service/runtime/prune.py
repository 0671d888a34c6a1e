"""A part of the graph of an ONNX file: some of its outputs and what they need; read and written with protobuf alone.

ONNX Runtime computes every node of a graph, whichever outputs are asked for (measured with 1.31, also with its option
`only_execute_path_to_fetches`). So samples without scores need a graph that has no scores.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "augmint.onnx_subset"
# What is read of onnx.proto: message -> field -> (number, type, message type). All else is kept as it is.
_FIELDS: dict[str, dict[str, tuple[int, str]]] = {
    "Model": {"graph": (7, "Graph")},
    "Graph": {
        "node": (1, "Node"),
        "initializer": (5, "Named8"),
        "input": (11, "Named1"),
        "output": (12, "Named1"),
    },
    "Node": {"input": (1, "string"), "output": (2, "string"), "attribute": (5, "Attribute")},
    "Attribute": {"g": (6, "Graph"), "graphs": (11, "Graph")},
    "Named1": {"name": (1, "string")},
    "Named8": {"name": (8, "string")},
}


class Needed(ValueError):
    """A part of a graph cannot do without the rest of it."""


def part(content: bytes, inputs: Collection[str], outputs: Collection[str]) -> bytes | None:
    """The file with some of its outputs, and with the nodes and weights that they need; None if it lacks one of them.

    content: the bytes of an ONNX file.
    inputs:  those that the part has, needed or not. What the graph has for them where they are not given, is gone.
    Bytes that are no ONNX file are None too: what loads them says what is wrong.
    Raises Needed if an output needs another input, one that the graph has no value for.
    """
    try:
        model = _model().FromString(content)
    except Exception:  # protobuf's DecodeError, of whichever implementation is at work
        return None
    graph = model.graph
    kept = [output for output in graph.output if output.name in outputs]
    if len(kept) < len(outputs):
        return None
    needed = {output.name for output in kept}
    nodes = []
    # In a valid file nodes stand behind those that they read from.
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(_read(node))
            nodes.append(node)
    weights = [each for each in graph.initializer if each.name in needed and each.name not in inputs]
    known = {each.name for each in weights}
    for other in graph.input:
        if other.name in needed and other.name not in inputs and other.name not in known:
            raise Needed(f"output {' or '.join(sorted(outputs))} needs the input {other.name}")
    _replace(graph.node, list(reversed(nodes)))
    _replace(graph.initializer, weights)
    _replace(graph.input, [each for each in graph.input if each.name in inputs])
    _replace(graph.output, kept)
    return model.SerializeToString()


def _read(node: Any) -> set[str]:
    """What a node reads, in graphs of its own as well (a branch, the body of a loop)."""
    found = set(node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            found.update(output.name for output in graph.output)
            for inner in graph.node:
                found |= _read(inner)
    return found


def _replace(field: Any, values: list[Any]) -> None:
    copies = [type(value).FromString(value.SerializeToString()) for value in values]
    del field[:]
    field.extend(copies)


@cache
def _model() -> Any:
    """The message class of an ONNX file, as far as it is read here."""
    file = descriptor_pb2.FileDescriptorProto(name="augmint/onnx_subset.proto", package=_PACKAGE, syntax="proto2")
    field_type = descriptor_pb2.FieldDescriptorProto
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            single = name in ("graph", "g") or message.startswith("Named")
            field = described.field.add(
                name=name,
                number=number,
                label=field_type.LABEL_OPTIONAL if single else field_type.LABEL_REPEATED,
                type=field_type.TYPE_STRING if kind == "string" else field_type.TYPE_MESSAGE,
            )
            if kind != "string":
                field.type_name = f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Model"))
