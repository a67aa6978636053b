"""What a caller set as torch's default type or device does not reach into the compiled kernels."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from isthmus.kernels import norm_leaky, tiled_convolution, winograd
from isthmus.kernels.compiled import why_unavailable
from isthmus.kernels.convolution import Convolution
from isthmus.kernels.convolve_norm_leaky import Stage, convolve_norm_leaky

HOW = Convolution(1, 1, 1)


def _images() -> Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.randn(2, 16, 8, 8, generator=draw).contiguous(memory_format=torch.channels_last).requires_grad_()


def _kernel() -> Tensor:
    return nn.Parameter(torch.randn(32, 16, 3, 3, generator=torch.Generator().manual_seed(1)))


def _winograd() -> Callable[[], Tensor]:
    x, weight = _images(), _kernel()
    return lambda: winograd.convolve(x, weight, None, HOW)


def _tiles() -> Callable[[], Tensor]:
    x, weight = _images(), _kernel()
    return lambda: tiled_convolution.convolve(x, weight, None, HOW)


def _norm() -> Callable[[], Tensor]:
    x, offset, norm = _images(), nn.Parameter(torch.zeros(16)), nn.BatchNorm2d(16)
    return lambda: norm_leaky.norm_leaky(x, offset, norm, 0.3)


def _stages() -> Callable[[], Tensor]:
    x, stage = _images(), Stage(HOW, _kernel(), nn.Parameter(torch.zeros(32)), nn.BatchNorm2d(32), 0.3)
    return lambda: convolve_norm_leaky(x, [stage])


KERNELS = [
    pytest.param(_winograd, marks=pytest.mark.skipif(not winograd.ready(), reason="no AVX2, or no compiler")),
    *(
        pytest.param(kernel, marks=pytest.mark.skipif(why_unavailable() is not None, reason="no compiled kernels"))
        for kernel in (_norm,)
    ),
    *(
        pytest.param(kernel, marks=pytest.mark.skipif(not tiled_convolution.ready(), reason="no AMX, or no compiler"))
        for kernel in (_tiles, _stages)
    ),
]


@pytest.mark.parametrize("make", KERNELS)
def test_a_default_type_or_device_changes_nothing(make: Callable[[], Callable[[], Tensor]]) -> None:
    apply = make()
    before = _value(apply)
    torch.set_default_dtype(torch.float64)  # wider: a kernel would fill half of what it was given
    try:
        wide = _value(apply)
    finally:
        torch.set_default_dtype(torch.float32)
    with torch.device("meta"):
        elsewhere = _value(apply)
    for found in (wide, elsewhere):
        assert found.dtype == before.dtype and found.device == before.device and torch.equal(found, before)


def _value(apply: Callable[[], Tensor]) -> Tensor:
    y = apply()
    y.square().sum().backward()
    return y.detach()


@pytest.mark.parametrize("held", ["running_mean", "running_var", "weight", "bias"])
@pytest.mark.parametrize("wrong", [torch.zeros(1), torch.zeros(16, dtype=torch.float64)])
def test_a_norms_numbers_of_another_size_or_type_never_reach_the_library(held: str, wrong: Tensor) -> None:
    """Which gets bare addresses, and would read and write beyond them."""
    norm = nn.BatchNorm2d(16)
    getattr(norm, held).data = wrong
    for offset in (torch.zeros(16), wrong):
        with pytest.raises(ValueError, match="a compiled kernel takes"):
            norm_leaky.forward(_images().detach(), None, offset, norm, 0.3, None)


@pytest.mark.parametrize("shape", [(32, 8, 3, 3), (32, 17, 3, 3)])
def test_a_kernel_for_other_channels_never_reaches_the_library(shape: tuple[int, ...]) -> None:
    x, weight, bias = _images().detach(), torch.zeros(shape), torch.zeros(32)
    right = torch.zeros(32, 16, 3, 3)
    for apply in (
        lambda: winograd.convolve(x, weight, bias, HOW),
        lambda: tiled_convolution.forward(x, weight, bias, HOW),
        lambda: winograd.convolve(x, right, bias[:9], HOW),
        lambda: tiled_convolution.forward(x, right, bias[:9], HOW),
    ):
        with pytest.raises(ValueError, match="a compiled kernel takes"):
            apply()
