"""The operations of the layers of autoencoders, computed by compiled kernels in training or by PyTorch.

Layers call these functions and do not know which of the two runs. A training step chooses the kernels with `using`.
If a kernel does not support the given tensors, and outside of `using`, the operation runs in PyTorch, the reference
against which every kernel is tested.

| operation | compiled kernels | PyTorch's |
|---|---|---|
| `convolve` | `tiled_convolution`, `winograd` | `Convolution.__call__` |
| `convolve_norm_leaky` | `convolve_norm_leaky`, or `convolve` and `norm_leaky` | the three, one after the other |
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.core.share import held
from isthmus.kernels import convolve_norm_leaky as stages_at_once
from isthmus.kernels import norm_leaky, threads, tiled_convolution, winograd
from isthmus.kernels.convolution import Convolution
from isthmus.kernels.convolve_norm_leaky import Stage
from isthmus.kernels.whole_norm import summed, whole_norm

__all__ = [
    "CallsKernels",
    "Convolution",
    "Kernels",
    "Stage",
    "convolve",
    "convolve_norm_leaky",
    "pads_freely",
    "summed",
    "using",
    "whole_norm",
]

Kernels = Literal["compiled", "torch"]
Apart = Callable[[nn.Module, Callable[..., Tensor], Tensor, Any], Tensor]

_using: ContextVar[Kernels] = ContextVar("_using", default="torch")


class CallsKernels:
    """Declares that a module's forward calls an operation of this file: `choose` looks for such modules."""

    operation: ClassVar[Literal["convolve", "convolve_norm_leaky"]]


@contextmanager
def using(kernels: Kernels, *, mostly: bool = False) -> Generator[None]:
    """Inside the block, let operations of this Python thread use these kernels.

    mostly: operations of this file are nearly all of the arithmetic. If kernels support all of them, PyTorch gets
    only one thread for the rest, because its threads wait for each other after every operation.
    """
    alone = mostly and kernels == "compiled" and tiled_convolution.ready()
    token = _using.set(kernels)
    try:
        with threads.torch_on_one() if alone else nullcontext():
            yield
    finally:
        _using.reset(token)


def convolve(how: Convolution, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """how(x, weight, bias): x (B, C, H, W) -> (B, C', H', W')."""
    if _compiled() and tiled_convolution.takes(x, weight, how):
        return tiled_convolution.convolve(x, weight, bias, how)
    how, weight = how.direct(weight)
    if _compiled() and winograd.takes(x, weight, how):
        return winograd.convolve(x, weight, bias, how)
    return how(x, weight, bias)


def convolve_norm_leaky(x: Tensor, stages: Sequence[Stage], apart: Apart | None = None) -> Tensor:
    """Convolution, batch norm and leaky ReLU for each stage: x (B, C, H, W) -> (B, C', H', W').

    apart: computes each stage by a call of its own: apart(norm, function, x, argument) for function(x, argument), which
    changes the buffers of `norm`. The bits are the same with and without.
    """
    while stages:
        count = _at_once(x, stages)
        if not count:
            first = stages[0]
            x = apart(first.norm, _convolve_norm_leaky, x, first) if apart else _convolve_norm_leaky(x, first)
        elif not apart:
            x = stages_at_once.convolve_norm_leaky(x, stages[:count])
        else:
            for stage in stages[:count]:
                x = apart(stage.norm, stages_at_once.convolve_norm_leaky, x, [stage])
        stages = stages[count or 1 :]
    return x


def pads_freely(x: Tensor) -> bool:
    """Whether `convolve` can pad images like x (B, C, H, W) below and to the right without copying them."""
    return _compiled() and tiled_convolution.possible(x)


def _compiled() -> bool:
    return _using.get() == "compiled"


def _at_once(x: Tensor, stages: Sequence[Stage]) -> int:
    """How many of `stages`, counted from the first, one kernel can run together."""
    for count, stage in enumerate(stages):
        if not (_fuses(x, stage) and not any(stage.pad) and tiled_convolution.takes(x, stage.kernel, stage.how)):
            return count
    return len(stages)


def _fuses(x: Tensor, stage: Stage) -> bool:
    return _compiled() and stage.norm.training and norm_leaky.takes(x, stage.norm)


def _convolve_norm_leaky(x: Tensor, stage: Stage) -> Tensor:
    fuses = _fuses(x, stage)
    if any(stage.pad):
        x = F.pad(x, stage.pad)
    if fuses:
        return norm_leaky.norm_leaky(convolve(stage.how, x, stage.kernel, None), stage.offset, stage.norm, stage.slope)
    if held() is not None and stage.norm.training:
        return F.leaky_relu(
            whole_norm(convolve(stage.how, x, stage.kernel, None), stage.norm, stage.offset), stage.slope
        )
    return F.leaky_relu(stage.norm(convolve(stage.how, x, stage.kernel, stage.offset)), stage.slope)
