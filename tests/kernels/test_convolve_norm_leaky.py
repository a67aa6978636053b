"""Convolution, batch norm and leaky ReLU in one operation, against PyTorch's three."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.kernels.convolving import parts
from tests.kernels.test_norm_leaky import EPS, SLOPE, gradients, norm_of
from torch import Tensor, nn

from isthmus import blocks
from isthmus.architectures.conv import Conv
from isthmus.kernels import convolution
from isthmus.kernels.convolution import Convolution
from isthmus.kernels.norm_leaky import convolve_norm_leaky, norm_leaky
from isthmus.training.machine import choose_kernels, cpu_threads

pytestmark = pytest.mark.skipif(not convolution._ready(), reason="no C++ compiler, or a processor without AMX tiles")

Apply = Callable[[Tensor, Tensor, Tensor, Convolution, nn.BatchNorm2d, float], Tensor]

CASES = [
    (Convolution(1, 1, turned=True), 9, 64, 48, 9, 3),
    (Convolution(2, 1, turned=True), 5, 3, 32, 16, 3),
    (Convolution(2, 1, turned=True, transposed=True, output_padding=1), 4, 64, 16, 8, 3),
    (Convolution(1, 0), 2, 16, 16, 130, 4),  # packed in bands
]


def given(case: tuple[Convolution, int, int, int, int, int]) -> tuple[Tensor, Tensor, Tensor, Tensor, nn.BatchNorm2d]:
    """x, kernel, offset, a gradient of y, and the norm."""
    how, *sizes = case
    x, kernel, offset, dy = parts(how, *sizes, wide=3)
    filters = len(offset)
    norm = norm_of(torch.linspace(0.5, 2, filters), torch.linspace(-1, 1, filters))
    return x.bfloat16(), kernel, offset, dy.bfloat16(), norm


def plain(x: Tensor, kernel: Tensor, offset: Tensor, how: Convolution, norm: nn.BatchNorm2d, slope: float) -> Tensor:
    y = F.batch_norm(how(x, kernel, offset), None, None, norm.weight, norm.bias, True, 0.0, EPS)
    return F.leaky_relu(y, slope)


def two(x: Tensor, kernel: Tensor, offset: Tensor, how: Convolution, norm: nn.BatchNorm2d, slope: float) -> Tensor:
    """By two operations of ours, which are held against PyTorch's in tests of their own."""
    return norm_leaky(convolution.convolve(x, kernel, None, how), offset, norm, slope)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(("other", "within"), [(two, 5e-3), (plain, 5e-2)])
def test_values_gradients_and_running_statistics(
    case: tuple[Convolution, int, int, int, int, int], other: Apply, within: float
) -> None:
    """PyTorch's in double precision are further off: where a sign is decided by bf16's rounding, so is the slope."""
    how = case[0]
    found: list[list[Tensor]] = []
    for apply, dtype in ((convolve_norm_leaky, torch.bfloat16), (other, torch.float64 if other is plain else None)):
        x, kernel, offset, dy, norm = given(case)
        if dtype == torch.float64:
            x, kernel, offset, norm = x.double(), kernel.double(), offset.double(), norm.double()
        ours = [part.clone().requires_grad_() for part in (x, kernel, offset)]
        y = apply(*ours, how, norm, SLOPE)
        assert y.is_contiguous(memory_format=torch.channels_last)
        y.backward(dy.to(y.dtype))
        dx, dkernel, doffset, *rest = gradients(norm, *ours)
        if other is two:
            assert torch.equal(doffset, torch.zeros_like(offset)), "batch norm takes an offset away"
            rest += list(norm.buffers())[:2]
        found.append([part.double() for part in (y.detach(), dx, dkernel, *rest)])
    for one, exact in zip(*found, strict=True):
        assert (one - exact).norm() <= within * exact.norm()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_norms_sums_are_of_what_the_convolution_holds(
    case: tuple[Convolution, int, int, int, int, int],
) -> None:
    how = case[0]
    x, kernel, _, _, norm = given(case)
    moments = torch.empty(2, norm.num_features, dtype=torch.float64)
    y = convolution.forward(x, kernel, None, how, moments).double()
    sizes = y.square().sum((0, 2, 3))
    assert ((moments[0] - y.sum((0, 2, 3))).abs() <= 1e-5 * sizes).all()
    assert ((moments[1] - sizes).abs() <= 1e-5 * sizes).all()


def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    seen: list[list[Tensor]] = []
    for threads in (1, 2, 3):
        x, kernel, offset, dy, norm = given((Convolution(2, 1), 37, 32, 64, 16, 3))
        ours = [part.clone().requires_grad_() for part in (x, kernel, offset)]
        with cpu_threads(threads):
            y = convolve_norm_leaky(*ours, Convolution(2, 1), norm, SLOPE)
            y.backward(dy)
        seen.append([y.detach(), *norm.buffers(), *gradients(norm, *ours)])
    for other in seen[1:]:
        assert all(torch.equal(one, two) for one, two in zip(seen[0], other, strict=True))


def test_it_can_be_differentiated_twice() -> None:
    """Regularizers that ask how fast the output changes train through the first derivative."""
    how = Convolution(1, 1, turned=True)
    found: list[list[Tensor]] = []
    for apply in (convolve_norm_leaky, plain):
        x, kernel, offset, _, norm = given((how, 4, 16, 16, 6, 3))
        ours = [(part if apply is convolve_norm_leaky else part.float()).requires_grad_() for part in (x, kernel)]
        y = apply(*ours, offset, how, norm, SLOPE)
        (slope,) = torch.autograd.grad(y.float().square().sum(), ours[0], create_graph=True)
        slope.float().square().sum().backward()
        found.append([part.float() for part in gradients(norm, *ours)])
    for one, other in zip(*found, strict=True):
        assert (one - other).norm() <= 0.1 * other.norm()


def test_what_is_not_finite_stays_so() -> None:
    """Otherwise a training that diverged would go on unseen."""
    how = Convolution(1, 0)
    x, kernel, offset, _, norm = given((how, 2, 16, 16, 6, 1))
    x[1, 3, 2, 2] = float("nan")
    assert not convolve_norm_leaky(x, kernel, offset, how, norm, SLOPE).isfinite().any()


def test_a_network_uses_it_where_it_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    found = blocks.convolve_norm_leaky
    monkeypatch.setattr(blocks, "convolve_norm_leaky", lambda *given: calls.append(given) or found(*given))
    network = Conv((3, 16, 16), filters=[16, 32, 16], strides=[1, 2, 2])
    x = torch.rand(2, 3, 16, 16).contiguous(memory_format=torch.channels_last)
    outputs: list[Tensor] = []
    for kernels, count in (("torch", 0), ("auto", 6)):
        choose_kernels(kernels, torch.device("cpu"), network, "bf16")
        with torch.autocast("cpu", torch.bfloat16):
            outputs.append(network(x).detach().float())
        assert len(calls) == count
    assert (outputs[0] - outputs[1]).norm() <= 2e-2 * outputs[0].norm()
    choose_kernels("auto", torch.device("cpu"), network, "fp32")
    network(x)
    assert len(calls) == 6, "in fp32 the three are two operations"
