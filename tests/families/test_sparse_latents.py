"""Sparse latents: as many numbers as asked for, at the density asked for, none of them dead."""

from __future__ import annotations

import pytest
import torch
from tests.families.small import trained

from isthmus.models.bottlenecks.top_k import TopK


@pytest.mark.parametrize("mode", [True, False])
def test_exactly_k_numbers_are_not_zero(mode: bool) -> None:
    torch.manual_seed(0)
    part = TopK((5, 4, 4), dim=20, k=6).train(mode)
    z = part(torch.randn(50, 5, 4, 4)).z
    assert ((z != 0).sum(1) == 6).all()


def test_the_largest_are_kept_and_unchanged() -> None:
    torch.manual_seed(0)
    part = TopK((5, 4, 4), dim=20, k=6).eval()
    h = torch.randn(50, 5, 4, 4)
    values = part.to_latent(h.permute(0, 2, 3, 1).flatten(1))
    z = part(h).z
    kept = z != 0
    torch.testing.assert_close(z[kept], values[kept])
    least = values.abs().masked_fill(~kept, torch.inf).amin(1)
    assert (values.abs().masked_fill(kept, 0).amax(1) <= least).all()


def test_the_favour_wakes_numbers_that_would_sleep() -> None:
    """Numbers that start small are never among the largest, unless the ones that always are step back."""
    used: dict[float, int] = {}
    h = torch.randn(64, 5, 4, 4, generator=torch.Generator().manual_seed(0))
    for boost in (0.0, 30.0):
        torch.manual_seed(0)
        part = TopK((5, 4, 4), dim=20, k=4, boost=boost, decay=0.9).train()
        with torch.no_grad():
            part.to_latent.weight[10:] *= 0.3
        chosen = torch.zeros(20, dtype=torch.bool)
        for _ in range(200):
            chosen |= (part(h).z != 0).any(0)
        used[boost] = int(chosen.sum())
    assert used[30.0] == 20
    assert used[0.0] < 20


def test_density_comes_to_its_target() -> None:
    made = trained(
        {
            "bottleneck.kind": "sparse",
            "bottleneck.dim": 24,
            "bottleneck.penalty": "kl",
            "bottleneck.density": 0.1,
            "objective.weights.sparsity": 20.0,
        }
    )
    with torch.no_grad():
        density = made.model(made.test()).latent.z.mean(0)
    assert density.mean().item() == pytest.approx(0.1, abs=0.02)
    assert density.max() < 0.25


def test_a_larger_l1_weight_leaves_fewer_numbers_on() -> None:
    share: list[float] = []
    for weight in (0.01, 3.0):
        made = trained({"bottleneck.kind": "sparse", "bottleneck.dim": 24, "objective.weights.sparsity": weight})
        with torch.no_grad():
            share.append((made.model(made.test()).latent.z > 1e-3).float().mean().item())
    assert share[1] < 0.7 * share[0]
