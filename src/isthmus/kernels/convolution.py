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

from isthmus.kernels.compiled import function, library, why_unavailable

NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}  # as the library has them
_FEW = 16  # filters that Winograd's filtering does not take
_MOST = 1 << 20  # numbers in a kernel: their sums are kept eight times
_TYPES = (*(c_int,) * 13, *(c_long,) * 4, *(c_void_p,) * 5)
_GRADIENT_TYPES = (*(c_int,) * 12, *(c_void_p,) * 3)
BACKWARD = torch.ops.aten.convolution_backward.default


@dataclass(frozen=True)
class Convolution:
    """How images are convolved: the same in height and width, without groups or dilation.

    turned: with the kernel turned by 180 degrees.
    """

    stride: int
    padding: int
    turned: bool = False
    transposed: bool = False
    output_padding: int = 0

    def __call__(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """x (B, C, H, W), weight as PyTorch's convolutions have it, bias (C',) or None -> (B, C', H', W')."""
        used = self.used(weight)
        if self.transposed:
            # the bias apart: oneDNN is up to four times slower with one on some sizes
            y = F.conv_transpose2d(x, used, None, self.stride, self.padding, self.output_padding)
            return y if bias is None else y + bias.to(y.dtype).view(-1, 1, 1)
        return F.conv2d(x, used, bias, self.stride, self.padding)

    def cast(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """The same in the precision of x."""
        return self(x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype))

    def used(self, weight: Tensor) -> Tensor:
        """The kernel as PyTorch's operation takes it."""
        return weight.flip(2, 3) if self.turned else weight

    def size(self, sides: Sequence[int], kernel: int) -> list[int]:
        """Height and width of what becomes of images with these `sides`."""
        if self.transposed:
            return [(side - 1) * self.stride - 2 * self.padding + kernel + self.output_padding for side in sides]
        return [(side + 2 * self.padding - kernel) // self.stride + 1 for side in sides]

    def steps(self, weight: Tensor, *, gradient: bool = False) -> tuple[int, int, int, int]:
        """In the kernel's memory from a channel, filter, row and column to the next; `gradient`: of the images' one."""
        first, second, row, column = weight.stride()
        return (first, second, row, column) if self.transposed != gradient else (second, first, row, column)

    @property
    def words(self) -> tuple[Any, ...]:
        """What PyTorch's backward operation is told after its tensors."""
        return [self.stride] * 2, [self.padding] * 2, [1, 1], self.transposed, [self.output_padding] * 2, 1


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
        x.device.type == "cpu"
        and weight.dtype == torch.float32
        and weight.requires_grad
        and torch.is_grad_enabled()
        and weight.shape[2] == weight.shape[3]
        and weight.numel() <= _MOST
        and (_mixed() or _strided(x, weight, how))
        and _ready()
    )


def _mixed() -> bool:
    return torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16


def _strided(x: Tensor, weight: Tensor, how: Convolution) -> bool:
    few = not how.transposed and weight.shape[0] < _FEW
    return x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu") and (how.stride > 1 or few)


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, how: Convolution) -> Tensor:
    """how(x, weight, bias), where `takes` says so, in bfloat16 or float32; the gradient of `weight` is float32.

    In bfloat16 oneDNN's takes 1.6 times as long (records/2026-11-26-weight-gradient.md), and the gradient is rounded.
    In float32 to 5e-6 of the largest number: each is multiplied as two of bfloat16.
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
    filters = weight.shape[1 if transposed else 0]
    y = torch.empty((len(x), filters, *size), dtype=x.dtype, memory_format=torch.channels_last)
    function(f"convolution_{NAMES[x.dtype]}", _TYPES)(
        *x.shape,
        *y.shape[1:],
        weight.shape[2],
        how.stride,
        how.padding,
        transposed,
        how.turned,
        torch.get_num_threads(),
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
    larger, smaller = (dy, x) if how.transposed else (x, dy)
    large, small = (part.contiguous(memory_format=torch.channels_last) for part in (larger, smaller))
    function(f"weight_gradient_{NAMES[large.dtype]}", _GRADIENT_TYPES)(
        large.shape[0],
        large.shape[1],
        small.shape[1],
        *large.shape[2:],
        *small.shape[2:],
        weight.shape[2],
        how.stride,
        how.padding,
        how.turned,
        torch.get_num_threads(),
        *map(address, (large, small, found)),
    )
    return found


@functools.cache
def _ready() -> bool:
    return why_unavailable() is None and library().weight_gradient_ready() == 0
