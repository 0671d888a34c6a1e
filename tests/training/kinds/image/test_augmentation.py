from __future__ import annotations

import torch

from training.kinds.image.augmentation import augment


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_nothing_happens_at_probability_zero() -> None:
    images = torch.randn(4, 3, 8, 8)
    assert augment(images, 0.0, generator()) is images


def test_images_are_shifted_by_at_most_an_eighth_and_filled_with_black() -> None:
    image = torch.full((200, 1, 16, 16), -1.0)
    image[:, 0, 8, 8] = 1.0
    shifted = augment(image, 1.0, generator())
    positions = (shifted == 1).nonzero()
    assert len(positions) == 200
    assert set(positions[:, 2].tolist()) == set(positions[:, 3].tolist()) == {6, 7, 8, 9, 10}
    assert (shifted == -1).sum() == 200 * (256 - 1)


def test_only_the_chosen_share_is_changed() -> None:
    torch.manual_seed(0)
    images = torch.randn(2000, 1, 8, 8)
    changed = (augment(images, 0.3, generator()) != images).flatten(1).any(1).float().mean().item()
    assert 0.3 * 8 / 9 - 0.04 < changed < 0.3 * 8 / 9 + 0.04  # one of nine shifts is none


def test_color_images_vary_in_brightness_and_contrast_gray_ones_do_not() -> None:
    gray, color = torch.zeros(64, 1, 8, 8), torch.zeros(64, 3, 8, 8)
    assert set(augment(gray, 1.0, generator()).unique().tolist()) <= {-1.0, 0.0}
    assert augment(color, 1.0, generator()).mean((1, 2, 3)).std() > 0.05


def test_gradients_pass_through() -> None:
    images = torch.randn(8, 3, 8, 8, requires_grad=True)
    augment(images, 1.0, generator()).sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_the_generator_decides_everything() -> None:
    images = torch.randn(16, 3, 8, 8)
    assert torch.equal(augment(images, 0.5, generator(1)), augment(images, 0.5, generator(1)))
    assert not torch.equal(augment(images, 0.5, generator(1)), augment(images, 0.5, generator(2)))
