"""Texts from files to a served generator: each system that is for them."""

import numpy as np
import pytest

import augmint
from service import artifact
from service.runtime.session import Session
from tests.processes import Service
from tests.training.kinds.text.made import folder, words
from tests.training.runs import published
from training.export.sampling import addressed_samples
from training.kinds.text.text import Text


@pytest.fixture(scope="module", params=Text.recommended)
def made(request, tmp_path_factory):
    """(folder, file) of each system that is for texts."""
    place = tmp_path_factory.mktemp(request.param)
    data = folder(place / "data", vowels=words(60, "aeiou"), consonants=words(60, "kmnrt", 1))
    return place, published(place, data, request.param, {"width": 8, "batch_size": 32}, name="words")[0]


def test_texts_are_fitted_measured_and_published_by_each_system_for_them(made):
    session = Session(made[1].read_bytes())
    message = artifact.from_json(session.metadata)
    assert message.sample.text.vocabulary == ["", *"aeikmnortu"]
    assert message.quality.real_accuracy > 0.9
    assert "divergence of 3-grams" in {each.name for each in message.quality.measurements}
    samples = addressed_samples(session, np.arange(60) % 2, 3, 0)
    assert samples.dtype == np.int32
    assert len(np.unique(samples, axis=0)) > 1
    over = (samples == 0).cumsum(1) > 0
    assert (samples[over] == 0).all()


@pytest.mark.parametrize("made", ["gru"], indirect=True)
def test_lines_of_a_service_are_those_of_the_file_in_any_batch_and_after_a_restart(made):
    told = []
    for _ in range(2):
        with (
            Service(made[0] / "models", "--max-batch", "8", "--allow-withheld") as service,
            augmint.Client(service.target) as client,
        ):
            some = client.generate("vowels", 12, seed=3)
            alone = client.generate("vowels", 1, seed=3, start_index=11)
            told.append(some.to_text())
            assert alone.to_text() == some.to_text()[11:]
    assert told[0] == told[1]
    session = Session(made[1].read_bytes())
    assert np.array_equal(addressed_samples(session, np.full(12, some.class_indices[0]), 3, 0), some.array)
