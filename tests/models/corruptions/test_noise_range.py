"""Noise of a range of strengths: each image has its own."""

from __future__ import annotations

import pytest
import torch

from isthmus.core import registry

SHAPE = (1, 64, 64)


def test_each_image_has_a_strength_of_its_own_evenly_spread() -> None:
    part = registry.build("corruptions", "gaussian", {"std": 0.4, "least_std": 0.1}, SHAPE)
    x = torch.zeros(400, *SHAPE)
    stds = part(x, torch.Generator().manual_seed(0)).flatten(1).std(1)
    assert 0.09 < stds.min() < 0.12 and 0.38 < stds.max() < 0.41
    assert stds.mean().item() == pytest.approx(0.25, abs=0.02)
    assert stds.std().item() == pytest.approx(0.3 / 12**0.5, rel=0.1)
    assert part.noise_range == (0.1, 0.4)


def test_one_strength_draws_what_it_always_drew() -> None:
    x = torch.zeros(5, *SHAPE)
    made = registry.build("corruptions", "gaussian", {"std": 0.2}, SHAPE)(x, torch.Generator().manual_seed(3))
    assert torch.equal(made, torch.empty_like(x).normal_(std=0.2, generator=torch.Generator().manual_seed(3)))


def test_clipped_noise_stays_within_black_and_white() -> None:
    x = torch.linspace(-1, 1, 64).expand(5, *SHAPE)
    plain, clipped = (
        registry.build("corruptions", "gaussian", {"std": 0.3, "clip": clip}, SHAPE)(
            x, torch.Generator().manual_seed(0)
        )
        for clip in (False, True)
    )
    assert plain.abs().max() > 1
    assert torch.equal(clipped, plain.clamp(-1, 1))


def test_a_range_upside_down_is_refused() -> None:
    with pytest.raises(ValueError, match=r"least_std 0\.2 is not below std 0\.1"):
        registry.build("corruptions", "gaussian", {"std": 0.1, "least_std": 0.2}, SHAPE)
