"""What a discriminator's augmentation may change, and that it is seen where it leaks into samples."""

from __future__ import annotations

import numpy as np
import torch

from tests.training.kinds.audio.made import RATE, sounds
from training.kinds.audio import Audio
from training.kinds.audio.augmentation import GAIN

RAW, LABELS = sounds()
KIND = Audio(RATE, 1024).fitted(RAW, LABELS, 2)
SAMPLES = KIND.encode(torch.from_numpy(RAW))


def applied(probability: float, seed: int = 0) -> torch.Tensor:
    return KIND.augmentation.apply(SAMPLES, probability, torch.Generator().manual_seed(seed))


def test_without_a_probability_nothing_changes():
    assert applied(0.0) is SAMPLES


def test_the_same_numbers_vary_alike_and_stay_in_the_form():
    one, two, other = applied(1.0), applied(1.0), applied(1.0, seed=1)
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert one.shape == SAMPLES.shape
    assert float(one.abs().max()) <= 1


def test_a_part_of_the_samples_is_left_as_it_is():
    same = (applied(0.3) - SAMPLES).abs().flatten(1).amax(1) < 1e-5
    assert 0.1 < float(same.float().mean()) < 0.6  # 0.7 ** 3


def test_gradients_pass():
    samples = SAMPLES.clone().requires_grad_()
    KIND.augmentation.apply(samples, 1.0, torch.Generator().manual_seed(0)).sum().backward()
    assert float(samples.grad.abs().mean()) > 0.1


def test_what_it_changes_is_measured_of_sounds():
    later = np.pad(RAW, ((0, 0), (256, 0)))[:, :1024]
    quieter = RAW // 2
    place, loud, _ = KIND.augmentation.properties(RAW).T
    assert np.median(KIND.augmentation.properties(later).T[0] - place) > 0.3
    assert np.allclose(KIND.augmentation.properties(quieter).T[1] - loud, -6, atol=0.2)


def test_a_hole_between_bands_is_measured():
    noise = (np.random.default_rng(0).normal(size=(20, 1024)) * 3000).astype(np.int16)
    spectrum = np.fft.rfft(noise)
    spectrum[:, 200:260] = 0
    holed = np.fft.irfft(spectrum).astype(np.int16)
    before, after = (KIND.augmentation.properties(each).T[2] for each in (noise, holed))
    assert after.min() > before.max() + 3


def test_a_leak_is_seen_in_samples_that_are_decoded_again():
    decoder = KIND.decoder()
    real = KIND.augmentation.properties(RAW)
    leaked = KIND.augmentation.properties(decoder(applied(1.0)).numpy())
    low = LABELS == 0
    for column in (0, 1):
        assert leaked[low, column].std() > 1.2 * real[low, column].std()
    assert (KIND.augmentation.unseen(KIND.form) < real[low].std(0) + GAIN).all()
