"""service/scheduling/selection.py, against one position after the other computed by hand, and over a real socket."""

import asyncio

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import InvalidRequest
from service.metrics import Metrics
from service.rpc import codec
from service.runtime.engine import Engine
from service.runtime.session import Session
from service.scheduling.order import Order
from service.scheduling.scheduler import Scheduler
from service.scheduling.selection import Selection
from tests import fakes, generators

CLASSES = {str(index): index for index in range(10)}


def order(positions, labels, keep, of, start=None):
    labels = np.array(labels, np.int64)
    indices = np.array(positions, np.uint64) if start is None else None
    return Order(labels, 7, start or 0, 1.0, indices, keep, of)


def score(index, label):
    """Of a candidate; many are equal."""
    return np.float32((index * 2654435761 + label * 40503) % 11 / 10)


def by_hand(position, label, keep, of):
    """Index of the candidate at one position."""
    first = position // keep * of
    best = sorted(range(first, first + of), key=lambda index: (-score(index, label), index))[:keep]
    return sorted(best)[position % keep]


def selected(asked, most=10_000):
    plan = Selection.plan(asked, most)
    found = plan.candidates
    scores = np.array([score(int(i), int(c)) for i, c in zip(found.indices, found.labels, strict=True)], np.float32)
    samples = np.stack([found.indices.astype(np.int64), found.labels], axis=1)
    return plan.pick(samples, scores)


@given(
    st.integers(1, 6).flatmap(lambda keep: st.tuples(st.just(keep), st.integers(keep, 9))),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), min_size=1, max_size=30),
)
def test_every_position_is_what_it_is_alone(pair, wanted):
    keep, of = pair
    positions, labels = zip(*wanted, strict=True)
    expected = [[by_hand(p, c, keep, of), c] for p, c in wanted]
    assert selected(order(positions, labels, keep, of)).tolist() == expected


def test_a_run_of_neighbours_costs_of_over_keep_rows():
    plan = Selection.plan(order(None, [3] * 60, 2, 6, start=10), most=180)
    assert plan.candidates.n == 60 * 6 // 2


def test_too_many_candidates_are_refused_with_their_number():
    with pytest.raises(InvalidRequest, match="needs 600 candidates; one call computes at most 100"):
        Selection.plan(order(range(0, 200, 2), [0] * 100, 1, 6), most=100)


def test_a_block_past_the_end_of_the_stream_is_refused():
    last = artifact.INDEX_LIMIT // 4
    assert selected(order([last - 1], [0], 1, 4)).tolist() == [[by_hand(last - 1, 0, 1, 4), 0]]
    with pytest.raises(InvalidRequest, match="past the end of the stream"):
        Selection.plan(order([last], [0], 1, 4), most=100)


def test_a_score_that_is_no_number_is_the_worst():
    plan = Selection.plan(order([0, 1], [0, 0], 2, 3), most=10)
    assert plan.pick(np.arange(3), np.array([np.nan, 0.1, 0.0], np.float32)).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("fields", "scored", "message"),
    [
        ({"keep": 1}, True, "keep is 1 and of is 0; wanted 1 <= keep <= of <= 64"),
        ({"of": 4}, True, "keep is 0 and of is 4"),
        ({"keep": 5, "of": 4}, True, "keep is 5 and of is 4"),
        ({"keep": 1, "of": 65}, True, "of is 65"),
        ({"keep": 1, "of": 4}, False, "no score to select by"),
    ],
)
def test_a_selection_that_cannot_be_is_refused(fields, scored, message):
    with pytest.raises(InvalidRequest, match=message):
        codec.decode(pb.GenerateRequest(label="3", n=2, **fields), CLASSES, 100, scored)


def test_rows_with_and_without_scores_share_batches():
    async def scene():
        engine = fakes.Engine(best_batch=8)
        metrics = Metrics(CollectorRegistry())
        scheduler = Scheduler(1, 100, metrics)
        queue = scheduler.add(engine, metrics.meters("fake", 1, "cpu"))
        try:
            plain = Order(np.zeros(5, np.int64), 1, 100, 1.0)
            scored = Order(np.zeros(9, np.int64), 1, 200, 1.0)
            samples, (others, scores) = await asyncio.gather(
                asyncio.wrap_future(scheduler.submit(queue, plain, "a")),
                asyncio.wrap_future(scheduler.submit_scored(queue, scored, "b")),
            )
        finally:
            scheduler.close()
        assert samples[:, 0].tolist() == list(range(100, 105))
        assert others[:, 0].tolist() == list(range(200, 209))
        assert np.allclose(scores, [i * 7 % 10 / 10 for i in range(200, 209)])

    asyncio.run(scene())


def test_engine_and_bare_runtime_agree_on_scores_whatever_the_batch():
    content = generators.build(scored=True)
    session = Session(content)
    engine = Engine(session, max_batch=16)
    assert engine.scored_cost >= 1
    n = 16
    rows = artifact.Rows(
        np.full(n, artifact.mix_seed(5)),
        np.arange(n, dtype=np.uint64),
        np.arange(n, dtype=np.int64) % 10,
        np.ones(n, np.float32),
    )
    bare = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    feed = dict(zip(artifact.INPUTS, (rows.seed, rows.index, rows.label, rows.truncation), strict=True))
    expected = bare.run(["sample", "score"], feed)
    for size in (1, 3, n):
        for first in range(0, n - size + 1, size):
            part = slice(first, first + size)
            few = artifact.Rows(rows.seed[part], rows.index[part], rows.label[part], rows.truncation[part])
            if size > engine.best_batch:
                continue
            samples, scores = engine.run_scored(few)
            assert np.array_equal(samples, expected[0][part])
            assert scores.tobytes() == expected[1][part].tobytes()
            assert np.array_equal(engine.run(few), expected[0][part])
    engine.close()
