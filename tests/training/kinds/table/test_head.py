from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.training.kinds.table.schemas import column
from training.kinds.table.columns import Column
from training.kinds.table.encoding import Encoding
from training.kinds.table.head import TableHead


@pytest.fixture(scope="module")
def encoding() -> Encoding:
    random = np.random.default_rng(0)
    sorts = ["two modes", "category", "mostly zero", "truth"]
    pairs = [column(random, f"x{number}", sort, number == 0, 500) for number, sort in enumerate(sorts)]
    return Encoding.fit([made for made, _ in pairs], np.stack([values for _, values in pairs], 1))


def test_evaluation_chooses_and_training_leans(encoding: Encoding) -> None:
    head = TableHead(encoding)
    random = torch.Generator().manual_seed(0)
    output, uniform = (torch.randn(50, width, generator=random) for width in (encoding.width, head.draws))
    uniform = torch.sigmoid(uniform)
    soft, hard = head(output, uniform), head.eval()(output, uniform)
    options = head.code.choosing.channels
    assert ((hard[:, options] == 0) | (hard[:, options] == 1)).all()
    assert ((soft[:, options] > 0) & (soft[:, options] < 1)).any()
    for code in (soft, hard):
        assert code.shape == (50, encoding.width)
        assert code.abs().max() <= 1 + 1e-6
        at = 0
        for block in encoding.blocks:
            if block.choice:
                torch.testing.assert_close(code[:, at : at + block.width].sum(1), torch.ones(50))
            at += block.width
    # Both prefer the same option, and a position without a range is 0.
    assert torch.equal(head.code.choosing.best(soft[:, options]), head.code.choosing.best(hard[:, options]))
    ranged = head.code.ranged(hard[:, options])
    assert (hard[:, head.code.channels][ranged == 0] == 0).all()


def test_options_are_chosen_with_the_probability_of_their_logits() -> None:
    encoding = Encoding.fit([Column("a", ("x", "y", "z"))], np.array([[0], [1], [2]] * 4, np.float32))
    head = TableHead(encoding).eval()
    shares = torch.tensor([0.7, 0.2, 0.1])
    uniform = 1 - torch.rand(20_000, head.draws, generator=torch.Generator().manual_seed(0))
    found = head(shares.log().expand(20_000, 3), uniform).mean(0)
    assert (found - shares).abs().max() < 0.02


@pytest.mark.parametrize("edge", [1.0, 2.0**-32])
def test_the_ends_of_the_draws_are_finite(encoding: Encoding, edge: float) -> None:
    head = TableHead(encoding)
    output = torch.zeros(2, encoding.width, requires_grad=True)
    made = head(output, torch.full((2, head.draws), edge))
    made.square().sum().backward()
    assert made.isfinite().all()
    assert output.grad is not None
    assert output.grad.isfinite().all()
    assert head.eval()(output, torch.full((2, head.draws), edge)).isfinite().all()


def test_a_position_is_an_even_draw_from_its_range_at_spread_one(encoding: Encoding) -> None:
    head = TableHead(encoding).eval()
    torch.nn.init.zeros_(head.spread)
    uniform = 1 - torch.rand(5000, head.draws, generator=torch.Generator().manual_seed(0))
    made = head(torch.zeros(5000, encoding.width), uniform)
    ranged = head.code.ranged(made[:, head.code.choosing.channels]) > 0
    first = made[:, head.code.channels[0]][ranged[:, 0]]
    quantiles = torch.quantile(first, torch.tensor([0.1, 0.5, 0.9]))
    torch.testing.assert_close(quantiles, torch.tensor([-0.8, 0.0, 0.8]), atol=0.05, rtol=0)


def test_surprise_prefers_the_row_and_teaches_how_sure_to_be(encoding: Encoding) -> None:
    head = TableHead(encoding)
    random = np.random.default_rng(1)
    pairs = [
        column(random, f"x{number}", sort, number == 0, 64)
        for number, sort in enumerate(["two modes", "category", "mostly zero", "truth"])
    ]
    rows = np.stack([values for _, values in pairs], 1)
    rows[:, 1] = np.minimum(rows[:, 1], len(encoding.columns[1].categories) - 1)
    real = encoding.encode(torch.from_numpy(rows))
    right = torch.where(real > 0.99, 8.0, torch.atanh(real.clamp(-0.99, 0.99)))
    wrong = torch.randn(real.shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    lost = head.surprise(wrong, real)
    assert lost.shape == real.shape
    assert (head.surprise(right, real).sum(1) < lost.sum(1)).all()
    lost.sum().backward()
    assert wrong.grad is not None
    assert wrong.grad.isfinite().all()
    # Where there is no range its position does not count.
    at = head.code.channels[0]
    ranged = head.code.ranged(real[:, head.code.choosing.channels])[:, 0] > 0
    assert (wrong.grad[~ranged, at] == 0).all()
    assert (wrong.grad[ranged, at] != 0).all()
    assert head.spread.grad is not None
    assert head.spread.grad.abs().max() > 0


def test_a_row_of_choices_alone_has_no_positions() -> None:
    encoding = Encoding.fit([Column("a", ("x", "y"))], np.array([[0], [1]] * 4, np.float32))
    head = TableHead(encoding)
    assert (head.draws, list(head.parameters())) == (2, [])
    real = encoding.encode(torch.tensor([[0.0], [1.0]]))
    lost = head.surprise(torch.zeros(2, 2), real).sum(1)
    torch.testing.assert_close(lost, torch.full((2,), float(np.log(2))))
