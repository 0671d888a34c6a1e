"""What judges rows: boosting as people use it, a network of features, and what is learned where there is one class."""

import itertools

import numpy as np
import pytest
import torch

from training.data.kind import FEATURES, Block
from training.kinds.table import judge
from training.kinds.table.columns import Column
from training.kinds.table.judge import Boosting, Network, shuffled

COLUMNS = (Column("kind", tuple(map(str, range(6))), missing=True), Column("size", missing=True))


def rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Class 1 where the kind is odd and the size is there."""
    random = np.random.default_rng(seed)
    kind, size = random.integers(0, 6, count).astype(np.float32), random.normal(size=count).astype(np.float32)
    size[random.random(count) < 0.3] = np.nan
    kind[random.random(count) < 0.1] = np.nan
    labels = ((kind % 2 == 1) & ~np.isnan(size)).astype(np.int64)
    return np.stack([kind, size], 1), labels


def test_boosting_learns_categories_and_what_is_missing():
    pupil = Boosting(COLUMNS, 2, seed=0)
    pupil.fit(*rows(600))
    samples, labels = rows(400, seed=1)
    probabilities = pupil.predict_proba(samples)
    assert (probabilities.shape, probabilities.dtype) == ((400, 2), np.float64)
    assert np.allclose(probabilities.sum(1), 1)
    assert (probabilities.argmax(1) == labels).mean() > 0.97


def test_boosting_is_the_same_with_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(judge, "_ROUNDS", 5)
    found, threads = [], torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            pupil = Boosting(COLUMNS, 2, seed=0)
            pupil.fit(*rows(300))
            found.append(pupil.predict_proba(rows(100, seed=1)[0]))
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(*found)


@pytest.mark.parametrize("seen", [[1], [0, 2]])
def test_a_class_that_was_not_seen_has_the_probability_zero(seen):
    samples, _ = rows(120)
    labels = np.array(seen)[np.arange(120) % len(seen)]
    pupil = Boosting(COLUMNS, 4, seed=0)
    pupil.fit(samples, labels)
    probabilities = pupil.predict_proba(samples)
    assert probabilities.shape == (120, 4)
    assert np.flatnonzero(probabilities.any(0)).tolist() == seen
    assert np.allclose(probabilities.sum(1), 1)


def test_weights_move_the_border_between_classes():
    random = np.random.default_rng(0)
    labels = (np.arange(800) % 8 == 0).astype(np.int64)
    samples = np.stack([np.zeros(800), random.normal(size=800) + labels], 1).astype(np.float32)
    shares = []
    for weights in (None, np.where(labels, 8.0, 1.0)):
        pupil = Boosting(COLUMNS, 2, seed=0)
        pupil.fit(samples, labels, weights)
        shares.append(pupil.predict_proba(samples).argmax(1)[labels == 1].mean())
    assert shares[1] > shares[0] + 0.1


def test_more_categories_than_boosting_takes_are_joined_from_the_rare_end():
    random = np.random.default_rng(0)
    columns = (Column("place", tuple(map(str, range(2000)))),)
    values = np.concatenate([random.integers(0, 200, 4000), random.integers(200, 2000, 500)])
    labels = (values % 2).astype(np.int64)
    pupil = Boosting(columns, 2, seed=0)
    pupil.fit(values[:, None].astype(np.float32), labels)
    frequent = np.arange(200)
    probabilities = pupil.predict_proba(frequent[:, None].astype(np.float32))
    assert (probabilities.argmax(1) == frequent % 2).mean() > 0.95
    # What was never seen, what is no category and what is missing are answered too.
    odd = np.array([[1999], [-3], [5000], [np.nan]], np.float32)
    assert np.allclose(pupil.predict_proba(odd).sum(1), 1)


def test_a_column_without_any_number_does_no_harm():
    samples = rows(300)[0]
    samples[:, 1] = np.nan
    pupil = Boosting(COLUMNS, 2, seed=0)
    pupil.fit(samples, np.arange(300) % 2)
    assert np.isfinite(pupil.predict_proba(samples)).all()
    samples[:, 0] = np.nan
    pupil.fit(samples, np.arange(300) % 2)
    assert np.allclose(pupil.predict_proba(rows(20)[0]), 0.5)


def test_the_network_gives_features_and_logits():
    features, logits = Network(9, 3)(torch.randn(7, 9))
    assert features.shape == (7, FEATURES)
    assert logits.shape == (7, 3)
    assert (features >= 0).all()


def test_shuffled_rows_have_whole_blocks_of_other_rows_and_some_of_their_own():
    torch.manual_seed(0)
    blocks = [Block(2, False), Block(3, True), Block(1, False)]
    edges = [0, 2, 5, 6]
    samples = torch.arange(4000.0)[:, None].repeat(1, 6)  # each row is its number
    changed, which = shuffled(samples, blocks)
    assert torch.equal(changed[which == 0], samples[which == 0])
    assert 0.45 < which.float().mean() < 0.55
    foreign = []
    for start, end in itertools.pairwise(edges):
        part = changed[:, start:end]
        assert torch.equal(part, part[:, :1].expand_as(part))
        foreign.append(part[:, 0] != samples[:, 0])
    taken = torch.stack(foreign, 1)[which == 1]
    assert not taken.all(1).any()
    assert taken.any(1).float().mean() > 0.99
    assert taken.float().mean() == pytest.approx(0.5, abs=0.05)


def test_a_table_of_one_block_has_nothing_that_belongs_together():
    changed, _ = shuffled(torch.arange(8.0)[:, None], [Block(1, False)])
    assert torch.equal(changed[:, 0], torch.arange(8.0))
