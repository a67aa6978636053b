"""Finite scalar quantisation: the paper's bound, its codes, and that it uses them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from vector_quantize_pytorch import FSQ

from isthmus.models.bottlenecks.fsq import Fsq


def straight(levels: list[int]) -> Fsq:
    """A bottleneck whose projections are the identity, so that features are what is rounded."""
    part = Fsq((len(levels), 1, 1), levels=levels)
    for layer in (part.to_latent, part.to_features):
        torch.nn.init.dirac_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    return part.eval()


@pytest.mark.parametrize("levels", [[2], [3], [4], [5], [8], [8, 5, 5, 5], [7, 2, 3]])
def test_every_level_is_reached_and_none_else(levels: list[int]) -> None:
    part = straight(levels)
    wide = torch.linspace(-6, 6, 4001).view(-1, 1, 1, 1).expand(-1, len(levels), 1, 1)
    z = part(wide).z[:, :, 0, 0].detach()
    for place, count in enumerate(levels):
        found = z[:, place].unique()
        assert len(found) == count
        assert found.min() == -1
        np.testing.assert_allclose(found.diff(), 1 / (count // 2), rtol=1e-6)


def test_even_levels_hold_zero_as_in_the_paper() -> None:
    """Equation of section 3.1 with the shift of appendix A.1: zero stays zero, for odd and for even counts."""
    assert straight([8, 5])(torch.zeros(1, 2, 1, 1)).z.flatten().tolist() == [0, 0]


@pytest.mark.parametrize("levels", [[4, 3], [8, 5, 5, 5]])
def test_code_to_latent_to_code_is_exact_for_every_code(levels: list[int]) -> None:
    part = Fsq((4, 2, 2), levels=levels)
    codes = torch.arange(part.codes).view(-1, 1, 1)
    assert part.codes == int(np.prod(levels))
    assert torch.equal(part.codes_of(part.vectors_of(codes)), codes)
    assert len(part.codebook().unique(dim=0)) == part.codes


def test_more_codes_than_can_be_listed_are_refused() -> None:
    with pytest.raises(ValueError, match="100,000 codes"):
        Fsq((4, 2, 2), levels=[10] * 5)


def test_gradients_pass_the_rounding() -> None:
    part = straight([5]).train()
    h = torch.tensor([[[[0.3]]]], requires_grad=True)
    part(h).z.sum().backward()
    reach = 2 * (1 + 1e-3)
    expected = (1 - torch.tanh(torch.tensor(0.3)) ** 2) * reach / 2
    assert h.grad is not None
    torch.testing.assert_close(h.grad.flatten()[0], expected)


def test_nearly_all_codes_are_used_where_features_vary() -> None:
    """What the paper claims over a learned codebook: use is a matter of the bound, not of luck."""
    torch.manual_seed(0)
    part = Fsq((16, 8, 8), levels=[8, 5, 5]).eval()
    torch.nn.init.orthogonal_(part.to_latent.weight.data.flatten(1))
    codes = part(1.5 * torch.randn(300, 16, 8, 8)).codes
    assert codes is not None
    assert len(codes.unique()) > 0.95 * part.codes


def test_it_agrees_with_a_peer() -> None:

    levels = [8, 5, 5, 5]
    h = torch.randn(64, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    ours = Fsq((4, 3, 3), levels=levels).eval()
    for layer in (ours.to_latent, ours.to_features):
        torch.nn.init.dirac_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    latent = ours(h)
    z, codes = FSQ(levels).eval()(h)
    torch.testing.assert_close(latent.z, z)
    assert torch.equal(latent.codes, codes.long())
