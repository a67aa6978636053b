"""Images, kernels and gradients to convolve, for tests of our own convolutions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from isthmus.kernels.convolution import Convolution

Convolve = Callable[[Tensor, Tensor, Tensor | None, Convolution], Tensor]


def parts(
    how: Convolution, images: int, channels: int, filters: int, side: int, kernel: int, wide: int = 0
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x, weight, bias and a gradient of the output, float32 and channels last; images are `wide` wider than high."""
    draw = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        values = torch.randn(shape, generator=draw)
        return values.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else values

    x = normal(images, channels, side, side + wide)
    weight = normal(*((channels, filters) if how.transposed else (filters, channels)), kernel, kernel)
    return x, weight, normal(filters), normal(*how(x, weight).shape)


def pytorchs(x: Tensor, weight: Tensor, bias: Tensor | None, how: Convolution) -> Tensor:
    """What ours is held against."""
    return how(x, weight, bias)


def gradients(
    convolve: Convolve, how: Convolution, x: Tensor, weight: Tensor, bias: Tensor, dy: Tensor
) -> dict[str, Tensor]:
    """The output and the gradient of each input."""
    given = [part.detach().clone().requires_grad_() for part in (x, weight, bias)]
    y = convolve(*given, how)
    y.backward(dy)
    found = [part.grad for part in given if part.grad is not None]
    return dict(zip(("y", "x", "weight", "bias"), [y.detach(), *found], strict=True))


def off(one: Tensor, exact: Tensor) -> float:
    """The largest error, of the largest number."""
    assert one.shape == exact.shape
    return float((one.double() - exact.double()).abs().max() / exact.double().abs().max())


def curvature(convolve: Convolve, how: Convolution, x: Tensor, weight: Tensor, bias: Tensor) -> list[Tensor]:
    """Gradients of how fast the output changes with x, as some regularizers want them."""
    given = [part.detach().clone().requires_grad_() for part in (x, weight, bias)]
    (slope,) = torch.autograd.grad(convolve(*given, how).float().square().sum(), given[0], create_graph=True)
    slope.float().square().sum().backward()
    return [part.grad.float() for part in given if part.grad is not None]
