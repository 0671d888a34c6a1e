from __future__ import annotations

import numpy as np
import pytest
import torch

from training.gan.batches import Batches
from training.kinds.image import Image
from training.networks import Chance

COUNTS = (400, 100, 25)


def batches(balance: float = 0.5, rank: int = 0, seed: int = 0) -> Batches:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(3), COUNTS))
    # Every sample names its class in one pixel and its number in two.
    samples = np.zeros((len(labels), 8, 8, 1), np.uint8)
    samples[:, 0, 0, 0] = labels
    samples[:, 0, 1, 0] = np.arange(len(labels)) % 251
    samples[:, 0, 2, 0] = np.arange(len(labels)) // 251
    return Batches(
        Image(*samples.shape[1:]).encode,
        samples,
        labels,
        3,
        balance=balance,
        batch_size=64,
        latent_size=5,
        taken=Chance(0, False),
        seed=seed,
        rank=rank,
        device=torch.device("cpu"),
    )


def collect(source: Batches, steps: int) -> tuple[np.ndarray, np.ndarray]:
    labels, pixels = [], []
    for step in range(steps):
        source.seed_step(step)
        batch = source.batch()
        assert batch.real.shape == (64, 1, 8, 8)
        assert batch.latent.shape == (64, 5)
        labels.append(batch.label.numpy())
        pixels.append(((batch.real[:, 0, 0, :3] + 1) * 127.5).round().numpy())
    return np.concatenate(labels), np.concatenate(pixels)


def test_a_sample_comes_with_its_own_label() -> None:
    labels, pixels = collect(batches(), 20)
    assert np.array_equal(pixels[:, 0], labels)


def test_rare_classes_are_drawn_by_the_square_root_of_their_count() -> None:
    labels, _ = collect(batches(), 200)
    shares = np.bincount(labels) / len(labels)
    np.testing.assert_allclose(shares, np.sqrt(COUNTS) / np.sqrt(COUNTS).sum(), atol=0.02)


def test_balance_spans_from_even_to_as_they_come() -> None:
    even, natural = (np.bincount(collect(batches(balance), 200)[0]) / 12_800 for balance in (0.0, 1.0))
    np.testing.assert_allclose(even, [1 / 3] * 3, atol=0.02)
    np.testing.assert_allclose(natural, np.array(COUNTS) / sum(COUNTS), atol=0.02)


def test_every_sample_of_a_class_is_reached() -> None:
    labels, pixels = collect(batches(0.0), 100)
    assert len(np.unique(pixels[labels == 2], axis=0)) == 25


def test_a_step_is_a_function_of_seed_step_and_rank() -> None:
    def batch(step: int, **options: int) -> np.ndarray:
        source = batches(**options)
        source.seed_step(step)
        return source.batch().latent.numpy()

    assert np.array_equal(batch(3), batch(3))
    others = [batch(4), batch(3, rank=1), batch(3, seed=1)]
    assert not any(np.array_equal(batch(3), other) for other in others)


def test_data_larger_than_the_device_is_fetched_from_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    resident = collect(batches(), 3)
    monkeypatch.setattr("training.gan.batches._free_memory", lambda device: 0.0)
    fetched = collect(batches(), 3)
    assert all(np.array_equal(a, b) for a, b in zip(resident, fetched, strict=True))
