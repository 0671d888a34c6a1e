"""Real artifacts without training: a random two-layer perceptron behind the same addressed latent as any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import columns
from training.export.address import OPSET, with_latent

DIGITS = tuple(str(digit) for digit in range(10))


def network(
    classes: int = 10,
    shape: tuple[int, ...] = (8, 8, 1),
    hidden: int = 32,
    latent_size: int = 16,
    seed: int = 0,
    scored: bool = False,
) -> onnx.ModelProto:
    """latent float32 [n, latent_size], label int64 [n] -> sample uint8 [n, *shape]; no two classes or latents alike.

    scored: with an output `score`, float32 [n], the softmax of random logits at the label.
    """
    random = np.random.default_rng(seed)
    size = int(np.prod(shape))

    def weights(name: str, *extents: int) -> onnx.TensorProto:
        values = random.standard_normal(extents) / np.sqrt(extents[0])
        return numpy_helper.from_array(values.astype(np.float32), name)

    initializers = [
        weights("first", latent_size, hidden),
        weights("classes", classes, hidden),
        weights("second", hidden, size),
        numpy_helper.from_array(np.array(127.5, np.float32), "half"),
        numpy_helper.from_array(np.array(128, np.float32), "middle"),
        numpy_helper.from_array(np.array([-1, *shape], np.int64), "shape"),
    ]
    nodes = [
        helper.make_node("MatMul", ["latent", "first"], ["projected"]),
        helper.make_node("Gather", ["classes", "label"], ["class"]),
        helper.make_node("Add", ["projected", "class"], ["summed"]),
        helper.make_node("LeakyRelu", ["summed"], ["hidden"], alpha=0.2),
        helper.make_node("MatMul", ["hidden", "second"], ["logits"]),
        helper.make_node("Tanh", ["logits"], ["unit"]),
        helper.make_node("Mul", ["unit", "half"], ["scaled"]),
        helper.make_node("Add", ["scaled", "middle"], ["levels"]),
        helper.make_node("Cast", ["levels"], ["bytes"], to=TensorProto.UINT8),
        helper.make_node("Reshape", ["bytes", "shape"], ["sample"]),
    ]
    outputs = [helper.make_tensor_value_info("sample", TensorProto.UINT8, ["n", *shape])]
    if scored:
        initializers += [weights("judge", hidden, classes), numpy_helper.from_array(np.array([1], np.int64), "one")]
        nodes += [
            helper.make_node("MatMul", ["hidden", "judge"], ["votes"]),
            helper.make_node("Softmax", ["votes"], ["shares"], axis=1),
            helper.make_node("Unsqueeze", ["label", "one"], ["column"]),
            helper.make_node("GatherElements", ["shares", "column"], ["picked"], axis=1),
            helper.make_node("Squeeze", ["picked", "one"], ["score"]),
        ]
        outputs.append(helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n"]))
    graph = helper.make_graph(
        nodes,
        "perceptron",
        [
            helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["n", latent_size]),
            helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]),
        ],
        outputs,
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 10
    return model


def carrying(model: onnx.ModelProto, classes: int, shape: tuple[int, ...]) -> None:
    """Add the optional inputs and the outputs of a graph that transforms: plain arithmetic, see `carried`."""
    rank = len(shape)
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.zeros((0, *shape), np.uint8), "content"),
            numpy_helper.from_array(np.zeros(0, np.int64), "target"),
            numpy_helper.from_array(np.zeros(0, np.int64), "source"),
            numpy_helper.from_array(np.zeros(0, np.float32), "strength"),
            numpy_helper.from_array(np.array(0, np.int64), "c_zero"),
            numpy_helper.from_array(np.array(classes, np.int64), "c_classes"),
            numpy_helper.from_array(np.array([-1] + [1] * rank, np.int64), "c_column"),
            numpy_helper.from_array(np.arange(1, rank + 1), "c_axes"),
            numpy_helper.from_array(np.array(0, np.float32), "c_least"),
            numpy_helper.from_array(np.array(255, np.float32), "c_most"),
        ]
    )
    model.graph.input.extend(
        [
            helper.make_tensor_value_info("content", TensorProto.UINT8, ["m", *shape]),
            helper.make_tensor_value_info("target", TensorProto.INT64, ["m"]),
            helper.make_tensor_value_info("source", TensorProto.INT64, ["m"]),
            helper.make_tensor_value_info("strength", TensorProto.FLOAT, ["m"]),
        ]
    )
    model.graph.node.extend(
        [
            helper.make_node("Cast", ["content"], ["c_whole"], to=TensorProto.INT64),
            helper.make_node("ReduceSum", ["c_whole", "c_axes"], ["c_sum"], keepdims=0),
            helper.make_node("Mod", ["c_sum", "c_classes"], ["c_guess"]),
            helper.make_node("Less", ["source", "c_zero"], ["c_unknown"]),
            helper.make_node("Where", ["c_unknown", "c_guess", "source"], ["recognised"]),
            helper.make_node("Sub", ["target", "recognised"], ["c_far"]),
            helper.make_node("Cast", ["c_far"], ["c_farther"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["c_farther", "strength"], ["c_step"]),
            helper.make_node("Reshape", ["c_step", "c_column"], ["c_steps"]),
            helper.make_node("Cast", ["content"], ["c_levels"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["c_levels", "c_steps"], ["c_moved"]),
            helper.make_node("Clip", ["c_moved", "c_least", "c_most"], ["c_inside"]),
            helper.make_node("Cast", ["c_inside"], ["transformed"], to=TensorProto.UINT8),
        ]
    )
    model.graph.output.extend(
        [
            helper.make_tensor_value_info("transformed", TensorProto.UINT8, ["m", *shape]),
            helper.make_tensor_value_info("recognised", TensorProto.INT64, ["m"]),
        ]
    )


def carried(
    content: np.ndarray, target: Any, source: Any = None, strength: float = 1.0, classes: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """What a graph of `carrying` makes of samples: a level more for every class further; a guess is the sum's."""
    axes = tuple(range(1, content.ndim))
    guess = content.sum(axis=axes, dtype=np.int64) % classes
    known = guess if source is None else np.broadcast_to(np.asarray(source, np.int64), guess.shape)
    steps = ((np.asarray(target, np.int64) - known).astype(np.float32) * np.float32(strength)).astype(np.float32)
    moved = content.astype(np.float32) + steps.reshape(-1, *[1] * len(axes))
    return np.clip(moved, 0, 255).astype(np.uint8), known


