"""Batch norm and leaky ReLU as one operation of a training step on the CPU.

x + offset --batch norm--> * --leaky ReLU--> y
"""

from __future__ import annotations

from ctypes import c_float, c_int, c_long, c_void_p
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.kernels.compiled import function

_MULTIPLE = 16  # of channels: the kernels work on vectors of them
_NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}
_LAYER = (c_long, c_int, c_int, c_float, c_float)
_TYPES = {"forward": (*_LAYER, *(c_void_p,) * 5), "backward": (*_LAYER, *(c_void_p,) * 6)}


def takes(x: Tensor, norm: nn.BatchNorm2d) -> bool:
    """Whether `norm_leaky` can be asked for what a convolution makes of x (B, C', H, W) before `norm`.

    The kernels are for the CPU, certain types and numbers of channels, and channels that lie beside each other.
    """
    return (
        x.device.type == "cpu"
        and x.dtype in _NAMES
        and norm.weight.dtype == torch.float32
        and norm.num_features % _MULTIPLE == 0
        and x.is_contiguous(memory_format=torch.channels_last)
    )


def norm_leaky(
    x: Tensor, offset: Tensor, weight: Tensor, bias: Tensor, *, eps: float, slope: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Leaky ReLU of the batch norm of x + offset, where `takes` says so.

    x (B, C, H, W) float32 or bfloat16; offset, weight, bias (C,) -> y like x, the mean (C,) of x + offset and its
    biased variance (C,), without a gradient. `offset`, the bias of a convolution before it, moves the mean alone:
    y does not depend on it, and its gradient is zero, where adding it first gives a rounding error.
    Raises Unavailable where there is no library, ValueError where x has one value a channel, as PyTorch does.
    """
    if x.numel() == x.shape[1]:
        raise ValueError(f"batch norm needs more than one value a channel in training, and got {tuple(x.shape)}")
    return _NormLeaky.apply(x, offset, weight, bias, eps, slope)  # pyright: ignore[reportReturnType]


class _NormLeaky(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, offset: Tensor, weight: Tensor, bias: Tensor, eps: float, slope: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        x = x.contiguous(memory_format=torch.channels_last)  # as it is, where the convolution's input was
        y, found = torch.empty_like(x), weight.new_empty(4, x.shape[1])
        _run("forward", x, eps, slope, (x, weight, bias, y, found))
        ctx.save_for_backward(x, offset, weight, bias, found)
        ctx.eps, ctx.slope = eps, slope
        mean, variance = found[0] + offset, found[1].clone()
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, dy: Tensor, *_: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, None, None]:
        x, offset, weight, bias, found = ctx.saved_tensors
        if torch.is_grad_enabled():  # the derivative of this derivative is wanted too
            y = F.leaky_relu(F.batch_norm(x, None, None, weight, bias, training=True, eps=ctx.eps), ctx.slope)
            dx, dweight, dbias = torch.autograd.grad(y, (x, weight, bias), dy, create_graph=True)
            return dx, torch.zeros_like(offset), dweight, dbias, None, None
        dy = dy.to(x.dtype).contiguous(memory_format=torch.channels_last)
        dx, dweight, dbias = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(bias)
        _run("backward", x, ctx.eps, ctx.slope, (dy, x, found, dx, dweight, dbias))
        return dx, torch.zeros_like(offset), dweight, dbias, None, None


def _run(way: str, x: Tensor, eps: float, slope: float, tensors: tuple[Tensor, ...]) -> None:
    channels = x.shape[1]
    kernel = function(f"{way}_{_NAMES[x.dtype]}", _TYPES[way])
    kernel(x.numel() // channels, channels, torch.get_num_threads(), eps, slope, *map(Tensor.data_ptr, tensors))
