"""Batch norm and leaky ReLU as one operation of a training step on the CPU.

x + offset --batch norm--> * --leaky ReLU--> y
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.core.share import Share, held
from isthmus.kernels import threads
from isthmus.kernels.added import raise_failure, shared_rows
from isthmus.kernels.compiled import NAMES, expect, operation
from isthmus.kernels.derivatives import differentiate

_MULTIPLE = 16  # of channels: the kernels work on vectors of them


def takes(x: Tensor, norm: nn.BatchNorm2d) -> bool:
    """Whether `norm_leaky` supports `norm` of a convolution's output x (B, C', H, W).

    The kernels are for the CPU, certain types and numbers of channels, and channels last in memory.
    """
    return (
        x.device.type == "cpu"
        and x.dtype in NAMES
        and norm.weight.dtype == torch.float32
        and norm.num_features % _MULTIPLE == 0
        and x.is_contiguous(memory_format=torch.channels_last)
    )


def norm_leaky(x: Tensor, offset: Tensor, norm: nn.BatchNorm2d, slope: float) -> Tensor:
    """Leaky ReLU of `norm`, in training mode, of x + offset; only if `takes` is true.

    x (B, C, H, W) float32 or bfloat16; offset (C,) -> y like x. The running variance follows the biased variance, as
    in Keras. `offset` is the bias of the convolution before and changes only the running mean: y does not depend on
    it. Its gradient is exactly zero here; adding the offset first would give a rounding error instead.
    Raises Unavailable if there is no library, ValueError if x has one value per channel, as PyTorch does.
    """
    return _NormLeaky.apply(x, offset, norm.weight, norm.bias, norm, slope)  # pyright: ignore[reportReturnType]


class _NormLeaky(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, offset: Tensor, weight: Tensor, bias: Tensor, norm: nn.BatchNorm2d, slope: float
    ) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)  # no copy if the convolution's input was channels last
        ctx.share = held()
        y, found = forward(x, None, offset, norm, slope, ctx.share)
        ctx.save_for_backward(x, weight, bias, found)
        ctx.eps, ctx.slope = norm.eps, slope
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, bias, found = ctx.saved_tensors
        needed = ctx.needs_input_grad
        if torch.is_grad_enabled():  # a second derivative is needed too
            assert ctx.share is None, "regularizers that need one call the model in evaluation mode"
            parts = functools.partial(plain, eps=ctx.eps, slope=ctx.slope)
            dx, *rest = differentiate(parts, (x, weight, bias), (needed[0], *needed[2:4]), dy)
        else:
            dx, *rest = _backward(dy, x, found, ctx)
        return dx, torch.zeros_like(weight), *rest, None, None


def plain(x: Tensor, weight: Tensor, bias: Tensor, *, eps: float, slope: float) -> Tensor:
    """Norm and ReLU by operations that can be differentiated twice."""
    return F.leaky_relu(F.batch_norm(x, None, None, weight, bias, training=True, eps=eps), slope)


def forward(
    x: Tensor, moments: Tensor | None, offset: Tensor, norm: nn.BatchNorm2d, slope: float, share: Share | None
) -> tuple[Tensor, Tensor]:
    """y, and what the backward pass needs; updates the running statistics of `norm`.

    share: of a batch whose images all processes normalise together; None if x is the whole batch.
    """
    channels = x.shape[1]
    if x.numel() == channels:
        raise ValueError(f"batch norm needs more than one value a channel in training, and got {tuple(x.shape)}")
    expect((channels,), norm.weight, norm.bias, offset, norm.running_mean, norm.running_var)
    y, found = torch.empty_like(x), norm.weight.new_empty(4, channels)
    operation(f"norm_leaky_{NAMES[x.dtype]}")(
        **_sizes(x, norm.eps, slope, share),
        momentum=norm.momentum,
        x=x,
        weight=norm.weight,
        bias=norm.bias,
        moments=moments,
        offset=offset,
        mean=norm.running_mean,
        variance=norm.running_var,
        y=y,
        found=found,
    )
    raise_failure()
    return y, found


def _backward(dy: Tensor, x: Tensor, found: Tensor, ctx: Any) -> tuple[Tensor, Tensor, Tensor]:
    channels = x.shape[1]
    dy = dy.to(x.dtype).contiguous(memory_format=torch.channels_last)
    dx, dweight, dbias = torch.empty_like(x), found.new_empty(channels), found.new_empty(channels)
    operation(f"norm_leaky_backward_{NAMES[x.dtype]}")(
        **_sizes(x, ctx.eps, ctx.slope, ctx.share), dy=dy, x=x, found=found, dx=dx, dweight=dweight, dbias=dbias
    )
    raise_failure()
    return dx, dweight, dbias


def _sizes(x: Tensor, eps: float, slope: float, share: Share | None) -> dict[str, float]:
    channels = x.shape[1]
    return {
        "rows": x.numel() // channels,
        "channels": channels,
        "threads": threads.count(),
        "epsilon": eps,
        "slope": slope,
        **shared_rows(x.numel() // channels, share),
    }
