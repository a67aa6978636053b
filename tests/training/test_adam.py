"""Our Adam is PyTorch's, to the bit: weights and state, whatever changes between steps."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from isthmus.training.adam import Adam

SIZES = ((64, 3, 3, 3), (64,), (5000, 7), ())


def weights() -> list[nn.Parameter]:
    draw = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(size, generator=draw)) for size in SIZES]


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.02])
def test_steps_are_pytorchs(decoupled: bool, decay: float) -> None:
    options = {"eps": 1e-7, "weight_decay": decay, "decoupled_weight_decay": decoupled, "fused": True}
    ours, theirs = weights(), weights()
    pair = []
    for kind, held in ((Adam, ours), (torch.optim.Adam, theirs)):
        pair.append(kind([{"params": held[:2]}, {"params": held[2:], "betas": (0.5, 0.9)}], **options))
    draw = torch.Generator().manual_seed(1)
    for number in range(6):
        for mine, its in zip(ours, theirs, strict=True):
            mine.grad = torch.randn(mine.shape, generator=draw)
            its.grad = mine.grad.clone()
        if number == 2:  # a part that was not used: neither it nor its count of steps changes
            ours[1].grad = theirs[1].grad = None
            for one in (*ours[2:], *theirs[2:]):
                one.grad = None
        for optimizer in pair:
            for group in optimizer.param_groups:
                group["lr"], group["eps"] = 0.01 * (number + 1), 1e-7 * (number + 1)
            optimizer.step()
        if number == 3:  # as a run that is resumed
            pair[0].load_state_dict(copy.deepcopy(pair[0].state_dict()))
    for mine, its in zip(ours, theirs, strict=True):
        assert torch.equal(mine, its)
        for name, value in pair[1].state[its].items():
            assert torch.equal(pair[0].state[mine][name], value), name


def test_pytorchs_own_step_is_taken_only_to_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the file would do nothing."""
    held = weights()
    optimizer = Adam(held, fused=True)
    called: list[int] = []
    whole = torch.optim.Adam.step
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self: (called.append(1), whole(self)))
    for _ in range(3):
        for one in held:
            one.grad = torch.ones_like(one)
        optimizer.step()
    assert called == [1]
