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


def fitted(tmp_path, preset):
    data = folder(tmp_path / "data", vowels=words(60, "aeiou"), consonants=words(60, "kmnrt", 1))
    order = Order(
        data=str(data),
        size=None,
        preset=preset,
        config=resolve(preset, {"width": 8, "batch_size": 32}),
        seed=0,
        budget_seconds=None,
        steps=20,
        retries=0,
        out=str(tmp_path / "models"),
        name="words",
    )
    run = Run.start(tmp_path / "runs", order)
    return fitting.fit(run, Console(file=io.StringIO()), force=True)


@pytest.fixture(scope="module", params=Text.recommended)
def published(request, tmp_path_factory):
    """(folder, file) of each system that is for texts."""
    place = tmp_path_factory.mktemp(request.param)
    return place, fitted(place, request.param)


def test_texts_are_fitted_measured_and_published_by_each_system_for_them(published):
    session = Session(published[1].read_bytes())
    message = artifact.from_json(session.metadata)
    assert message.sample.text.vocabulary == ["", *"aeikmnortu"]
    assert message.quality.real_accuracy > 0.9
    assert "divergence of 3-grams" in {each.name for each in message.quality.measurements}
    samples = addressed_samples(session, np.arange(60) % 2, 3, 0)
    assert samples.dtype == np.int32
    assert len(np.unique(samples, axis=0)) > 1
    over = (samples == 0).cumsum(1) > 0
    assert (samples[over] == 0).all()


@pytest.mark.parametrize("published", ["gru"], indirect=True)
def test_lines_of_a_service_are_those_of_the_file_in_any_batch_and_after_a_restart(published):
    told = []
    for _ in range(2):
        with (
            Service(published[0] / "models", "--max-batch", "8", "--allow-withheld") as service,
            augmint.Client(service.target) as client,
        ):
            some = client.generate("vowels", 12, seed=3)
            alone = client.generate("vowels", 1, seed=3, start_index=11)
            told.append(some.to_text())
            assert alone.to_text() == some.to_text()[11:]
    assert told[0] == told[1]
    session = Session(published[1].read_bytes())
    assert np.array_equal(addressed_samples(session, np.full(12, some.class_indices[0]), 3, 0), some.array)
