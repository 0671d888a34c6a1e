"""What the log says of a call: its address, in a line that does not grow with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rpc.servicer import LOGGED_RUNS, in_runs


def expanded(text: str) -> list[int]:
    numbers: list[int] = []
    for part in text.split(",") if text else []:
        value, times, count = part.partition("*")
        first, to, last = value.partition("-")
        numbers += list(range(int(first), int(last) + 1)) if to else [int(first)] * (int(count) if times else 1)
    return numbers


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        ([7], "7"),
        ([3] * 64, "3*64"),
        (list(range(100)), "0-99"),
        ([3, 3, 7, 10, 11, 12, 12], "3*2,7,10-12,12"),
        ([0, 1, 0, 1], "0,1,0,1"),
        ([2**48 - 2, 2**48 - 1], f"{2**48 - 2},{2**48 - 1}"),
    ],
)
def test_repeats_and_ranges_are_short(values: list[int], text: str) -> None:
    assert in_runs(np.array(values, np.uint64)) == text


@given(st.lists(st.integers(0, 4), max_size=LOGGED_RUNS))
def test_every_number_can_be_read_back(values: list[int]) -> None:
    assert expanded(in_runs(np.array(values, np.int64))) == values


def test_what_has_no_pattern_is_cut_and_counted() -> None:
    values = np.random.default_rng(0).integers(0, 2**40, 1000, dtype=np.uint64)
    text = in_runs(values)
    assert text.endswith(f", {1000 - LOGGED_RUNS} more")
    assert expanded(text.rpartition(",")[0]) == values[:LOGGED_RUNS].tolist()
