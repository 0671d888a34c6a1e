"""Folders of generators, good and bad."""

import numpy as np
import onnx
from google.protobuf import json_format
from onnx import helper, numpy_helper

from augmint.v1 import generator_pb2 as pb
from service import artifact
from tests import generators


def place(models, content, name="tiny", version="1"):
    folder = models / name / version
    folder.mkdir(parents=True)
    (folder / artifact.FILE_NAME).write_bytes(content)
    return folder / artifact.FILE_NAME


def altered(change, **options):
    """A real artifact whose metadata are changed after validation."""
    model = onnx.load_from_string(generators.build(**options))
    entry = next(entry for entry in model.metadata_props if entry.key == artifact.METADATA_KEY)
    message = json_format.Parse(entry.value, pb.Generator())
    change(message)
    entry.value = json_format.MessageToJson(message)
    return model.SerializeToString()


def without_metadata():
    model = onnx.load_from_string(generators.build())
    del model.metadata_props[:]
    return model.SerializeToString()


def broken_golden(message):
    message.golden[0].data = bytes(len(message.golden[0].data))


def broken_carried(message):
    message.golden[1].transformed = bytes(len(message.golden[1].transformed))


def not_carried(message):
    message.golden[1].transformed = b""


def promised_only(message):
    message.transforms = True
    for golden in message.golden:
        golden.transformed = golden.data


def carrying_otherwise(change):
    """A real artifact that transforms, whose graph is changed."""
    model = onnx.load_from_string(generators.build(transforms=True))
    change(model.graph)
    return model.SerializeToString()


def by_address(graph):
    for node in graph.node:
        if node.output[0] == "c_far":
            node.input[0] = "label"


def required(graph):
    kept = [weights for weights in graph.initializer if weights.name != "strength"]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def by_neighbours(graph):
    """Content minus the mean of the batch's."""
    constants = [numpy_helper.from_array(np.array([0], np.int64), "c_first")]
    graph.initializer.extend(constants)
    for node in graph.node:
        if node.output[0] == "c_inside":
            node.input[0] = "c_centred"
    place = next(number for number, node in enumerate(graph.node) if node.output[0] == "c_inside")
    graph.node.insert(place, helper.make_node("Sub", ["c_moved", "c_mean"], ["c_centred"]))
    graph.node.insert(place, helper.make_node("ReduceMean", ["c_moved", "c_first"], ["c_mean"], keepdims=1))


def other_shape(message):
    message.sample.shape[:] = [4, 16, 1]


def other_weights():
    model = onnx.load_from_string(generators.build())
    for tensor in model.graph.initializer:
        if tensor.name == "second":
            tensor.raw_data = (np.frombuffer(tensor.raw_data, np.float32) * 1.5).tobytes()
    return model.SerializeToString()


def other_characters():
    content = generators.build()
    return content.replace(b'"name": "tiny"', b'"name": "t\xffny"', 1)


BAD = {
    "empty": (lambda: b"", "cannot load the file"),
    "not onnx": (lambda: b"hello", "cannot load the file"),
    "truncated": (lambda: generators.build()[:-200], "cannot load the file"),
    "not text": (other_characters, "a text in the file is not UTF-8"),
    "no metadata": (without_metadata, "no metadata augmint.v1.Generator"),
    "no labels": (lambda: altered(lambda message: message.ClearField("labels")), "no labels"),
    "other shape": (lambda: altered(other_shape), "graph output sample is uint8"),
    "other name": (lambda: generators.build(name="other"), "says that it is other/1, and it lies in tiny/1"),
    "other version": (lambda: generators.build(version=2), "says that it is tiny/2, and it lies in tiny/1"),
    "golden": (lambda: altered(broken_golden), "golden sample 0 .* differs from the one recorded"),
    "carried golden": (
        lambda: altered(broken_carried, transforms=True),
        "golden sample 1 carried into another class differs from the one recorded",
    ),
    "no carried golden": (
        lambda: altered(not_carried, transforms=True),
        r"golden\[1\].transformed has 0 bytes; a sample has 64",
    ),
    "carried by a file that promises nothing": (
        lambda: altered(lambda message: message.ClearField("transforms"), transforms=True),
        r"golden\[0\].transformed is given, and the generator transforms nothing",
    ),
    "nothing carries": (lambda: altered(promised_only), "graph optional inputs are .*; wanted content, target"),
    "carried by address": (
        lambda: carrying_otherwise(by_address),
        "cannot be divided: output .* needs the input label",
    ),
    "required": (lambda: carrying_otherwise(required), "graph inputs are .*strength"),
    "carried by neighbours": (
        lambda: carrying_otherwise(by_neighbours),
        "golden sample carried into another class, number 0 alone differs from itself in a batch",
    ),
    "weights": (other_weights, "golden sample 0 .* differs from the one recorded"),
}
