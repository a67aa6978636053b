"""PSNR per image agrees with scikit-image, and exact copies stay finite."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from isthmus.evaluation.measures.mse import Mse
from isthmus.evaluation.measures.psnr import Psnr
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse


def test_agrees_with_scikit_image() -> None:
    generator = torch.Generator().manual_seed(0)
    output, original = torch.randint(0, 256, (2, 5, 3, 9, 7), generator=generator, dtype=torch.uint8)
    expected = [peak_signal_noise_ratio(y, x) for x, y in zip(output.numpy(), original.numpy(), strict=True)]
    np.testing.assert_allclose(Psnr()(output, original).numpy(), expected, rtol=1e-12)


def test_an_exact_copy_scores_as_the_nearest_image_that_is_none() -> None:
    image = torch.full((1, 3, 32, 32), 7, dtype=torch.uint8)
    nearest = image.clone()
    nearest[0, 0, 0, 0] = 8
    copy, near = Psnr()(image, image).item(), Psnr()(nearest, image).item()
    assert copy == near == pytest.approx(10 * math.log10(255**2 * 3072))
    assert psnr_of_mean_mse(0.0, 3072) == pytest.approx(copy)


def test_mean_of_psnr_is_above_psnr_of_the_mean() -> None:
    """Both are quoted in the field, so both are computed, and they differ."""
    original = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    output = original.clone()
    output[0], output[1] = 10, 40
    of_mean = psnr_of_mean_mse(Mse()(output, original).mean().item(), 192)
    assert of_mean == pytest.approx(10 * math.log10(255**2 / 850))
    assert Psnr()(output, original).mean().item() > of_mean + 3
