"""Mean squared error counts every pixel value once, exactly, and refuses what it cannot compare."""

import numpy as np
import pytest
import torch

from isthmus.core import registry
from isthmus.evaluation.measures.mse import Mse


def test_equals_the_definition_per_image() -> None:
    generator = torch.Generator().manual_seed(0)
    output, original = torch.randint(0, 256, (2, 5, 3, 9, 7), generator=generator, dtype=torch.uint8)
    expected = ((output.numpy() / 255 - original.numpy() / 255) ** 2).mean(axis=(1, 2, 3))
    scores = Mse()(output, original)
    assert scores.dtype == torch.float64
    np.testing.assert_allclose(scores.numpy(), expected, rtol=1e-12)


def test_black_against_white_is_one_in_both_directions() -> None:
    """Unsigned subtraction would wrap round in one of them."""
    white = torch.full((1, 3, 4, 4), 255, dtype=torch.uint8)
    black = torch.zeros_like(white)
    assert Mse()(black, white).tolist() == Mse()(white, black).tolist() == [1.0]


def test_large_images_are_summed_exactly() -> None:
    """512x512 of the largest error passes 2^31."""
    white = torch.full((1, 3, 512, 512), 255, dtype=torch.uint8)
    assert Mse()(torch.zeros_like(white), white).item() == 1.0


@pytest.mark.parametrize("kind", ["mse", "psnr", "ssim"])
def test_every_measure_is_a_part_that_refuses_what_it_cannot_compare(kind: str) -> None:
    measure = registry.build("measures", kind, {})
    images = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    with pytest.raises(TypeError, match="uint8"):
        measure(images.float(), images)
    with pytest.raises(TypeError, match="uint16"):
        measure(images.to(torch.uint16), images)
    with pytest.raises(ValueError, match=r"\(B, C, H, W\)"):
        measure(images[:1], images)  # would broadcast
    with pytest.raises(ValueError, match=r"\(B, C, H, W\)"):
        measure(images[0], images[0])
    assert measure(images[:0], images[:0]).shape == (0,)
