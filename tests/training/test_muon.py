"""Muon: steps of equal size in every direction for matrices, AdamW for the rest."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from isthmus.training.muon import Muon, matrices_of, orthogonalise


@pytest.mark.parametrize("shape", [(12, 40), (40, 12), (16, 16)])
def test_orthogonalised_matrices_have_singular_values_near_one(shape: tuple[int, int]) -> None:
    """Whatever they were before, over two orders of magnitude; directions are kept."""
    torch.manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    scales = torch.logspace(-2, 0, min(shape))
    matrices = torch.stack([left @ torch.diag(scales) @ right, torch.randn(shape)])
    result = orthogonalise(matrices)
    values = torch.linalg.svdvals(result)
    assert values.max() < 1.3
    assert values[0].min() > 0.4
    turned = left.T @ result[0] @ right.T
    assert turned.diagonal().min() > 0.4
    assert (turned - turned.diagonal().diag()).abs().max() < 0.2


def test_matrices_take_steps_of_their_rate_and_the_rest_adamws() -> None:
    torch.manual_seed(0)
    kernel, bias = nn.Parameter(torch.zeros(8, 4, 3, 3)), nn.Parameter(torch.zeros(8))
    groups = [{"params": [kernel], "matrix": True, "lr": 0.1}, {"params": [bias], "matrix": False, "lr": 0.01}]
    optimizer = Muon(groups, fused=True)
    for _ in range(3):
        kernel.grad, bias.grad = torch.randn_like(kernel), torch.ones_like(bias)
        optimizer.step()
    twin = nn.Parameter(torch.zeros(8))
    adamw = torch.optim.AdamW([twin], lr=0.01, fused=True)
    for _ in range(3):
        twin.grad = torch.ones_like(twin)
        adamw.step()
    assert torch.equal(bias, twin)
    length = torch.linalg.matrix_norm(kernel.detach().flatten(1), ord=2).item()
    assert 0.1 < length < 3 * 0.1 * 1.3


def test_kernels_of_a_shape_step_as_they_would_alone() -> None:
    torch.manual_seed(0)
    gradients = [torch.randn(6, 3, 3, 3) for _ in range(2)]
    together = [nn.Parameter(torch.zeros(6, 3, 3, 3)) for _ in range(2)]
    alone = [nn.Parameter(torch.zeros(6, 3, 3, 3)) for _ in range(2)]
    optimizers = [Muon([{"params": together, "matrix": True}], lr=0.1)]
    optimizers += [Muon([{"params": [parameter], "matrix": True}], lr=0.1) for parameter in alone]
    for parameters in (together, alone):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.clone()
    for optimizer in optimizers:
        optimizer.step()
    for ours, theirs in zip(together, alone, strict=True):
        torch.testing.assert_close(ours.detach(), theirs.detach(), rtol=0, atol=2e-3)


def test_matrices_are_found_once() -> None:
    shared = nn.Linear(3, 3)
    assert [p.shape for p in matrices_of(nn.Sequential(shared, nn.Sequential(shared, nn.BatchNorm1d(3))))] == [(3, 3)]
