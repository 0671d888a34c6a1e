"""A graph loses what a sort of batch does not need, and nothing else."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from service import artifact
from service.runtime import prune
from service.runtime.session import Session
from tests import generators

SCORED = generators.build(scored=True)


def test_only_what_the_score_alone_needs_is_gone():
    stripped = onnx.load_from_string(prune.part(SCORED, artifact.INPUTS, ["sample"]))
    onnx.checker.check_model(stripped, full_check=True)
    plain = onnx.load_from_string(generators.build(scored=False))
    assert [node.op_type for node in stripped.graph.node] == [node.op_type for node in plain.graph.node]
    assert [output.name for output in stripped.graph.output] == ["sample"]
    names = {weights.name for weights in onnx.load_from_string(SCORED).graph.initializer}
    assert names - {weights.name for weights in stripped.graph.initializer} == {"judge", "one"}
    assert stripped.metadata_props == onnx.load_from_string(SCORED).metadata_props


def test_a_graph_that_transforms_falls_into_parts_that_have_nothing_of_each_other():
    whole = generators.build(scored=True, transforms=True)
    plain = onnx.load_from_string(prune.part(whole, artifact.INPUTS, ["sample"]))
    carrying = onnx.load_from_string(prune.part(whole, artifact.ORIGINAL_INPUTS, ["transformed", "recognised"]))
    for one in (plain, carrying):
        onnx.checker.check_model(one, full_check=True)
    assert [value.name for value in plain.graph.input] == list(artifact.INPUTS)
    assert {value.name for value in carrying.graph.input} == {*artifact.ORIGINAL_INPUTS}
    never = onnx.load_from_string(prune.part(generators.build(), artifact.INPUTS, ["sample"]))
    assert [node.SerializeToString() for node in plain.graph.node] == [
        node.SerializeToString() for node in never.graph.node
    ]
    assert not {weights.name for weights in carrying.graph.initializer} & {
        *artifact.ORIGINAL_INPUTS,
        *(weights.name for weights in never.graph.initializer),
    }


def test_an_output_that_needs_another_input_is_no_part():
    model = onnx.load_from_string(generators.build(transforms=True))
    for node in model.graph.node:
        node.input[:] = ["label" if name == "target" else name for name in node.input]
    with pytest.raises(prune.Needed, match="output recognised or transformed needs the input label"):
        prune.part(model.SerializeToString(), artifact.ORIGINAL_INPUTS, ["transformed", "recognised"])


def test_what_a_branch_reads_from_outside_stays():
    branch = helper.make_graph(
        [helper.make_node("Identity", ["kept"], ["inner"])],
        "branch",
        [],
        [helper.make_tensor_value_info("inner", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Neg", ["x"], ["kept"]),
                helper.make_node("Abs", ["x"], ["gone"]),
                helper.make_node("If", ["yes"], ["sample"], then_branch=branch, else_branch=branch),
            ],
            "graph",
            [
                helper.make_tensor_value_info("x", TensorProto.FLOAT, [1]),
                helper.make_tensor_value_info("yes", TensorProto.BOOL, []),
            ],
            [
                helper.make_tensor_value_info("sample", TensorProto.FLOAT, [1]),
                helper.make_tensor_value_info("gone", TensorProto.FLOAT, [1]),
            ],
        )
    )
    part = onnx.load_from_string(prune.part(model.SerializeToString(), ["x", "yes"], ["sample"]))
    assert [node.op_type for node in part.graph.node] == ["Neg", "If"]


def test_samples_are_the_same_bytes_with_and_without_scores():
    session = Session(SCORED)
    rows = artifact.golden_rows(artifact.from_json(session.metadata))
    samples, scores = session.run_scored(rows)
    assert np.array_equal(session.run(rows), samples)
    assert scores.shape == (4,)


@pytest.mark.parametrize("name", ["", "nothing", "latent"])
def test_a_graph_without_such_an_output_is_left_alone(name):
    assert prune.part(SCORED, artifact.INPUTS, ["sample", name]) is None


@given(st.binary(max_size=200) | st.integers(0, len(SCORED)).map(lambda cut: SCORED[:cut]))
def test_what_is_no_file_is_left_to_the_loader(content):
    result = prune.part(content, artifact.INPUTS, ["sample"])
    assert result is None or isinstance(result, bytes)
