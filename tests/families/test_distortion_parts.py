"""Perceptual distortions against the measures and closed forms they stand for."""

from __future__ import annotations

import pytest
import torch

from isthmus.core import registry
from isthmus.core.errors import InputError


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    """Two batches of 8-bit images in [-1, 1], so that rounding changes neither."""
    random = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (4, 3, 32, 32), generator=random).float()
    near = (x + torch.randint(-30, 31, x.shape, generator=random)).clamp(0, 255)
    return near / 127.5 - 1, x / 127.5 - 1


def test_ssim_is_the_evaluators() -> None:
    x_hat, x = pair()
    part = registry.build("distortions", "ssim", {"mix": 1.0})
    measure = registry.build("measures", "ssim", {})
    expected = measure(*((one + 1).mul(127.5).round().to(torch.uint8) for one in (x_hat, x)))
    torch.testing.assert_close(1 - part(x_hat, x).double() / (3 * 32 * 32), expected, rtol=1e-4, atol=1e-5)


def test_ssims_mix_is_with_absolute_error() -> None:
    x_hat, x = pair()
    alone, mixed = (registry.build("distortions", "ssim", {"mix": mix})(x_hat, x) for mix in (1.0, 0.5))
    absolute = registry.build("distortions", "l1", {})(x_hat, x)
    torch.testing.assert_close(absolute, (x_hat - x).abs().flatten(1).sum(1))
    torch.testing.assert_close(mixed, 0.5 * alone + 0.5 * absolute)


def test_charbonnier_is_squared_when_small_and_absolute_when_large() -> None:
    part = registry.build("distortions", "charbonnier", {})
    x = torch.zeros(1, 3, 8, 8)
    small = part(x + 1e-4, x).item() / x.numel()
    assert small == pytest.approx(1e-4**2 / 2e-3, rel=1e-2)
    large, twice = part(x + 1, x).item(), part(x + 2, x).item()
    assert twice == pytest.approx(2 * large, rel=1e-2)


@pytest.mark.parametrize("kind", ["ssim", "ms_ssim"])
def test_images_too_small_for_the_window_are_refused(kind: str) -> None:
    part = registry.build("distortions", kind, {})
    small = torch.zeros(1, 3, 8, 8)
    with pytest.raises(InputError, match=r"distortion\.kind"):
        part(small, small)


def test_scales_are_those_that_the_shorter_side_has_room_for() -> None:
    """Of 21x50 pixels one scale is judged, as by `ssim`; at 23 pixels, whose half is the window, there are two."""
    part, one = (registry.build("distortions", kind, {"mix": 1.0}) for kind in ("ms_ssim", "ssim"))
    x = torch.rand(2, 1, 23, 50, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(part(0.9 * x[:, :, :21], x[:, :, :21]), one(0.9 * x[:, :, :21], x[:, :, :21]), rtol=1e-4)
    assert not torch.allclose(part(0.9 * x, x), one(0.9 * x, x), rtol=1e-4)
