import numpy as np
import pytest

from training.quality.measures.sampling import collect, pick


def addressed(labels: np.ndarray, start: int) -> np.ndarray:
    index = np.arange(start, start + len(labels))
    return np.stack([labels, index // 256, index % 256], 1).astype(np.uint8)


def test_every_label_is_drawn_at_its_own_index():
    labels = np.arange(2500) % 7
    shares = []
    samples = collect(addressed, labels, (3,), np.dtype(np.uint8), start=500, progress=shares.append)
    assert np.array_equal(samples, addressed(labels, 500))
    assert shares == [0.4, 0.8, 1.0]


@pytest.mark.parametrize(
    ("draw", "found"),
    [
        (lambda labels, start: np.zeros((len(labels), 3), np.float32), r"drew float32 \[5, 3\]"),
        (lambda labels, start: np.zeros((len(labels) - 1, 3), np.uint8), r"drew uint8 \[4, 3\]"),
    ],
)
def test_what_is_no_sample_is_refused(draw, found):
    with pytest.raises(ValueError, match=rf"{found}; wanted uint8 \[5, 3\]"):
        collect(draw, np.zeros(5, np.int64), (3,), np.dtype(np.uint8))


def test_picks_have_the_counts_asked_for_and_no_repetition():
    labels = np.array([0, 1, 1, 2, 1, 0, 1])
    rows = pick(labels, np.array([2, 3, 0]), np.random.default_rng(0))
    assert np.bincount(labels[rows], minlength=3).tolist() == [2, 3, 0]
    assert len(set(rows.tolist())) == 5
