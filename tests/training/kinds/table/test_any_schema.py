"""Any table, learned for a few steps, exported, read again: every row is one that its columns allow."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lightning_fabric import Fabric

from service import artifact
from service.runtime.session import Session
from tests.training.choosing import Plain
from tests.training.kinds.table.schemas import keeps, tables
from training.config.presets import resolve
from training.export import graph, parity
from training.gan.trainer import Trainer

STEPS, DRAWN = 25, 200


@given(tables(rows=120, most=5), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_row_keeps_to_its_columns_and_is_its_address_alone(table, classes: int, seed: int) -> None:
    columns, raw = table
    labels = np.arange(len(raw)) % classes
    config = resolve("argn", {"width": 16, "embedding_size": 4, "batch_size": 16})
    kind = Plain.of(columns, raw)
    run = Trainer(Fabric(accelerator="cpu", devices=1), config, kind, raw, labels, classes, seed=0)
    for number in range(STEPS):
        run.check_finite(run.step(number / STEPS))
    generator = run.settle()
    model = graph.to_onnx(generator, kind, 0, classes)
    parity.prove_parity(generator, model, kind, 0, classes)

    content = model.SerializeToString()
    addresses = artifact.Rows(
        np.full(DRAWN, artifact.mix_seed(seed), np.uint64),
        np.arange(DRAWN, dtype=np.uint64),
        np.arange(DRAWN) % classes,
        np.full(DRAWN, 1.5, np.float32),  # hot: what is rare, too
    )
    made = Session(content).run(addresses)
    assert made.dtype == np.float32
    assert keeps(columns, made) == []
    again = Session(content)
    for at in (0, 1, DRAWN - 1):
        alone = again.run(artifact.Rows(*(getattr(addresses, name)[at : at + 1] for name in artifact.INPUTS)))
        assert alone.tobytes() == made[at : at + 1].tobytes()
