"""Budgets, as an order has them."""

from __future__ import annotations

import pytest

from training.run.folder import RunError, parse_budget


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("4m", 240), ("1.5h", 5400), (" 2 m ", 120)])
def test_budgets_are_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "4", "m", "-4m", "0s", "nan", "1e3s", "1000h"])
def test_other_budgets_are_refused(text: str) -> None:
    with pytest.raises(RunError, match="--budget"):
        parse_budget(text)
