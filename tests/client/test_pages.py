"""client/augmint/pages.py"""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import augmint
from augmint import pages


def positions_of(page: pages.Page, n: int) -> np.ndarray:
    return np.arange(n)[page.positions]


@given(st.lists(st.integers(0, 60) | st.integers(0, 2**48 - 1), min_size=1, max_size=80), st.integers(1, 20))
def test_every_sample_is_in_one_page_and_every_page_is_a_run(indices, largest):
    array = np.array(indices, np.uint64)
    seen = []
    for page in pages.split(array, largest):
        positions = positions_of(page, len(array))
        run = array[positions]
        assert len(positions) == page.n <= largest
        assert (run == run[0] + np.arange(page.n, dtype=np.uint64)).all()
        seen.extend(positions.tolist())
    assert sorted(seen) == list(range(len(array)))


def test_a_shuffled_block_is_joined_again():
    indices = np.random.default_rng(0).permutation(64).astype(np.uint64)
    assert [page.n for page in pages.split(indices, 64)] == [64]


def test_contiguous_indices_make_full_pages():
    assert [page.n for page in pages.split(np.arange(5, 25, dtype=np.uint64), 8)] == [8, 8, 4]


def some_pages(sizes):
    return iter([pages.Page(slice(0, size), size) for size in sizes])


def test_samples_in_flight_stay_within_the_full_pages():
    window = pages.Window(full_pages=2)
    lock, flying, most = threading.Lock(), [0], [0]
    together = threading.Barrier(2)

    def fetch(page):
        with lock:
            flying[0] += page.n
            most[0] = max(most[0], flying[0])
        together.wait(10)
        with lock:
            flying[0] -= page.n

    window.run(some_pages([8] * 10), 8, fetch)
    window.close()
    assert most[0] == 16


def test_small_pages_fly_in_greater_number():
    window = pages.Window(full_pages=2)
    together = threading.Barrier(16)  # breaks unless 16 calls are in flight at once
    window.run(some_pages([1] * 32), 8, lambda page: together.wait(10))
    window.close()
    assert not together.broken


def test_the_first_error_ends_the_run_and_nothing_further_begins():
    window = pages.Window(full_pages=1)
    begun = []

    def fetch(page):
        begun.append(page)
        raise augmint.Unavailable("gone")

    with pytest.raises(augmint.Unavailable, match="gone"):
        window.run(some_pages([8] * 10), 8, fetch)
    window.close()
    assert len(begun) == 1


def test_a_closed_window_takes_no_pages():
    window = pages.Window(full_pages=1)
    window.close()
    with pytest.raises(augmint.ClientClosed):
        window.run(some_pages([8]), 8, lambda page: None)
