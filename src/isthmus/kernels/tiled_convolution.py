"""Convolutions by products of bfloat16 tiles, forward and backward, on processors with tile instructions."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from isthmus.kernels import threads
from isthmus.kernels.compiled import NAMES, expect, library, operation, why_unavailable
from isthmus.kernels.convolution import Convolution
from isthmus.kernels.derivatives import differentiate

_FEW = 16  # Winograd's filtering does not support fewer channels or filters
_MOST = 1 << 20  # numbers in a kernel, because their sums are stored eight times


def takes(x: Tensor, weight: Tensor, how: Convolution) -> bool:
    """Whether `convolve` supports how(x, weight), x (B, C, H, W).

    Only for training on an AMX processor with square kernels that are not too large: in bfloat16 (automatic mixed
    precision), and in float32 for layers that Winograd's filtering (`isthmus.kernels.winograd`) does not support.
    """
    return (
        weight.dtype == torch.float32
        and weight.requires_grad
        and weight.shape[2] == weight.shape[3]
        and weight.numel() <= _MOST
        and (torch.is_autocast_enabled("cpu") or how.stride > 1 or min(x.shape[1], how.filters(weight)) < _FEW)
        and possible(x)
    )


def possible(x: Tensor) -> bool:
    """Whether `takes` can be true at all, given this processor, the device and precision of x, and the training."""
    if torch.is_autocast_enabled("cpu"):
        fits = torch.get_autocast_dtype("cpu") == torch.bfloat16
    else:
        fits = x.dtype == torch.float32
    return x.device.type == "cpu" and fits and torch.is_grad_enabled() and ready()


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, how: Convolution) -> Tensor:
    """how(x, weight, bias) in bfloat16 or float32; only if `takes` is true. The gradient of `weight` is float32.

    In bfloat16, oneDNN takes 1.6 times as long (records/2026-11-26-weight-gradient.md) and rounds the gradient.
    In float32 each number is split into several bfloat16 parts: values are as exact as PyTorch's, gradients to 5e-6 of
    the largest (records/2026-11-27-parts.md).
    """
    return _Convolve.apply(operand(x), weight, bias, how)  # pyright: ignore[reportReturnType]


def operand(x: Tensor) -> Tensor:
    """x in the precision in which it is convolved."""
    return x.to(torch.bfloat16) if torch.is_autocast_enabled("cpu") else x


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, how: Convolution
    ) -> Tensor:
        ctx.save_for_backward(x, weight, bias)
        ctx.how = how
        return forward(x, weight, bias, how) if _stays_in_place(x) else how.cast(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, bias = ctx.saved_tensors
        if torch.is_grad_enabled():  # a second derivative is needed too
            return *differentiate(ctx.how.cast, (x, weight, bias), ctx.needs_input_grad[:3], dy), None
        dbias = dy.sum((0, 2, 3), dtype=torch.float32) if ctx.needs_input_grad[2] else None
        dx, dweight = backward(dy, x, weight, ctx.how, ctx.needs_input_grad[:2])
        if dx is not None and not _stays_in_place(dy):
            with torch.enable_grad():
                given = x.detach().requires_grad_()
                (dx,) = torch.autograd.grad(ctx.how.cast(given, weight), given, dy)
        return dx, dweight, dbias, None


def _stays_in_place(x: Tensor) -> bool:
    """Whether non-finite values in x (B, C, H, W) can only reach the outputs that they also reach in PyTorch.

    With few channels, a row of a tile holds several neighbouring pixels, some of the next image, and multiplies some of
    them by zero: zero times infinity is NaN. A batch norm after the convolution spreads that over all images anyway.
    """
    return x.shape[1] > _FEW or math.isfinite(x.sum().item())


def forward(x: Tensor, weight: Tensor, bias: Tensor | None, how: Convolution, moments: Tensor | None = None) -> Tensor:
    """how(x, weight, bias) without a graph; its sums and sums of squares are written to moments (2, C') float64."""
    return _apply(x, weight, bias, how, how.size(x.shape[2:], weight.shape[2]), how.transposed, moments)


def backward(
    dy: Tensor, x: Tensor, weight: Tensor, how: Convolution, needed: Sequence[bool]
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients of x, like x, and of `weight`, float32; None if not needed."""
    dy = dy.to(x.dtype).contiguous(memory_format=torch.channels_last)
    dx = _apply(dy, weight, None, how, x.shape[2:], not how.transposed) if needed[0] else None
    return dx, _weight_gradient(x, dy, weight, how) if needed[1] else None


def _apply(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    how: Convolution,
    size: Sequence[int],
    transposed: bool,
    moments: Tensor | None = None,
) -> Tensor:
    """x (B, C, H, W) -> (B, C', *size). Of `how` and its gradient for the images, `transposed` selects which runs."""
    x = x.contiguous(memory_format=torch.channels_last)
    filters, side = weight.shape[1 if transposed else 0], weight.shape[2]
    expect((x.shape[1], filters, side, side) if transposed else (filters, x.shape[1], side, side), weight)
    expect((filters,), bias)
    expect((2, filters), moments, dtype=torch.float64)
    y = torch.empty((len(x), filters, *size), dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
    kind = "convolution" if transposed == how.transposed else "image_gradient"
    operation(f"{kind}_{NAMES[x.dtype]}")(
        **sizes(x, y, weight, how, transposed=transposed),
        **steps(weight, how, gradient=transposed != how.transposed),
        x=x,
        weight=weight,
        bias=bias,
        y=y,
        moments=moments,
    )
    return y


def sizes(x: Tensor, y: Tensor, weight: Tensor, how: Convolution, *, transposed: bool) -> dict[str, int]:
    """The size arguments (sizes.h) of an operation that computes y from x."""
    images, channels, height, width = x.shape
    _, filters, rows, columns = y.shape
    return {
        "images": images,
        "channels": channels,
        "height": height,
        "width": width,
        "filters": filters,
        "rows": rows,
        "columns": columns,
        "kernel": weight.shape[2],
        "stride": how.stride,
        "before": how.before,
        "transposed": transposed,
        "turned": how.turned,
        "threads": threads.count(),
    }


def steps(weight: Tensor, how: Convolution, *, gradient: bool = False) -> dict[str, int]:
    """Strides of `weight` in memory, for channel, filter, row, column; `gradient`: for the images' gradient."""
    first, second, row, column = weight.stride()
    channel, filter = (first, second) if how.transposed != gradient else (second, first)
    return {"channel_step": channel, "filter_step": filter, "row_step": row, "column_step": column}


def _weight_gradient(x: Tensor, dy: Tensor, weight: Tensor, how: Convolution) -> Tensor:
    """The gradient of `weight`, channels last, float32."""
    found = torch.empty_like(weight, memory_format=torch.channels_last)
    x, dy = (part.contiguous(memory_format=torch.channels_last) for part in (x, dy))
    operation(f"weight_gradient_{NAMES[x.dtype]}")(
        **sizes(x, dy, weight, how, transposed=how.transposed), x=x, dy=dy, weight=found
    )
    return found


@functools.cache
def ready() -> bool:
    """Whether this processor has tiles, and the kernels could be compiled."""
    return why_unavailable() is None and library().tiles_ready() == 0
