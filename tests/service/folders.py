"""Folders of generators, good and bad."""

import numpy as np
import onnx
from google.protobuf import json_format

from augmint.v1 import generator_pb2 as pb
from service import artifact
from tests import generators


def place(models, content, name="tiny", version="1"):
    folder = models / name / version
    folder.mkdir(parents=True)
    (folder / artifact.FILE_NAME).write_bytes(content)
    return folder / artifact.FILE_NAME


def altered(change):
    """A real artifact whose metadata are changed after validation."""
    model = onnx.load_from_string(generators.build())
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
    "weights": (other_weights, "golden sample 0 .* differs from the one recorded"),
}
