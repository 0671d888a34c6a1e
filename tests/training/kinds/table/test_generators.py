"""Generators of random tables, trained for a few steps and exported: every row keeps to its schema, in any batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lightning_fabric import Fabric
from torch import Tensor, nn

from service import artifact
from service.runtime.session import Session
from tests.training.kinds.table.schemas import SORTS, column, keeps, tables
from training.config.presets import resolve
from training.data.kind import Block, Head, Kind
from training.export import graph
from training.gan.trainer import Trainer
from training.kinds.table.columns import Column
from training.kinds.table.encoding import Encoding
from training.kinds.table.head import TableHead
from training.run.snapshot import draw_samples


class Rows(Kind):
    """As much of the kind as training and export ask for."""

    augmentation = None
    dtype = np.dtype(np.float32)

    def __init__(self, columns: Sequence[Column], raw: np.ndarray) -> None:
        self._encoding = Encoding.fit(columns, raw)

    @property
    def form(self) -> tuple[int, ...]:
        return (self._encoding.width,)

    @property
    def blocks(self) -> Sequence[Block]:
        return self._encoding.blocks

    def encode(self, raw: Tensor) -> Tensor:
        return self._encoding.encode(raw)

    def decoder(self) -> nn.Module:
        return self._encoding.decoder()

    def head(self) -> Head:
        return TableHead(self._encoding)


SMALL = {"width": 8, "latent_size": 16, "embedding_size": 4, "batch_size": 40}


def trained(preset: str, kind: Rows, raw: np.ndarray, labels: np.ndarray) -> nn.Module:
    """A generator after three steps, as it is exported."""
    config = resolve(preset, {**SMALL, **({"passes": 2} if preset == "tabgan" else {})})
    trainer = Trainer(Fabric(accelerator="cpu", devices=1), config, kind, raw, labels, 3, seed=0)
    for number in range(3):
        losses = trainer.step(number / 3)
    trainer.check_finite(losses)
    return trainer.settle()


@settings(deadline=None, max_examples=12)
@given(table=tables(rows=60), preset=st.sampled_from(["ctgan", "tabgan", "tvae"]))
def test_every_row_of_a_generator_keeps_to_its_schema(
    table: tuple[tuple[Column, ...], np.ndarray], preset: str
) -> None:
    columns, raw = table
    labels = np.arange(len(raw)) % 3
    kind = Rows(columns, raw)
    rows = draw_samples(trained(preset, kind, raw, labels), kind, np.arange(300) % 3, 16, 1, torch.device("cpu"))
    assert rows.shape == (300, len(columns))
    assert keeps(columns, rows) == []


@pytest.fixture(scope="module")
def published() -> tuple[tuple[Column, ...], Session]:
    """A column of every sort, and the exported graph of a generator of them."""
    random = np.random.default_rng(0)
    sorts = [*SORTS, "category", "truth", "date"]
    pairs = [column(random, f"x{number}", sort, number % 2 == 0, 60) for number, sort in enumerate(sorts)]
    columns, raw = tuple(made for made, _ in pairs), np.stack([values for _, values in pairs], 1)
    kind = Rows(columns, raw)
    model = graph.to_onnx(trained("tabgan", kind, raw, np.arange(60) % 3), kind, 16, 3)
    return columns, Session(model.SerializeToString())


def drawn(session: Session, start: int, count: int) -> np.ndarray:
    index = np.arange(start, start + count, dtype=np.uint64)
    seed = np.full(count, artifact.mix_seed(7), np.uint64)
    return session.run(artifact.Rows(seed, index, (index % 3).astype(np.int64), np.ones(count, np.float32)))


def test_every_row_of_a_graph_keeps_to_its_schema_in_any_batch(
    published: tuple[tuple[Column, ...], Session],
) -> None:
    columns, session = published
    rows = drawn(session, 0, 2000)
    assert keeps(columns, rows) == []
    for start, count in ((0, 1), (1, 7), (8, 64), (777, 300)):
        assert drawn(session, start, count).tobytes() == rows[start : start + count].tobytes()
    missing = np.isnan(rows).mean(0)
    may_be = np.array([made.missing for made in columns])
    assert (missing[may_be] > 0.01).all()
    assert (missing[~may_be] == 0).all()


@pytest.mark.parametrize("preset", ["ctgan", "tabgan", "tvae"])
def test_one_column_of_one_value_can_be_made(preset: str) -> None:
    raw = np.full((60, 1), 2.5, np.float32)
    kind = Rows([Column("a", minimum=2.5, maximum=2.5)], raw)
    generator = trained(preset, kind, raw, np.arange(60) % 3)
    assert (draw_samples(generator, kind, np.arange(9) % 3, 16, 1, torch.device("cpu")) == 2.5).all()