def build(
    name: str = "tiny",
    version: int = 1,
    labels: tuple[str, ...] = DIGITS,
    shape: tuple[int, ...] = (8, 8, 1),
    hidden: int = 32,
    latent_size: int = 16,
    seed: int = 0,
    scored: bool = False,
    transforms: bool = False,
) -> bytes:
    """The bytes of a complete artifact; `shape` is (height, width, 1 or 3)."""
    model = with_latent(network(len(labels), shape, hidden, latent_size, seed, scored), latent_size)
    if transforms:
        carrying(model, len(labels), shape)
    color = pb.COLOR_SPACE_RGB if shape[-1] == 3 else pb.COLOR_SPACE_GRAY
    generator = pb.Generator(
        name=name,
        version=version,
        labels=labels,
        sample=pb.SampleSpec(shape=shape, dtype=pb.DATA_TYPE_UINT8, image=pb.ImageSpec(color_space=color)),
        latent_size=latent_size,
        scored=scored,
        transforms=transforms,
        provenance=pb.Provenance(preset="random-perceptron", opset=OPSET, seed=seed),
        golden=[
            pb.GoldenSample(seed=7, index=1000 + number, class_index=number % len(labels), truncation=1.0)
            for number in range(4)
        ],
    )
    return complete(model, generator)


def of_nodes(
    nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray], latent_size: int, sample: pb.SampleSpec
) -> onnx.ModelProto:
    """A graph of a few operators: latent float32 [n, latent_size], label int64 [n] -> "sample", as specified."""
    dtype = helper.np_dtype_to_tensor_dtype(artifact.DTYPES[sample.dtype])
    graph = helper.make_graph(
        nodes,
        "untrained",
        [
            helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["n", latent_size]),
            helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]),
        ],
        [helper.make_tensor_value_info("sample", dtype, ["n", *sample.shape])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)


def publish_untrained(
    models: Path, name: str, labels: tuple[str, ...], sample: pb.SampleSpec, model: onnx.ModelProto
) -> Path:
    """Add a graph from `of_nodes` to a repository; returns the path of its model.onnx."""
    latent_size = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    generator = pb.Generator(
        name=name,
        labels=labels,
        sample=sample,
        latent_size=latent_size,
        provenance=pb.Provenance(preset="untrained", opset=OPSET),
        golden=[pb.GoldenSample(seed=7, index=1000, class_index=0, truncation=1.0)],
    )

    def build(version: int) -> bytes:
        generator.version = version
        return complete(with_latent(model, latent_size), generator)

    return artifact.publish(models, name, build)


def complete(model: onnx.ModelProto, generator: pb.Generator) -> bytes:
    """The artifact of a graph that takes addresses, its golden samples computed."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rows = artifact.golden_rows(generator)
    feed = {"seed": rows.seed, "index": rows.index, "label": rows.label, "truncation": rows.truncation}
    for golden, sample in zip(generator.golden, session.run(["sample"], feed)[0], strict=True):
        golden.data = sample.tobytes()
    if generator.transforms:
        originals = artifact.golden_originals(generator)
        feed |= dict(zip(artifact.ORIGINAL_INPUTS, columns(originals), strict=True))
        for golden, sample in zip(generator.golden, session.run(["transformed"], feed)[0], strict=True):
            golden.transformed = sample.tobytes()
    return artifact.embed(model, generator)


def publish(models: Path, name: str = "tiny", **options: Any) -> Path:
    """Add the next version to a repository; returns the path of its model.onnx."""
    return artifact.publish(models, name, lambda version: build(name, version, **options))
