"""Batch norm over a batch that several processes share: every image is normalised by all images' mean and variance."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.core.share import Share, held


def summed(x: Tensor) -> Tensor:
    """The sum over all processes of x, which is not changed; no gradient."""
    total = x.detach().clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total


def whole_norm(x: Tensor, norm: nn.BatchNorm2d, offset: Tensor | None = None) -> Tensor:
    """`norm`, in training mode, of x + offset over the whole batch: x (b, C, H, W), this process's images -> y like x.

    The running variance follows the biased variance, as in Keras. `offset` (C,) changes only the running mean, and its
    gradient is exactly zero, as in `norm_leaky`.
    """
    share = held()
    assert share is not None and norm.running_mean is not None and norm.running_var is not None and norm.momentum
    y, mean, variance = _WholeNorm.apply(x, norm.weight, norm.bias, offset, norm.eps, share)  # pyright: ignore[reportGeneralTypeIssues]
    with torch.no_grad():
        norm.running_mean.lerp_(mean if offset is None else mean + offset, norm.momentum)
        norm.running_var.lerp_(variance, norm.momentum)
    return y


class _WholeNorm(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, offset: Tensor | None, eps: float, share: Share
    ) -> tuple[Tensor, Tensor, Tensor]:
        count = x.numel() // x.shape[1]
        values = count // share.size * share.images
        # sums in double precision, in which a difference of large sums loses nothing that float32 has
        wide = torch.float32 if x.device.type == "mps" else torch.float64
        variance, mean = (value.to(wide) for value in torch.var_mean(x.float(), (0, 2, 3), correction=0))
        mean, squares = summed(torch.stack((mean * count, (variance + mean.square()) * count))) / values
        variance = (squares - mean.square()).clamp(min=0)
        mean, variance = mean.float(), variance.float()
        ctx.save_for_backward(x, weight, mean, variance)
        ctx.values, ctx.eps, ctx.offset = values, eps, offset is not None
        ctx.mark_non_differentiable(mean, variance)
        return F.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps), mean, variance

    @staticmethod
    def backward(ctx: Any, dy: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, mean, variance = ctx.saved_tensors
        # as if mean and variance were constants
        dx, dweight, dbias = torch.ops.aten.native_batch_norm_backward(
            dy.to(x.dtype), x, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        # and what every image contributes to both: weight / std * (mean of dy + x_hat * mean of dy * x_hat)
        by_offset, by_scale = summed(torch.stack((dbias, dweight))).div_(ctx.values)
        inverse = (variance + ctx.eps).rsqrt()
        slope = weight * inverse * inverse * by_scale
        start = weight * inverse * by_offset - slope * mean
        dx -= (x * slope.to(x.dtype).view(1, -1, 1, 1)).add_(start.to(x.dtype).view(1, -1, 1, 1))
        return dx, dweight, dbias, torch.zeros_like(dbias) if ctx.offset else None, None, None
