"""A graph loses its score, and nothing else."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import artifact
from service.runtime import prune
from service.runtime.session import Session
from tests import generators

SCORED = generators.build(scored=True)


def test_only_what_the_score_alone_needs_is_gone():
    stripped = onnx.load_from_string(prune.without_output(SCORED, "score"))
    onnx.checker.check_model(stripped, full_check=True)
    plain = onnx.load_from_string(generators.build(scored=False))
    assert [node.op_type for node in stripped.graph.node] == [node.op_type for node in plain.graph.node]
    assert [output.name for output in stripped.graph.output] == ["sample"]
    names = {weights.name for weights in onnx.load_from_string(SCORED).graph.initializer}
    assert names - {weights.name for weights in stripped.graph.initializer} == {"judge", "one"}
    assert stripped.metadata_props == onnx.load_from_string(SCORED).metadata_props


def test_samples_are_the_same_bytes_with_and_without_scores():
    session = Session(SCORED)
    rows = artifact.golden_rows(artifact.from_json(session.metadata))
    samples, scores = session.run_scored(rows)
    assert np.array_equal(session.run(rows), samples)
    assert scores.shape == (4,)


@pytest.mark.parametrize("name", ["", "nothing", "latent"])
def test_a_graph_without_such_an_output_is_left_alone(name):
    assert prune.without_output(SCORED, name) is None


@given(st.binary(max_size=200) | st.integers(0, len(SCORED)).map(lambda cut: SCORED[:cut]))
def test_what_is_no_file_is_left_to_the_loader(content):
    result = prune.without_output(content, "score")
    assert result is None or isinstance(result, bytes)
