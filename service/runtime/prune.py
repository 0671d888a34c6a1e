"""The graph of an ONNX file without one of its outputs: read and written with protobuf alone.

ONNX Runtime computes every node of a graph, whichever outputs are asked for (measured with 1.31, also with its option
`only_execute_path_to_fetches`). So samples without scores need a graph that has no scores.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "augmint.onnx_subset"
# What is read of onnx.proto: message -> field -> (number, type, message type). All else is kept as it is.
_FIELDS: dict[str, dict[str, tuple[int, str]]] = {
    "Model": {"graph": (7, "Graph")},
    "Graph": {"node": (1, "Node"), "initializer": (5, "Named8"), "output": (12, "Named1")},
    "Node": {"input": (1, "string"), "output": (2, "string")},
    "Named1": {"name": (1, "string")},
    "Named8": {"name": (8, "string")},
}


def without_output(content: bytes, name: str) -> bytes | None:
    """The file without an output, and without the nodes and weights that nothing else needs; None if it has no such.

    content: the bytes of an ONNX file.
    Bytes that are no ONNX file are None too: what loads them says what is wrong.
    """
    try:
        model = _model().FromString(content)
    except Exception:  # protobuf's DecodeError, of whichever implementation is at work
        return None
    graph = model.graph
    if name not in {output.name for output in graph.output}:
        return None
    kept = [output for output in graph.output if output.name != name]
    needed = {output.name for output in kept}
    nodes = []
    # In a valid file nodes stand behind those that they read from.
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    _replace(graph.node, list(reversed(nodes)))
    _replace(graph.initializer, [weights for weights in graph.initializer if weights.name in needed])
    _replace(graph.output, kept)
    return model.SerializeToString()


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
            single = name == "graph" or message.startswith("Named")
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
