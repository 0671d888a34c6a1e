from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from training.run import threads


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("fastest", [1, 2, 4])
def test_the_fastest_count_is_chosen_and_set(fastest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(4)
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def step() -> None:
        now[0] += 0.001 if torch.get_num_threads() == fastest else 0.03

    assert threads.choose(step) == fastest
    assert torch.get_num_threads() == fastest


def test_a_limit_of_one_thread_is_kept_and_costs_nothing() -> None:
    torch.set_num_threads(1)
    calls: list[int] = []
    assert threads.choose(lambda: calls.append(1)) == 1
    assert not calls
