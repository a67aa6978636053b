"""Convolution, batch norm and leaky ReLU, several times over, as one operation of a training step on the CPU.

x --convolution--> between --batch norm--> * --leaky ReLU--> x of the next ... --> y
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from isthmus.core.share import Share, held
from isthmus.kernels import norm_leaky, tiled_convolution
from isthmus.kernels.added import raise_failure, shared_rows
from isthmus.kernels.compiled import NAMES, operation
from isthmus.kernels.convolution import Convolution
from isthmus.kernels.derivatives import differentiate

_KEPT, _TRAINED = 6, 4  # tensors per stage: kept for the backward pass, and parameters


class Stage(NamedTuple):
    """A convolution with its kernel, and what follows: offset (C',), batch norm, leaky ReLU with this slope.

    pad: zeros to the left, right, above and below, in addition to those of `how`.
    """

    how: Convolution
    kernel: Tensor
    offset: Tensor
    norm: nn.BatchNorm2d
    slope: float
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def trained(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Its parameters."""
        return self.kernel, self.norm.weight, self.norm.bias, self.offset


def convolve_norm_leaky(x: Tensor, stages: Sequence[Stage]) -> Tensor:
    """Run one stage after another; each must suit `norm_leaky` and `tiled_convolution` and have no extra padding.

    x (B, C, H, W) -> (B, C', H', W').
    A convolution computes the sums for its norm while its outputs are in registers. All stages are one operation,
    because the overhead of thirty small operations is a tenth of a step.
    """
    tensors = [tensor for stage in stages for tensor in stage.trained]
    return _ConvolveNormLeaky.apply(tiled_convolution.operand(x), stages, *tensors)  # pyright: ignore[reportReturnType]


class _ConvolveNormLeaky(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, stages: Sequence[Stage], *_: Tensor
    ) -> Tensor:
        kept: list[Tensor] = []
        ctx.share = held()
        for how, kernel, offset, norm, slope, _pad in stages:
            moments = torch.empty(2, norm.num_features, dtype=torch.float64, device=x.device)
            between = tiled_convolution.forward(x, kernel, None, how, moments)
            y, found = norm_leaky.forward(between, moments, offset, norm, slope, ctx.share)
            kept += [x, kernel, norm.weight, norm.bias, between, found]
            x = y
        ctx.save_for_backward(*kept)
        ctx.stages = stages
        return x

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        stages: Sequence[Stage] = ctx.stages
        kept = [ctx.saved_tensors[at : at + _KEPT] for at in range(0, _KEPT * len(stages), _KEPT)]
        needs_x, _, *needed = ctx.needs_input_grad
        if torch.is_grad_enabled():  # a second derivative is needed too
            assert ctx.share is None, "regularizers that need one call the model in evaluation mode"
            return _differentiate(stages, kept, (needs_x, *needed), dy)
        dx: Tensor | None = None
        gradients: list[Tensor | None] = []
        for at in reversed(range(len(stages))):
            dy = dy if dx is None else dx
            x, kernel, _, _, between, found = kept[at]
            wanted = at > 0 or needs_x, needed[_TRAINED * at]
            dx, dkernel, dweight, dbias = _backward(dy, x, kernel, between, found, stages[at], wanted, ctx.share)
            gradients = [dkernel, dweight, dbias, torch.zeros_like(dbias), *gradients]
        return dx, None, *gradients


def _differentiate(
    stages: Sequence[Stage], kept: Sequence[Sequence[Tensor]], needed: Sequence[bool], dy: Tensor
) -> tuple[Tensor | None, ...]:
    """The gradients of x and of each stage's parameters, by operations that can be differentiated again."""

    def plain(x: Tensor, *tensors: Tensor) -> Tensor:
        for at, (how, _, _, norm, slope, _) in enumerate(stages):
            kernel, weight, bias = tensors[3 * at : 3 * at + 3]
            x = norm_leaky.plain(how.cast(x, kernel), weight, bias, eps=norm.eps, slope=slope)
        return x

    given = [kept[0][0], *(tensor for each in kept for tensor in each[1:4])]
    asked = [need for at, need in enumerate(needed) if at == 0 or at % _TRAINED]  # not an offset's gradient: it is zero
    dx, *found = differentiate(plain, given, asked, dy)
    gradients: list[Tensor | None] = []
    for at, each in enumerate(kept):
        gradients += [*found[3 * at : 3 * at + 3], torch.zeros_like(each[2])]
    return dx, None, *gradients


def _backward(
    dy: Tensor,
    x: Tensor,
    kernel: Tensor,
    between: Tensor,
    found: Tensor,
    stage: Stage,
    wanted: tuple[bool, bool],
    share: Share | None,
) -> tuple[Tensor | None, Tensor | None, Tensor, Tensor]:
    """The gradients of x, the kernel, and the norm's weight and bias."""
    how, filters = stage.how, between.shape[1]
    x = x.contiguous(memory_format=torch.channels_last)
    dy = dy.to(x.dtype).contiguous(memory_format=torch.channels_last)
    dx = torch.empty_like(x) if wanted[0] else None
    dkernel = torch.empty_like(kernel, memory_format=torch.channels_last) if wanted[1] else None
    dweight, dbias = found.new_empty(filters), found.new_empty(filters)
    operation(f"convolution_norm_leaky_backward_{NAMES[x.dtype]}")(
        **tiled_convolution.sizes(x, between, kernel, how, transposed=how.transposed),
        epsilon=stage.norm.eps,
        slope=stage.slope,
        **shared_rows(between.numel() // filters, share),
        **tiled_convolution.steps(kernel, how),
        x=x,
        weight=kernel,
        between=between,
        dy=dy,
        found=found,
        dx=dx,
        dkernel=dkernel,
        dweight=dweight,
        dbias=dbias,
    )
    raise_failure()
    return dx, dkernel, dweight, dbias
