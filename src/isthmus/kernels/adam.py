"""Adam and AdamW whose step is one call for all parameters, on the CPU."""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import c_float, c_int, c_long, c_void_p
from typing import Any

import torch
from torch import Tensor

from isthmus.kernels import threads
from isthmus.kernels.compiled import function

_TYPES = (c_int, c_int, c_int, *(c_float,) * 5, *(c_void_p,) * 6)


class Adam(torch.optim.Adam):
    """PyTorch's, with the same state; where `compiled` is set, a step is one call of our own code.

    A step of the post's network is a twenty-fifth shorter for it (records/2026-11-26-tile-convolution.md).
    """

    compiled = False

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        assert closure is None
        groups = [self._gathered(group["params"]) for group in self.param_groups] if self.compiled else [None]
        if any(tensors is None for tensors in groups):
            super().step()  # also the first, which makes the state
            return
        for group, tensors in zip(self.param_groups, groups, strict=True):
            if tensors:
                self._step(group, tensors)

    def _gathered(self, parameters: Iterable[Tensor]) -> list[tuple[Tensor, ...]] | None:
        """Of each parameter with a gradient itself, its gradient, moments and steps; None where ours cannot be."""
        found: list[tuple[Tensor, ...]] = []
        for parameter in parameters:
            gradient = parameter.grad
            if gradient is None:
                continue
            state = self.state[parameter]
            if not state or parameter.dtype != torch.float32:
                return None
            if gradient.stride() != parameter.stride():
                gradient = torch.empty_like(parameter).copy_(gradient)
            found.append((parameter, gradient, state["exp_avg"], state["exp_avg_sq"], state["step"]))
        return found

    def _step(self, group: dict[str, Any], tensors: list[tuple[Tensor, ...]]) -> None:
        count, kinds = len(tensors), [*zip(*tensors, strict=True)]
        sizes = [*map(Tensor.numel, kinds[0])]
        # the library gets bare addresses; tensor by tensor, seeing to it took half as long as the step
        alike = [[*map(Tensor.numel, kind)] for kind in kinds] == [*[sizes] * (len(kinds) - 1), [1] * count]
        if not alike or {tensor.dtype for kind in kinds for tensor in kind} != {torch.float32}:
            raise ValueError("Adam's state is not of the sizes and types of its parameters")
        addresses = [(c_void_p * count)(*map(Tensor.data_ptr, kind)) for kind in kinds]
        function("adam", _TYPES)(
            count,
            threads.count(),
            group["decoupled_weight_decay"],
            group["lr"],
            *group["betas"],
            group["eps"],
            group["weight_decay"],
            (c_long * count)(*sizes),
            *addresses,
        )
