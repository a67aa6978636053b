"""The noise that is found in a picture is the noise that was put there."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.restoration import estimate_sigma
from sklearn.datasets import load_sample_images

from isthmus.inference.noise_level import noise_std

FLOWER = load_sample_images().images[1]


def noisy(image: np.ndarray, std: float) -> np.ndarray:
    """(H, W, C) -> (C, H, W), with noise of `std` levels."""
    drawn = np.random.default_rng(0).normal(0, std, image.shape) if std else 0
    return np.rint(image + drawn).clip(0, 255).astype(np.uint8).transpose(2, 0, 1)


@pytest.mark.parametrize("std", [0, 3, 12, 40])
def test_it_is_scikit_images_estimate(std: float) -> None:
    picture = noisy(FLOWER, std)
    found = noise_std(picture)
    assert found is not None
    theirs = estimate_sigma(picture.astype(float), channel_axis=0, average_sigmas=True)
    assert 127.5 * found == pytest.approx(theirs, rel=0.02, abs=0.05)


@pytest.mark.parametrize("std", [2.0, 10.0, 30.0])
def test_noise_on_a_plain_picture_is_found_to_a_twentieth(std: float) -> None:
    grey = noisy(np.full((200, 160, 1), 128), std)
    found = noise_std(grey)
    assert found == pytest.approx(std / 127.5, rel=0.05)
    deep = noise_std((grey.astype(np.uint16)) * 257)
    assert deep == pytest.approx(found)


def test_a_plain_picture_has_no_noise_and_a_tiny_one_no_estimate() -> None:
    assert noise_std(np.full((3, 40, 40), 255, np.uint8)) == 0
    assert noise_std(np.zeros((3, 7, 40), np.uint8)) is None
