"""What a part needs from the whole batch, where several processes hold shares of it (`isthmus.core.share`).

A part calls these functions for every statistic over the images of a batch. With one process they are the plain
operations. With several, gradients flow to the images of all processes: each process differentiates the loss of its own
images, and the sum over processes is the gradient of the whole batch's loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from isthmus.core.share import Share, held
from isthmus.models.widest import widest_dtype


def gathered(x: Tensor) -> Tensor:
    """x (b * k, ...), k rows for each image of this process -> (B * k, ...), those of the whole batch in its order."""
    share = held()
    return x if share is None else _Gathered.apply(x, share)  # pyright: ignore[reportReturnType]


def drawn_like(x: Tensor, fill: Callable[[Tensor], Tensor]) -> Tensor:
    """fill(an empty tensor like x), a random draw, as `drawn`: x (b, ...), with as many numbers for each image."""
    share = held()
    if share is None:
        return fill(torch.empty_like(x))
    whole = x[:1].expand(len(x) // share.size * share.images, *x.shape[1:])
    return share.own(fill(torch.empty_like(whole, memory_format=_memory_format(x))))


def _memory_format(x: Tensor) -> torch.memory_format:
    last = x.dim() == 4 and not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format


def batch_mean(x: Tensor, dims: int | tuple[int, ...] = 0) -> Tensor:
    """The mean over `dims` of x (b, ...), one of which is the images, over the whole batch."""
    share = held()
    if share is None:
        return x.mean(dims)
    total = x.sum(dims)
    values = x.numel() // total.numel() // share.size * share.images
    return _Summed.apply(total, share) / values  # pyright: ignore[reportOperatorIssue, reportReturnType]


def summed(x: Tensor, group: dist.ProcessGroup | None = None) -> Tensor:
    """The sum over all processes of x, which is not changed; no gradient."""
    total = x.detach().clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total, group=group)
    return total


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, share: Share) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.share = share
        rows = len(x) // share.size
        padded = x.new_zeros((share.largest * rows, *x.shape[1:]))  # shares differ by one image, tensors must not
        padded[: len(x)] = x.detach()
        found = [torch.empty_like(padded) for _ in range(share.count)]
        dist.all_gather(found, padded)
        sizes = (Share(rank, share.count, share.images).size for rank in range(share.count))
        return torch.cat([each[: size * rows] for each, size in zip(found, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return ctx.share.own(summed(dy)), None


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, share: Share) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return summed(x)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return summed(dy), None


def batch_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float, share: Share) -> tuple[Tensor, Tensor, Tensor]:
    """Batch norm in training over the whole batch: x (b, C, H, W) -> y like x, and mean and biased variance (C,)."""
    return _BatchNorm.apply(x, weight, bias, eps, share)  # pyright: ignore[reportReturnType]


class _BatchNorm(torch.autograd.Function):
    """mean and variance of the whole batch; the backward pass subtracts what every image contributed to both."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float, share: Share
    ) -> tuple[Tensor, Tensor, Tensor]:
        values = x.numel() // x.shape[1] // share.size * share.images
        wide = widest_dtype(x.device)
        mean, variance = (value.to(wide) for value in _moments(x))
        # sums in double precision, in which a difference of large sums loses nothing that float32 has
        count = x.numel() // x.shape[1]
        sums = summed(torch.stack((mean * count, (variance + mean.square()) * count))) / values
        mean = sums[0]
        variance = (sums[1] - mean.square()).clamp(min=0)
        scale, centre = (variance + eps).rsqrt().float(), mean.float()
        y = torch.nn.functional.batch_norm(x, centre, variance.float(), weight, bias, False, 0.0, eps)
        ctx.save_for_backward(x, weight, centre, scale)
        ctx.values, ctx.eps = values, eps
        ctx.mark_non_differentiable(centre, variance)
        return y, centre, variance.float()

    @staticmethod
    def backward(ctx: Any, dy: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, mean, scale = ctx.saved_tensors
        variance = scale.reciprocal().square() - ctx.eps
        dx, dweight, dbias = torch.ops.aten.native_batch_norm_backward(
            dy, x, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        both = summed(torch.stack((dweight, dbias))) / ctx.values
        # the chain through mean and variance: dx - weight * scale * (mean of dy + x_hat * mean of dy * x_hat)
        slope = weight * scale
        by_x = slope * scale * both[0]
        shape = (1, -1, 1, 1)
        dx = dx - (x * by_x.view(shape) + (slope * both[1] - by_x * mean).view(shape))
        return dx.to(x.dtype), dweight, dbias, None, None


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance (C,) of x (b, C, H, W) in float32."""
    variance, mean = torch.var_mean(x.float(), (0, 2, 3), correction=0)
    return mean, variance
