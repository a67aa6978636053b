"""PyTorch's Adam and AdamW, whose step on the CPU calls PyTorch's fused kernel directly."""

from __future__ import annotations

from typing import Any

import torch

# not public, but what PyTorch's own optimizer calls, in every version from 2.0 on
_count: Any = torch._foreach_add_  # pyright: ignore[reportPrivateUsage]
_adam: Any = torch._fused_adam_  # pyright: ignore[reportPrivateUsage]
_adamw: Any = torch._fused_adamw_  # pyright: ignore[reportPrivateUsage]


class Adam(torch.optim.Adam):
    """The same steps, the same state and the same bits as `torch.optim.Adam` with `fused=True`.

    Before its kernel, PyTorch sorts the parameters anew in every step, which takes 0.4 ms: a fiftieth of a step of
    the post's network (records/2026-11-28-kernel-gains.md).
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        assert closure is None
        groups = [(group, [p for p in group["params"] if p.grad is not None]) for group in self.param_groups]
        if any(p.device.type != "cpu" or not self.state[p] for _, stepped in groups for p in stepped):
            super().step()  # a graph is captured of it; and on a first step, it makes the state
            return
        for group, stepped in groups:
            if not stepped:
                continue
            states = [self.state[p] for p in stepped]
            steps = [state["step"] for state in states]
            _count(steps, 1)
            (_adamw if group["decoupled_weight_decay"] else _adam)(
                stepped,
                [p.grad for p in stepped],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                steps,
                lr=group["lr"],
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )
