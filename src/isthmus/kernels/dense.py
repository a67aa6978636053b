"""Dense layers from many numbers to a few, and back, as operations of a training step on the CPU."""

from __future__ import annotations

from ctypes import c_int, c_long, c_void_p
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from isthmus.kernels import threads
from isthmus.kernels.compiled import expect, function
from isthmus.kernels.convolution import NAMES, address, differentiate, operand

_FEW = 16  # beyond, multiplying is what takes time, and oneDNN is as fast
_MULTIPLE = 16  # of many: the kernels work on vectors of them
_TRANSPOSITION = (*(c_int,) * 3, *(c_void_p,) * 2)
_DOTS = (*(c_int,) * 4, *(c_void_p,) * 4)
_COMBINATIONS = (*(c_int,) * 4, *(c_long,) * 2, *(c_void_p,) * 4)


def takes(x: Tensor, weight: Tensor) -> bool:
    """Whether `dense` can be asked for x (B, inputs) and weight (outputs, inputs).

    Only for training on the CPU in bfloat16 (automatic mixed precision), where one side is narrow.
    """
    return (
        x.device.type == "cpu"
        and x.dim() == 2
        and weight.dtype == torch.float32
        and weight.requires_grad
        and torch.is_grad_enabled()
        and suits(weight)
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
    )


def suits(weight: Tensor) -> bool:
    """Whether a layer with this weight is of the kind."""
    return min(weight.shape) <= _FEW and max(weight.shape) % _MULTIPLE == 0


def dense(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x weight^T + bias, where `takes` says so, in bfloat16; sums, weights and their gradients are float32.

    Raises Unavailable where there is no library.
    """
    return _Dense.apply(operand(x), weight, bias)  # pyright: ignore[reportReturnType]


class _Dense(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor
    ) -> Tensor:
        x = x.contiguous()
        expect((len(weight), x.shape[1]), weight)
        expect((len(weight),), bias)
        ctx.narrows = weight.shape[0] < weight.shape[1]
        held = weight.contiguous()
        wide = held if ctx.narrows else _transposed(held)
        ctx.save_for_backward(x, weight, bias, wide)
        if ctx.narrows:
            return _dots(x, wide, bias).to(x.dtype)
        return _combinations(x.float(), wide, bias, x.dtype)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, bias, wide = ctx.saved_tensors
        needs_x = ctx.needs_input_grad[0]
        if torch.is_grad_enabled():  # the derivative of this derivative is wanted too
            return (*differentiate(_plain, (x, weight, bias), ctx.needs_input_grad, dy),)
        dy = dy.to(x.dtype).contiguous()
        if ctx.narrows:
            dy = dy.float()
            dx = _combinations(dy, wide, None, x.dtype) if needs_x else None
            return dx, _combinations(dy.t(), x, None, torch.float32), dy.sum(0)
        dx = _dots(dy, wide, None).to(x.dtype) if needs_x else None
        one_more = F.pad(x.float(), (0, 1), value=1)  # which adds up the bias's gradient beside the weight's
        found = _combinations(one_more.t(), dy, None, torch.float32)
        return dx, _transposed(found[:-1]), found[-1]


def _plain(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """By operations that can be differentiated twice."""
    return F.linear(x, weight.to(x.dtype), bias.to(x.dtype))


def _transposed(x: Tensor) -> Tensor:
    """x (A, B) float32 -> (B, A), of which one is few."""
    rows, columns = x.shape
    y = x.new_empty(columns, rows)
    name = "transposition" if columns < rows else "transposition_back"
    function(name, _TRANSPOSITION)(rows, columns, threads.count(), address(x), address(y))
    return y


def _dots(x: Tensor, wide: Tensor, bias: Tensor | None) -> Tensor:
    """x (B, many), wide (few, many), bias (few,) -> (B, few) float32."""
    y = wide.new_empty(len(x), len(wide))
    function(f"dots_{NAMES[x.dtype]}", _DOTS)(*x.shape, len(wide), threads.count(), *map(address, (x, wide, bias, y)))
    return y


def _combinations(left: Tensor, right: Tensor, bias: Tensor | None, dtype: torch.dtype) -> Tensor:
    """left (rows, depth) float32, right (depth, many), bias (many,) -> (rows, many)."""
    rows, depth = left.shape
    y = right.new_empty(rows, right.shape[1], dtype=dtype)
    function(f"combinations_{NAMES[right.dtype]}_{NAMES[dtype]}", _COMBINATIONS)(
        rows, depth, right.shape[1], threads.count(), *left.stride(), *map(address, (left, right, bias, y))
    )
    return y
