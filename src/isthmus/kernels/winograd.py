"""Convolutions with 3x3 kernels in float32 with a quarter of the multiplications: Winograd's minimal filtering."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from isthmus.kernels import threads
from isthmus.kernels.compiled import expect, library, operation, why_unavailable
from isthmus.kernels.convolution import Convolution
from isthmus.kernels.derivatives import differentiate

_LEAST_CHANNELS = 16  # with fewer, the transform of the images takes longer than it saves
_LEAST_SIDE = 4  # the side of an output tile
_BACKWARD = torch.ops.aten.convolution_backward.default
_MOST = 1 << 20  # numbers in a kernel; its transform has four times as many


def takes(x: Tensor, weight: Tensor, how: Convolution) -> bool:
    """Whether `convolve` supports how(x, weight), x (B, C, H, W).

    Only for training in float32 with 3x3 kernels and stride 1, and with enough channels and pixels.
    """
    return (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and torch.is_grad_enabled()
        and weight.requires_grad
        and weight.shape[2:] == (3, 3)
        and how.stride == 1
        and how.before == how.after <= 2
        and not how.transposed
        and weight.shape[1] >= _LEAST_CHANNELS
        and weight.numel() <= _MOST
        and min(x.shape[2:]) + 2 * how.before - 2 >= _LEAST_SIDE
        and ready()
    )


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, how: Convolution) -> Tensor:
    """how(x, weight, bias), only if `takes` is true. Twice as fast as oneDNN; error up to 2e-6 of the largest number.

    oneDNN's own error is 1e-6; see records/2026-11-26-winograd.md for both.
    """
    return _Convolve.apply(x, weight, bias, how)  # pyright: ignore[reportReturnType]


@functools.cache
def ready() -> bool:
    """Whether the kernels run on this processor: Intel's and AMD's with AVX2 or AVX-512, where they were measured."""
    return why_unavailable() is None and library().winograd_ready() == 0


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, how: Convolution
    ) -> Tensor:
        ctx.save_for_backward(x, weight, bias)
        ctx.how = how
        return _filter(x, weight, bias, how.before, turned=how.turned)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, bias = ctx.saved_tensors
        how: Convolution = ctx.how
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():  # a second derivative is needed too
            return *differentiate(how, (x, weight, bias), ctx.needs_input_grad[:3], dy), None
        dy = dy.contiguous(memory_format=torch.channels_last)
        dx = None
        if needs_x and weight.shape[0] >= _LEAST_CHANNELS:
            dx = _filter(dy, weight.transpose(0, 1), None, 2 - how.before, turned=not how.turned)
        elif needs_x:
            pads, ones = [how.before] * 2, [1, 1]
            wanted = [True, False, False]
            dx = _BACKWARD(dy, x, how.used(weight), None, ones, pads, ones, False, [0, 0], 1, wanted)[0]
        dweight = _weight_gradient(x, dy, weight, how) if needs_weight else None
        return dx, dweight, dy.sum((0, 2, 3)) if needs_bias else None, None


def _filter(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int, *, turned: bool) -> Tensor:
    """x (B, C, H, W) convolved with `weight` (C', C, 3, 3), channels last."""
    x = x.contiguous(memory_format=torch.channels_last)
    expect((len(weight), x.shape[1], 3, 3), weight)
    expect((len(weight),), bias)
    taps = weight.permute(2, 3, 1, 0).contiguous()
    rows, columns = (side + 2 * padding - 2 for side in x.shape[2:])
    size = (len(x), len(weight), rows, columns)
    y = torch.empty(size, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
    operation("winograd")(**_sizes(x, len(weight), padding, turned), x=x, weight=taps, bias=bias, y=y)
    return y


def _weight_gradient(x: Tensor, dy: Tensor, weight: Tensor, how: Convolution) -> Tensor:
    x = x.contiguous(memory_format=torch.channels_last)
    found = torch.empty_like(weight, memory_format=torch.channels_last)
    operation("winograd_gradient")(**_sizes(x, len(weight), how.before, how.turned), x=x, dy=dy, weight=found)
    return found


def _sizes(x: Tensor, filters: int, padding: int, turned: bool) -> dict[str, int]:
    images, channels, height, width = x.shape
    return {
        "images": images,
        "height": height,
        "width": width,
        "channels": channels,
        "filters": filters,
        "padding": padding,
        "reversed": turned,
        "threads": threads.count(),
    }
