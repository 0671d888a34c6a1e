from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import torch

from training import threads


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("fastest", [1, 2, 4])
def test_the_fastest_count_is_chosen_and_set(fastest: int) -> None:
    torch.set_num_threads(4)

    def step() -> None:
        time.sleep(0.001 if torch.get_num_threads() == fastest else 0.03)

    assert threads.choose(step) == fastest
    assert torch.get_num_threads() == fastest


def test_a_limit_of_one_thread_is_kept_and_costs_nothing() -> None:
    torch.set_num_threads(1)
    calls: list[int] = []
    assert threads.choose(lambda: calls.append(1)) == 1
    assert not calls
