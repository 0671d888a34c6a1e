"""The random numbers inside the graph: equal to an independent reference, and as random as a sample needs."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import artifact
from service.runtime.session import Session
from tests import reference
from training.export import address, parity

SEEDS = st.integers(0, 2**64 - 1)
INDICES = st.integers(0, artifact.INDEX_LIMIT - 1)


def rows(seed: int, index: np.ndarray, truncation: float = 1.0) -> artifact.Rows:
    n = len(index)
    return artifact.Rows(
        np.full(n, artifact.mix_seed(seed)),
        index.astype(np.uint64),
        np.zeros(n, np.int64),
        np.full(n, truncation, "f4"),
    )


@given(SEEDS)
def test_seeds_are_mixed_as_in_the_reference(seed: int) -> None:
    assert int(artifact.mix_seed(seed)) == reference.splitmix64(seed)


def test_mixed_seeds_stay_as_published() -> None:
    """Addresses that somebody has written down depend on these."""
    assert [hex(artifact.mix_seed(seed)) for seed in (0, 1, 2**64 - 1)] == [
        "0xe220a8397b1dcdaf",
        "0x910a2dec89025cc1",
        "0xe4d971771b652c21",
    ]


@settings(max_examples=60)
@given(seed=SEEDS, indices=st.lists(INDICES, min_size=1, max_size=20))
def test_latents_equal_the_reference_anywhere_in_any_stream(seed: int, indices: list[int]) -> None:
    index = np.array(indices, np.uint64)
    computed = session(24).run(rows(seed, index))
    # float32 against float64: the integers are the same if the results agree this closely.
    np.testing.assert_allclose(computed, reference.latent(seed, index, 24), rtol=0, atol=2e-5)


def session(size: int, cache: dict[int, Session] = {}) -> Session:  # noqa: B006 - one session per size is enough
    if size not in cache:
        cache[size] = Session(identity(size).SerializeToString())
    return cache[size]


def identity(size: int) -> onnx.ModelProto:
    """A graph whose samples are its latents."""
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["latent"], ["sample"])],
        "identity",
        [value("latent", onnx.TensorProto.FLOAT, ["n", size]), value("label", onnx.TensorProto.INT64, ["n"])],
        [value("sample", onnx.TensorProto.FLOAT, ["n", size])],
    )
    return address.with_latent(onnx.helper.make_model(graph, ir_version=10), size)


def test_integer_stream_is_bit_identical_to_the_reference() -> None:
    """Observed before any float: the graph's last integer node, made an output."""
    model = identity(32)
    division = [node for node in model.graph.node if node.op_type == "Div"][-1].output[0]
    model.graph.output.append(onnx.helper.make_tensor_value_info(division, onnx.TensorProto.UINT64, ["n", 32]))
    import onnxruntime

    index = np.array([0, 1, 2, 12345, 2**32, artifact.INDEX_LIMIT - 1], np.uint64)
    address = rows(99, index)
    feed = {name: getattr(address, name) for name in artifact.INPUTS}
    runtime = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert np.array_equal(runtime.run([division], feed)[0], reference.draws(99, index, 32) >> np.uint64(8))


def test_latents_are_standard_normal() -> None:
    z = parity.latents(64, rows(3, np.arange(20_000))).astype(np.float64)
    n = z.size
    assert abs(z.mean()) < 4 / np.sqrt(n)
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs((z**3).mean()) < 4 * np.sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 4 * np.sqrt(96 / n)


def correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of each column, in standard errors: about 99.99 % lie within 4 if there is none."""
    return (first * second).mean(0) * np.sqrt(len(first))


@pytest.mark.parametrize("lag", [1, 2, 16, 1024])
def test_neighbouring_samples_are_uncorrelated(lag: int) -> None:
    z = parity.latents(64, rows(5, np.arange(20_000 + lag)))
    found = correlations(z[:-lag], z[lag:])
    assert np.abs(found).max() < 4.5
    assert 0.7 < found.std() < 1.3


def test_draws_of_a_sample_are_uncorrelated() -> None:
    z = parity.latents(64, rows(6, np.arange(20_000)))
    matrix = (z.T @ z / len(z) - np.eye(64)) * np.sqrt(len(z))
    off = matrix[~np.eye(64, dtype=bool)]
    assert np.abs(off).max() < 5
    assert 0.9 < off.std() < 1.1


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 2), (7, 2**63 + 7), (2**32, 2**33)])
def test_neighbouring_seeds_are_unrelated(first: int, second: int) -> None:
    index = np.arange(10_000)
    found = correlations(parity.latents(64, rows(first, index)), parity.latents(64, rows(second, index)))
    assert np.abs(found).max() < 4.5


@pytest.mark.parametrize("size", [1, 7, 16, 33, 64, 200])
def test_latent_does_not_depend_on_the_batch(size: int) -> None:
    together = parity.latents(size, rows(8, np.arange(300)))
    for n in (1, 2, 3, 17, 64):
        for start in (0, 5, 283):
            index = np.arange(start, min(start + n, 300))
            assert np.array_equal(parity.latents(size, rows(8, index)), together[index])


def test_truncation_scales_the_latent() -> None:
    index = np.arange(50)
    whole, half = parity.latents(20, rows(1, index)), parity.latents(20, rows(1, index, truncation=0.5))
    np.testing.assert_allclose(half, whole / 2, rtol=1e-6)


@pytest.mark.parametrize("size", [0, 2**16 + 1])
def test_latent_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="latent_size"):
        address.with_latent(onnx.ModelProto(), size)


def test_more_draws_than_an_index_owns_are_refused() -> None:
    with pytest.raises(ValueError, match="latent_size 64 with 65500 uniform draws"):
        address.with_latent(onnx.ModelProto(), 64, 65_500)


@settings(max_examples=60)
@given(seed=SEEDS, indices=st.lists(INDICES, min_size=1, max_size=20), size=st.sampled_from([0, 24, 33]))
def test_uniform_numbers_are_the_draws_after_those_of_the_latent(seed: int, indices: list[int], size: int) -> None:
    index = np.array(indices, np.uint64)
    taken = -(-size // 32) * 32  # whole vectors of radii and of angles
    bits = reference.draws(seed, index, taken + 20)[:, taken:] >> np.uint64(8)
    assert np.array_equal(parity.uniforms(size, 20, rows(seed, index)), (bits + 1).astype(np.float32) * 2.0**-24)


def test_a_latent_is_the_same_whatever_is_drawn_after_it() -> None:
    index = rows(9, np.arange(50))
    alone = parity.latents(33, index)
    beside = parity._before("latent", 33, 33, 100, index)
    assert np.array_equal(alone, beside)


@pytest.mark.parametrize("draws", [1, 7, 200])
def test_uniform_numbers_do_not_depend_on_the_batch(draws: int) -> None:
    together = parity.uniforms(5, draws, rows(8, np.arange(100)))
    assert together.shape == (100, draws)
    assert 0 < together.min() <= together.max() <= 1
    for start in (0, 5, 83):
        assert np.array_equal(parity.uniforms(5, draws, rows(8, np.arange(start, start + 17))), together[start:][:17])
