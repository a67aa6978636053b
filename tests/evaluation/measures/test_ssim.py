"""SSIM is Wang's, with scikit-image as the oracle."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from isthmus.evaluation.measures.ssim import Ssim


def _oracle(output: torch.Tensor, original: torch.Tensor) -> list[float]:
    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    pairs = zip(output.numpy(), original.numpy(), strict=True)
    return [structural_similarity(x, y, channel_axis=0, data_range=255, **wang) for x, y in pairs]


@pytest.mark.parametrize("size", [(11, 11), (32, 32), (17, 40)])
@pytest.mark.parametrize("noise", [2, 20, 120])
def test_agrees_with_scikit_image(size: tuple[int, int], noise: int) -> None:
    """On smooth pictures, where the variances that SSIM divides by are small, and at every quality."""
    generator = torch.Generator().manual_seed(noise)
    smooth = torch.linspace(20, 220, size[0])[:, None] + torch.linspace(-15, 15, size[1])
    original = smooth.expand(4, 3, *size)
    output = original + noise * torch.randn(original.shape, generator=generator)
    original, output = (x.clamp(0, 255).round().byte() for x in (original, output))
    scores = Ssim()(output, original)
    assert scores.dtype == torch.float64
    np.testing.assert_allclose(scores.numpy(), _oracle(output, original), atol=1e-9)


def test_equal_images_score_one_and_more_noise_scores_less() -> None:
    generator = torch.Generator().manual_seed(0)
    original = torch.randint(0, 256, (300, 3, 16, 16), generator=generator, dtype=torch.uint8)
    scores = [1.0]
    np.testing.assert_allclose(Ssim()(original, original).numpy(), 1, atol=1e-12)
    for noise in (5, 25, 100):
        output = (original + noise * torch.randn(original.shape, generator=generator)).clamp(0, 255).byte()
        scores.append(Ssim()(output, original).mean().item())
    assert scores == sorted(scores, reverse=True)


def test_batches_do_not_change_an_image() -> None:
    """300 images pass through in two pieces."""
    generator = torch.Generator().manual_seed(0)
    output, original = torch.randint(0, 256, (2, 300, 3, 12, 12), generator=generator, dtype=torch.uint8)
    together = Ssim()(output, original)
    apart = torch.cat([Ssim()(output[i : i + 1], original[i : i + 1]) for i in (0, 255, 256, 299)])
    np.testing.assert_allclose(together[[0, 255, 256, 299]].numpy(), apart.numpy(), rtol=1e-12)


@pytest.mark.parametrize("size", [(10, 32), (32, 10), (1, 1)])
def test_is_undefined_below_its_window(size: tuple[int, int]) -> None:
    images = torch.zeros(2, 3, *size, dtype=torch.uint8)
    assert Ssim()(images, images).isnan().tolist() == [True, True]
