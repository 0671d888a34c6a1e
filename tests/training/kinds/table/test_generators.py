"""Generators of random tables, trained for a few steps and exported: every row keeps to its schema, in any batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lightning_fabric import Fabric
from torch import nn

from service import artifact
from service.runtime.session import Session
from tests.training.kinds.table.schemas import SORTS, column, keeps, tables
from tests.training.mixed import Mixed
from training.config.presets import resolve
from training.export import graph
from training.gan.trainer import Trainer
from training.kinds.table.columns import Column
from training.run.snapshot import draw_samples

SMALL = {"width": 8, "latent_size": 16, "embedding_size": 4, "batch_size": 40}


def trained(preset: str, kind: Mixed, raw: np.ndarray, labels: np.ndarray) -> nn.Module:
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
    kind = Mixed(raw, columns)
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
    kind = Mixed(raw, columns)
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
    kind = Mixed(raw, [Column("a", minimum=2.5, maximum=2.5)])
    generator = trained(preset, kind, raw, np.arange(60) % 3)
    assert (draw_samples(generator, kind, np.arange(9) % 3, 16, 1, torch.device("cpu")) == 2.5).all()
