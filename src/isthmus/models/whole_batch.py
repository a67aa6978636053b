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
from isthmus.kernels.ops import summed


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
