"""Texts from files to a served generator: each system that is for them."""

import io

import numpy as np
import pytest
from rich.console import Console

import augmint
from service import artifact
from service.runtime.session import Session
from tests.processes import Service
from tests.training.kinds.text.made import folder, words
from training import fit as fitting
from training.config.presets import resolve
from training.export.sampling import addressed_samples
from training.kinds.text.text import Text
from training.run.folder import Order, Run


def fitted(tmp_path, preset, steps=20, **small):
    data = folder(tmp_path / "data", vowels=words(60, "aeiou"), consonants=words(60, "kmnrt", 1))
    order = Order(
        data=str(data),
        size=None,
        preset=preset,
        config=resolve(preset, {"width": 8, "batch_size": 32, **small}),
        seed=0,
        budget_seconds=None,
        steps=steps,
        retries=0,
        out=str(tmp_path / "models"),
        name="words",
    )
    run = Run.start(tmp_path / "runs", order)
    return fitting.fit(run, Console(file=io.StringIO()), force=True)


@pytest.mark.parametrize("preset", Text.recommended)
def test_texts_are_fitted_measured_and_published_by_each_system_for_them(preset, tmp_path):
    path = fitted(tmp_path, preset)
    session = Session(path.read_bytes())
    message = artifact.from_json(session.metadata)
    assert message.sample.text.vocabulary == ["", *"aeikmnortu"]
    assert message.quality.real_accuracy > 0.9
    assert "divergence of 3-grams" in {each.name for each in message.quality.measurements}
    samples = addressed_samples(session, np.arange(60) % 2, 3, 0)
    assert samples.dtype == np.int32
    assert len(np.unique(samples, axis=0)) > 1
    over = (samples == 0).cumsum(1) > 0
    assert (samples[over] == 0).all()


def test_lines_of_a_service_are_those_of_the_file_in_any_batch_and_after_a_restart(tmp_path):
    path = fitted(tmp_path, "gru", steps=60)
    told = []
    for _ in range(2):
        with (
            Service(tmp_path / "models", "--max-batch", "8", "--allow-withheld") as service,
            augmint.Client(service.target) as client,
        ):
            some = client.generate("vowels", 12, seed=3)
            alone = client.generate("vowels", 1, seed=3, start_index=11)
            told.append(some.to_text())
            assert alone.to_text() == some.to_text()[11:]
    assert told[0] == told[1]
    session = Session(path.read_bytes())
    assert np.array_equal(addressed_samples(session, np.full(12, some.class_indices[0]), 3, 0), some.array)
