"""Measures of 8 and 16 bits and any number of channels, with scikit-image as the oracle."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

from isthmus.core.pixels import levels
from isthmus.evaluation.measures.mse import Mse
from isthmus.evaluation.measures.psnr import Psnr
from isthmus.evaluation.measures.ssim import Ssim
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse

DEPTHS = [np.uint8, np.uint16]


def _pair(dtype: type, channels: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    highest = levels(np.dtype(dtype))
    original = rng.random((4, channels, 14, 19))
    output = original + 0.1 * rng.standard_normal(original.shape)
    output[0, 0, 0, 0], original[0, 0, 0, 0] = 1, 0  # the largest difference there is
    return tuple((x.clip(0, 1) * highest).round().astype(dtype) for x in (output, original))


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("channels", [1, 5])
def test_agrees_with_scikit_image(dtype: type, channels: int) -> None:
    output, original = _pair(dtype, channels)
    highest = levels(output.dtype)
    given = torch.from_numpy(output), torch.from_numpy(original)
    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    pairs = list(zip(output, original, strict=True))
    np.testing.assert_allclose(Mse()(*given), [mean_squared_error(x / highest, y / highest) for x, y in pairs])
    expected = [peak_signal_noise_ratio(y, x, data_range=highest) for x, y in pairs]
    np.testing.assert_allclose(Psnr()(*given), expected, rtol=1e-12)
    expected = [structural_similarity(x, y, channel_axis=0, data_range=highest, **wang) for x, y in pairs]
    np.testing.assert_allclose(Ssim()(*given), expected, atol=1e-9)


def test_black_against_white_is_one_at_16_bits() -> None:
    """65,535 squared passes 2^31, and 300x300 of them pass 2^48."""
    white = torch.full((1, 1, 300, 300), 65535, dtype=torch.uint16)
    black = torch.zeros_like(white)
    assert Mse()(black, white).tolist() == Mse()(white, black).tolist() == [1.0]
    assert Psnr()(black, white).item() == 0


def test_an_exact_copy_at_16_bits_scores_as_one_value_one_level_off() -> None:
    image = torch.full((1, 1, 8, 9), 700, dtype=torch.uint16)
    nearest = image.clone()
    nearest[0, 0, 0, 0] = 701
    copy, near = Psnr()(image, image).item(), Psnr()(nearest, image).item()
    assert copy == near == pytest.approx(10 * math.log10(65535**2 * 72))
    assert psnr_of_mean_mse(0.0, 72, depth=16) == pytest.approx(copy)
