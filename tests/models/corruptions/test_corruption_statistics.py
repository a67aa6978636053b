"""What every corruption says it does, counted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.filters import gaussian
from torch import Tensor

from isthmus.core import registry

SHAPE = (3, 32, 32)
IMAGES = torch.rand(200, *SHAPE, generator=torch.Generator().manual_seed(0)) * 1.8 - 0.9


def corrupted(kind: str, **options: float) -> Tensor:
    part = registry.build("corruptions", kind, options, SHAPE)
    return part(IMAGES, torch.Generator().manual_seed(1))


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_masking_greys_whole_pixels_by_chance(share: float) -> None:
    grey = corrupted("masking", share=share) == 0
    assert (grey == grey[:, :1]).all(), "a pixel goes with all its colours"
    assert grey.float().mean().item() == pytest.approx(share, abs=0.01)
    assert torch.equal(corrupted("masking", share=share)[~grey], IMAGES[~grey])
    assert grey[:, 0].flatten(1).float().mean(1).std() > 0, "every image has a mask of its own"


def test_salt_and_pepper_come_in_equal_shares() -> None:
    x = corrupted("salt_and_pepper", share=0.2)
    black, white = x == -1, x == 1
    assert (black == black[:, :1]).all() and (white == white[:, :1]).all()
    assert black.float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert white.float().mean().item() == pytest.approx(0.1, abs=0.01)
    rest = ~(black | white)
    assert torch.equal(x[rest], IMAGES[rest])


@pytest.mark.parametrize("side", [4, 8, 5])
def test_dropped_patches_are_squares_of_a_grid(side: int) -> None:
    grey = corrupted("dropped_patches", share=0.3, side=side)[:, 0] == 0
    for top in range(0, 32, side):
        for left in range(0, 32, side):
            patch = grey[:, top : top + side, left : left + side].flatten(1)
            assert (patch.all(1) | ~patch.any(1)).all(), "a patch goes as a whole or stays"
    assert grey.float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_a_patch_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="side 33 is larger than the images, 32x32"):
        registry.build("corruptions", "dropped_patches", {"side": 33}, SHAPE)


@pytest.mark.parametrize("std", [0.7, 2.0])
def test_blur_is_scikit_images_gaussian(std: float) -> None:
    ours = corrupted("blur", std=std)[:3].numpy()
    theirs = np.stack([gaussian(x, std, mode="nearest", truncate=3.0, channel_axis=0) for x in IMAGES[:3].numpy()])
    np.testing.assert_allclose(ours, theirs, atol=2e-3)
    assert ours.std() < IMAGES[:3].numpy().std()


@pytest.mark.parametrize("kind", ["gaussian", "masking", "salt_and_pepper", "dropped_patches"])
def test_noise_is_fresh_at_every_step(kind: str) -> None:
    part = registry.build("corruptions", kind, {}, SHAPE)
    generator = torch.Generator().manual_seed(1)
    assert not torch.equal(part(IMAGES, generator), part(IMAGES, generator))
