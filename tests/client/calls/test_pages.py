"""client/augmint/calls/pages.py"""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import augmint
from augmint.calls import pages


@given(st.integers(1, 200), st.integers(1, 20))
def test_every_sample_is_in_one_page_in_order(n, largest):
    split = list(pages.split(n, largest))
    assert np.concatenate([np.arange(n)[page.positions] for page in split]).tolist() == list(range(n))
    assert [page.n for page in split[:-1]] == [largest] * (len(split) - 1)
    assert 1 <= split[-1].n <= largest


def some_pages(count):
    return iter([pages.Page(slice(0, 8), 8)] * count)


def test_no_more_pages_than_allowed_are_in_flight():
    window = pages.Window(2)
    lock, flying, most = threading.Lock(), [0], [0]
    together = threading.Barrier(2)  # breaks unless two are in flight at once

    def fetch(page):
        with lock:
            flying[0] += 1
            most[0] = max(most[0], flying[0])
        together.wait(60)
        with lock:
            flying[0] -= 1

    window.run(some_pages(10), fetch)
    window.close()
    assert most[0] == 2


def test_the_first_error_ends_the_run_and_nothing_further_begins():
    window = pages.Window(1)
    begun = []

    def fetch(page):
        begun.append(page)
        raise augmint.Unavailable("gone")

    with pytest.raises(augmint.Unavailable, match="gone"):
        window.run(some_pages(10), fetch)
    window.close()
    assert len(begun) == 1


def test_a_closed_window_takes_no_pages():
    window = pages.Window(1)
    window.close()
    with pytest.raises(augmint.ClientClosed):
        window.run(some_pages(1), lambda page: None)
