import numpy as np
import pytest
import torch

from training.judge import classifier, fitting
from training.kinds.image import Image
from training.kinds.image.judge import shifted as shifted_images


def stripes(count: int, side: int, channels: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes: horizontal, vertical and diagonal stripes, at random phases and with noise."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    rows, columns = np.mgrid[:side, :side]
    directions = np.stack([rows, columns, rows + columns])
    phase = random.uniform(0, 6, (count, 1, 1))
    waves = 127.5 + 90 * np.sin(directions[labels] * 1.5 + phase) + random.normal(0, 15, (count, side, side))
    return np.repeat(waves.clip(0, 255).astype(np.uint8)[..., None], channels, 3), labels


@pytest.fixture(scope="module")
def fitted() -> classifier.Classifier:
    return fitting.fit(Image(12, 12, 1), *stripes(300, 12), 3, seed=0, steps=12)


def levels(count: int, side: int, channels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes that no start of a network fails to tell apart: dark, middling and bright, with noise."""
    labels = np.arange(count) % 3
    noise = np.random.default_rng(seed).normal(0, 15, (count, side, side, channels))
    return (noise + np.array([40, 128, 215])[labels][:, None, None, None]).clip(0, 255).astype(np.uint8), labels


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (20, 3), (28, 1), (64, 3)])
def test_any_size_and_both_channel_counts_are_learned(side, channels):
    # 40 steps: the running statistics, which are what it predicts with, need them.
    judge = fitting.fit(Image(side, side, channels), *levels(150, side, channels), 3, seed=0, steps=40)
    samples, labels = levels(60, side, channels, seed=1)
    assert (judge.predict(samples) == labels).mean() >= 0.8


def test_outputs_have_the_promised_shapes_and_scales(fitted):
    samples, _ = stripes(300, 12)
    probabilities, features = fitted.predict_proba(samples), fitted.features(samples)
    assert probabilities.shape == (300, 3)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert features.shape == (300, classifier.FEATURES)
    assert features.dtype == np.float32
    assert features.var(0).mean() == pytest.approx(1, rel=1e-3)
    judged = fitted.judge(samples)
    assert np.array_equal(judged[0], features)
    assert np.array_equal(judged[1], fitted.predict(samples))


def test_no_samples_give_no_answers(fitted):
    nothing = np.empty((0, 12, 12, 1), np.uint8)
    assert fitted.predict(nothing).shape == (0,)
    assert fitted.features(nothing).shape == (0, classifier.FEATURES)


def test_the_seed_decides_the_weights(fitted):
    again = fitting.fit(Image(12, 12, 1), *stripes(300, 12), 3, seed=0, steps=12)
    other = fitting.fit(Image(12, 12, 1), *stripes(300, 12), 3, seed=1, steps=12)
    assert again.digest == fitted.digest
    assert other.digest != fitted.digest
    assert len(fitted.digest) == 64
    assert fitted.steps == 12


def test_fitting_leaves_the_callers_random_numbers_alone(fitted):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fitting.fit(Image(8, 8, 1), *stripes(30, 8), 3, seed=0, steps=10)
    assert torch.equal(torch.rand(3), expected)


def test_a_scarce_class_is_drawn_as_often_as_the_others():
    labels = np.repeat([0, 1, 3], [500, 20, 3])
    order = fitting.balanced_order(labels, 5, 300, seed=0)
    assert np.bincount(labels[order], minlength=5).tolist() == [100, 100, 0, 100, 0]
    # Every pass over a class shows each of its samples once.
    assert np.bincount(order[labels[order] == 1])[500:].tolist() == [5] * 20
    assert np.bincount(order[labels[order] == 0]).max() == 1
    # And all along, not one class after the other.
    assert np.bincount(labels[order[:30]], minlength=4).tolist() == [10, 10, 0, 10]


def test_shifts_move_pixels_without_inventing_any():
    batch = torch.arange(64, dtype=torch.uint8).reshape(1, 8, 8, 1).repeat(200, 1, 1, 1)
    torch.manual_seed(0)
    shifted = shifted_images(batch, 1 / 14)
    whole = batch[0, :, :, 0]
    places = set()
    for image in shifted[:, :, :, 0]:
        inside = image[1:-1, 1:-1]
        top, left = divmod(int(inside[0, 0]), 8)
        assert torch.equal(inside, whole[top : top + 6, left : left + 6])
        places.add((top, left))
    assert places == {(top, left) for top in range(3) for left in range(3)}


def test_progress_rises_to_one():
    shares = []
    fitting.fit(Image(8, 8, 1), *stripes(30, 8), 3, seed=0, steps=10, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_too_few_steps_for_the_schedule_are_refused():
    with pytest.raises(ValueError, match="steps 9 is below 10"):
        fitting.fit(Image(8, 8, 1), *stripes(30, 8), 3, seed=0, steps=9)


def test_steps_follow_the_size_of_the_data(monkeypatch):
    monkeypatch.setattr(fitting, "BATCH", 128)
    steps = [fitting.default_steps(count) for count in (50, 1259, 3000, 60_000)]
    assert steps == [300, 300, 585, 1000]
