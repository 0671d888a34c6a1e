from __future__ import annotations

import io

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn

from tests.training.kinds.table.schemas import column, keeps, tables
from training.data.subset import Subset
from training.kinds.table.columns import Column
from training.kinds.table.encoding import Encoding

NAN = np.float32(np.nan)


def there_and_back(encoding: Encoding, rows: np.ndarray) -> tuple[Tensor, np.ndarray]:
    code = encoding.encode(torch.from_numpy(rows))
    return code, encoding.decoder()(code).numpy()


def one(made: Column, values: list[float] | np.ndarray) -> tuple[Encoding, np.ndarray]:
    rows = np.asarray(values, np.float32)[:, None]
    return Encoding.fit([made], rows), rows


@settings(deadline=None, max_examples=25)
@given(tables())
def test_rows_come_back_from_their_code(table: tuple[tuple[Column, ...], np.ndarray]) -> None:
    columns, rows = table
    encoding = Encoding.fit(columns, rows)
    code, back = there_and_back(encoding, rows)
    assert code.shape == (len(rows), encoding.width) == (len(rows), sum(block.width for block in encoding.blocks))
    assert code.abs().max() <= 1
    at = 0
    for block in encoding.blocks:
        if block.choice:
            assert (code[:, at : at + block.width].sum(1) == 1).all()
        at += block.width
    assert np.array_equal(np.isnan(back), np.isnan(rows))
    for made, before, after in zip(columns, rows.T, back.T, strict=True):
        if made.categories or made.whole or made.decimals is not None:
            assert np.array_equal(before, after, equal_nan=True), made
        else:
            reach = np.nanmax(np.abs(before), initial=0)
            np.testing.assert_allclose(before, after, rtol=1e-5, atol=reach * 1e-6)
    assert keeps(columns, back) == []
    again = there_and_back(encoding, back)[1]
    np.testing.assert_allclose(again, back, rtol=1e-5, atol=1e-6 * np.nanmax(np.abs(back), initial=1))


