"""Convolutions by our own code, forward and backward, on processors that multiply tiles of bfloat16."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from ctypes import c_int, c_long, c_void_p
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from isthmus.kernels import threads
from isthmus.kernels.compiled import expect, function, library, why_unavailable

NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}  # as the library has them
_FEW = 16  # channels or filters that Winograd's filtering does not take
_MOST = 1 << 20  # numbers in a kernel: their sums are kept eight times
_TYPES = (*(c_int,) * 13, *(c_long,) * 4, *(c_void_p,) * 5)
_GRADIENT_TYPES = (*(c_int,) * 13, *(c_void_p,) * 3)


@dataclass(frozen=True)
class Convolution:
    """How images are convolved: the same in height and width, without groups or dilation.

    before, after: zeros above and to the left, below and to the right; where transposed, what is cropped there.
    turned: with the kernel turned by 180 degrees.
    """

    stride: int
    before: int
    after: int
    turned: bool = False
    transposed: bool = False

    def __call__(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """x (B, C, H, W), weight as PyTorch's convolutions have it, bias (C',) or None -> (B, C', H', W')."""
        how, weight = self.direct(weight)
        return how._transpose(x, weight, bias) if how.transposed else how._convolve(x, weight, bias)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        kernel, before, after = weight.shape[2], self.before, self.after
        # as much after as before changes nothing where the stride steps over it; otherwise a copy of the images
        if self.size(x.shape[2:], kernel) != [(side + 2 * before - kernel) // self.stride + 1 for side in x.shape[2:]]:
            x, before = F.pad(x, (before, after, before, after)), 0
        return F.conv2d(x, self.used(weight), bias, self.stride, before)

    def _transpose(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        before, after = self.before, self.after
        given = (before, before - after) if 0 <= before - after < self.stride else (0, 0)
        # the bias apart: oneDNN is up to four times slower with one on some sizes
        y = F.conv_transpose2d(x, self.used(weight), None, self.stride, *given)
        if given == (0, 0):
            y = F.pad(y, (-before, -after, -before, -after))
        return y if bias is None else y + bias.to(y.dtype).view(-1, 1, 1)

    def direct(self, weight: Tensor) -> tuple[Convolution, Tensor]:
        """The same without transposing, and the kernel for it, where there is no stride: a fifth faster in oneDNN."""
        if not self.transposed or self.stride > 1:
            return self, weight
        rest = weight.shape[2] - 1
        return Convolution(1, rest - self.before, rest - self.after, turned=not self.turned), weight.transpose(0, 1)

    def cast(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """The same in the precision of x."""
        return self(x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype))

    def used(self, weight: Tensor) -> Tensor:
        """The kernel as PyTorch's operation takes it."""
        return weight.flip(2, 3) if self.turned else weight

    def size(self, sides: Sequence[int], kernel: int) -> list[int]:
        """Height and width of what becomes of images with these `sides`."""
        margin = self.before + self.after - kernel
        if self.transposed:
            return [(side - 1) * self.stride - margin for side in sides]
        return [(side + margin) // self.stride + 1 for side in sides]

    def filters(self, weight: Tensor) -> int:
        """C'."""
        return weight.shape[1 if self.transposed else 0]

    def steps(self, weight: Tensor, *, gradient: bool = False) -> tuple[int, int, int, int]:
        """In the kernel's memory from a channel, filter, row and column to the next; `gradient`: of the images' one."""
        first, second, row, column = weight.stride()
        return (first, second, row, column) if self.transposed != gradient else (second, first, row, column)


def differentiate(
    apply: Callable[..., Tensor], given: Sequence[Tensor | None], needed: Sequence[bool], dy: Tensor
) -> list[Tensor | None]:
    """The gradients of apply(*given) where they are needed, by operations that can be differentiated again."""
    wanted = [tensor if need else None for tensor, need in zip(given, needed, strict=True)]
    inputs = [tensor for tensor in wanted if tensor is not None]
    found = iter(torch.autograd.grad(apply(*given), inputs, dy, create_graph=True))
    return [None if tensor is None else next(found) for tensor in wanted]


def takes(x: Tensor, weight: Tensor, how: Convolution) -> bool:
    """Whether `convolve` can be asked for how(x, weight), x (B, C, H, W).

    Only for training with an AMX processor and square kernels that are not too large: in bfloat16 (automatic mixed
    precision), and in float32 where Winograd's filtering (`isthmus.kernels.winograd`) is for other layers.
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
    """Whether this processor, the device and precision of x and of this training let `takes` say yes to anything."""
    if torch.is_autocast_enabled("cpu"):
        fits = torch.get_autocast_dtype("cpu") == torch.bfloat16
    else:
        fits = x.dtype == torch.float32
    return x.device.type == "cpu" and fits and torch.is_grad_enabled() and ready()


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, how: Convolution) -> Tensor:
    """how(x, weight, bias), where `takes` says so, in bfloat16 or float32; the gradient of `weight` is float32.

    In bfloat16 oneDNN's takes 1.6 times as long (records/2026-11-26-weight-gradient.md), and the gradient is rounded.
    In float32 a number is multiplied as several of bfloat16: values are as exact as PyTorch's, gradients to 5e-6 of the
    largest (records/2026-11-27-parts.md).
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
        return forward(x, weight, bias, how)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, bias = ctx.saved_tensors
        if torch.is_grad_enabled():  # the derivative of this derivative is wanted too
            return *differentiate(ctx.how.cast, (x, weight, bias), ctx.needs_input_grad[:3], dy), None
        dbias = dy.sum((0, 2, 3), dtype=torch.float32) if ctx.needs_input_grad[2] else None
        return *backward(dy, x, weight, ctx.how, ctx.needs_input_grad[:2]), dbias, None


def forward(x: Tensor, weight: Tensor, bias: Tensor | None, how: Convolution, moments: Tensor | None = None) -> Tensor:
    """how(x, weight, bias) without a graph; moments (2, C') float64 are made its sums and those of its squares."""
    return _apply(x, weight, bias, how, how.size(x.shape[2:], weight.shape[2]), how.transposed, moments)


def backward(
    dy: Tensor, x: Tensor, weight: Tensor, how: Convolution, needed: Sequence[bool]
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients of x, like x, and of `weight`, float32, where they are needed."""
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
    """x (B, C, H, W) -> (B, C', *size), by the one of `how` and its images' gradient that is `transposed` or not."""
    x = x.contiguous(memory_format=torch.channels_last)
    filters, side = weight.shape[1 if transposed else 0], weight.shape[2]
    expect((x.shape[1], filters, side, side) if transposed else (filters, x.shape[1], side, side), weight)
    expect((filters,), bias)
    expect((2, filters), moments, dtype=torch.float64)
    y = torch.empty((len(x), filters, *size), dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
    kind = "convolution" if transposed == how.transposed else "image_gradient"
    function(f"{kind}_{NAMES[x.dtype]}", _TYPES)(
        *x.shape,
        *y.shape[1:],
        weight.shape[2],
        how.stride,
        how.before,
        transposed,
        how.turned,
        threads.count(),
        *how.steps(weight, gradient=transposed != how.transposed),
        *map(address, (x, weight, bias, y, moments)),
    )
    return y


def address(tensor: Tensor | None) -> int | None:
    """Of a tensor's numbers, for the library."""
    return None if tensor is None else tensor.data_ptr()


def _weight_gradient(x: Tensor, dy: Tensor, weight: Tensor, how: Convolution) -> Tensor:
    """The gradient of `weight`, channels last, float32."""
    found = torch.empty_like(weight, memory_format=torch.channels_last)
    x, dy = (part.contiguous(memory_format=torch.channels_last) for part in (x, dy))
    function(f"weight_gradient_{NAMES[x.dtype]}", _GRADIENT_TYPES)(
        *x.shape,
        *dy.shape[1:],
        weight.shape[2],
        how.stride,
        how.before,
        how.transposed,
        how.turned,
        threads.count(),
        *map(address, (x, dy, found)),
    )
    return found


@functools.cache
def ready() -> bool:
    """Whether this processor has tiles, and the kernels could be compiled."""
    return why_unavailable() is None and library().weight_gradient_ready() == 0