@settings(deadline=None, max_examples=10)
@given(tables())
def test_any_output_of_a_network_is_a_row_of_the_schema(table: tuple[tuple[Column, ...], np.ndarray]) -> None:
    columns, rows = table
    encoding = Encoding.fit(columns, rows)
    wild = torch.rand(200, encoding.width, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert keeps(columns, encoding.decoder()(wild).numpy()) == []


def test_values_that_training_has_not_seen_have_a_code_too() -> None:
    random = np.random.default_rng(0)
    encoding, _ = one(Column("a", minimum=-3, maximum=3), np.clip(random.normal(0, 1, 500), -3, 3))
    _, back = there_and_back(encoding, np.array([[-1e30], [1e30], [0.123], [NAN], [np.inf]], np.float32))
    assert back[:2, 0] == pytest.approx([-3, 3], abs=0.2)
    assert back[2, 0] == pytest.approx(0.123, abs=0.01)
    assert np.isfinite(back).all()  # nothing is missing in this column, so a missing value is a usual one
    few, _ = one(Column("b", minimum=0, maximum=10), [0, 1, 10] * 10)
    assert there_and_back(few, np.array([[-5], [0.6], [4], [99]], np.float32))[1][:, 0].tolist() == [0, 1, 1, 10]
    named, _ = one(Column("c", ("x", "y", "z"), missing=True), [0, 1] * 10)
    assert there_and_back(named, np.array([[2], [NAN]], np.float32))[1][0, 0] == 2  # seen or not, it has its place


def test_a_value_that_stands_out_is_a_choice_of_its_own() -> None:
    random = np.random.default_rng(0)
    values = np.where(random.random(2000) < 0.92, 0, np.round(random.lognormal(7, 1, 2000)) + 1)
    values[:60] = 99999
    encoding, rows = one(Column("gain", whole=True, minimum=0, maximum=99999), values)
    (options,) = encoding.options
    single = options.centres[options.scales == 0]
    assert {0.0, 99999.0} <= {*single}
    code, back = there_and_back(encoding, rows)
    assert np.array_equal(back, rows)
    assert (code[rows[:, 0] == 0, 0] == 0).all()  # there is no range, so the position says nothing


def test_values_of_a_smooth_column_do_not_stand_out() -> None:
    ages = np.round(np.random.default_rng(0).normal(40, 12, 5000))
    encoding, _ = one(Column("age", whole=True), ages)
    (options,) = encoding.options
    assert len(options.lows) == len(options) <= 10


def test_a_heavy_tail_is_told_apart_at_both_ends() -> None:
    values = np.exp(np.random.default_rng(0).normal(0, 3, 3000)).astype(np.float32)
    encoding, rows = one(Column("amount", minimum=float(values.min()), maximum=float(values.max())), values)
    assert (encoding.options[0].units > 0).all()
    _, back = there_and_back(encoding, rows)
    np.testing.assert_allclose(back, rows, rtol=2e-5, atol=1e-8)


def test_whole_numbers_are_exact_up_to_the_end_of_float32() -> None:
    random = np.random.default_rng(0)
    for values in (random.integers(-(2**24) + 1, 2**24, 3000), np.exp2(random.uniform(0, 24, 3000)).astype(np.int64)):
        least, most = float(values.min()), float(values.max())
        encoding, rows = one(Column("id", whole=True, minimum=least, maximum=most), values)
        assert np.array_equal(there_and_back(encoding, rows)[1], rows)


def test_many_choices_beside_few_cost_no_more_than_their_number() -> None:
    random = np.random.default_rng(0)
    pairs = [column(random, f"n{at}", "few", True, 300) for at in range(60)]
    columns = [made for made, _ in pairs] + [Column("many", tuple(map(str, range(2000))))]
    rows = np.stack([*(values for _, values in pairs), np.arange(300) * 5 % 2000], 1).astype(np.float32)
    encoding = Encoding.fit(columns, rows)
    code, back = there_and_back(encoding, rows)
    assert code.shape[1] < 2000 + 60 * 16
    assert np.array_equal(back[:, -1], rows[:, -1])
    assert np.array_equal(np.isnan(back), np.isnan(rows))


def test_rows_on_disk_and_rows_in_memory_are_learned_alike() -> None:
    random = np.random.default_rng(0)
    made, values = column(random, "a", "two modes", False, 400)
    rows = values[:, None]
    order = np.arange(len(rows))[::-1]
    here, there = Encoding.fit([made], rows[order]), Encoding.fit([made], Subset(rows, order))
    assert np.array_equal(here.options[0].centres, there.options[0].centres)
    assert here.blocks == there.blocks


class Both(nn.Module):
    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        self.encoding, self.decoder = encoding, encoding.decoder()

    def forward(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        code = self.encoding.encode(raw)
        return code, self.decoder(code)


def test_a_graph_encodes_and_decodes_as_pytorch_does() -> None:
    """Missing values too: they are constants that are no numbers, which an optimiser of graphs might lose."""
    random = np.random.default_rng(0)
    sorts = ["normal", "heavy", "mostly zero", "few", "constant", "large", "category", "truth", "date"]
    pairs = [column(random, f"x{number}", sort, number % 2 == 0, 257) for number, sort in enumerate(sorts)]
    rows = np.stack([values for _, values in pairs], 1)
    encoding = Encoding.fit([made for made, _ in pairs], rows)
    both = Both(encoding).eval()
    program = torch.onnx.export(
        both, (torch.from_numpy(rows[:2]),), dynamo=True, verbose=False, dynamic_shapes=({0: torch.export.Dim("n")},)
    )
    buffer = io.BytesIO()
    onnx.save(program.model_proto, buffer)
    session = onnxruntime.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    code, back = session.run(None, {name: rows})
    expected, decoded = both(torch.from_numpy(rows))
    np.testing.assert_allclose(code, expected.numpy(), atol=1e-6)
    assert np.array_equal(np.isnan(back), np.isnan(rows))
    np.testing.assert_allclose(back, decoded.numpy(), rtol=1e-6)
    alone = np.concatenate([session.run(None, {name: rows[at : at + 1]})[1] for at in range(40)])
    assert alone.tobytes() == back[:40].tobytes()
