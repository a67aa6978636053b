"""Convolution, batch norm and leaky ReLU in one operation, against PyTorch's three."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.kernels.convolving import parts
from tests.kernels.test_norm_leaky import EPS, SLOPE, gradients, norm_of
from torch import Tensor, nn

from isthmus.kernels import ops, processor, tiled_convolution
from isthmus.kernels.choose import choose
from isthmus.kernels.convolution import Convolution
from isthmus.kernels.convolve_norm_leaky import Stage, convolve_norm_leaky
from isthmus.kernels.norm_leaky import norm_leaky
from isthmus.models.architectures.conv import Conv
from isthmus.training.devices import cpu_threads

pytestmark = pytest.mark.usefixtures("tiles")

Apply = Callable[[Tensor, Tensor, Tensor, Convolution, nn.BatchNorm2d, float], Tensor]
Case = tuple[Convolution, int, int, int, int, int]

CASES: list[Case] = [
    (Convolution(1, 1, 1, turned=True), 9, 64, 48, 9, 3),
    (Convolution(2, 1, 1, turned=True), 5, 3, 32, 16, 3),
    (Convolution(2, 1, 0, turned=True, transposed=True), 4, 64, 16, 8, 3),
    (Convolution(2, 0, 1), 4, 16, 32, 8, 3),
    (Convolution(1, 0, 0), 2, 16, 16, 130, 4),  # packed in bands
]
BOTH = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])


def given(case: Case, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor, nn.BatchNorm2d]:
    """x, kernel, offset, a gradient of y, and the norm."""
    how, *sizes = case
    x, kernel, offset, dy = parts(how, *sizes, wide=3)
    filters = len(offset)
    norm = norm_of(torch.linspace(0.5, 2, filters), torch.linspace(-1, 1, filters))
    return x.to(dtype), kernel, offset, dy.to(dtype), norm


def ours(x: Tensor, kernel: Tensor, offset: Tensor, how: Convolution, norm: nn.BatchNorm2d, slope: float) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16, enabled=x.dtype == torch.bfloat16):
        return convolve_norm_leaky(x, [Stage(how, kernel, offset, norm, slope)])


def two(x: Tensor, kernel: Tensor, offset: Tensor, how: Convolution, norm: nn.BatchNorm2d, slope: float) -> Tensor:
    """By two operations of ours, which are held against PyTorch's in tests of their own."""
    with torch.autocast("cpu", torch.bfloat16, enabled=x.dtype == torch.bfloat16):
        return norm_leaky(tiled_convolution.convolve(x, kernel, None, how), offset, norm, slope)


def plain(x: Tensor, kernel: Tensor, offset: Tensor, how: Convolution, norm: nn.BatchNorm2d, slope: float) -> Tensor:
    y = F.batch_norm(how(x, kernel, offset), None, None, norm.weight, norm.bias, True, 0.0, EPS)
    return F.leaky_relu(y, slope)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(
    ("other", "dtype", "within"),
    [
        (two, torch.bfloat16, 5e-3),
        (plain, torch.bfloat16, 5e-2),
        (two, torch.float32, 2e-4),
        (plain, torch.float32, 2e-3),
    ],
)
def test_values_gradients_and_running_statistics(case: Case, other: Apply, dtype: torch.dtype, within: float) -> None:
    """PyTorch's in double precision are further off: where a sign is decided by rounding, so is the slope."""
    how = case[0]
    found: list[list[Tensor]] = []
    for apply in (ours, other):
        x, kernel, offset, dy, norm = given(case, dtype)
        if apply is plain:
            x, kernel, offset, norm = x.double(), kernel.double(), offset.double(), norm.double()
        leaves = [part.clone().requires_grad_() for part in (x, kernel, offset)]
        y = apply(*leaves, how, norm, SLOPE)
        assert y.is_contiguous(memory_format=torch.channels_last)
        y.backward(dy.to(y.dtype))
        dx, dkernel, doffset, *rest = gradients(norm, *leaves)
        if other is two:
            assert torch.equal(doffset, torch.zeros_like(offset)), "batch norm takes an offset away"
            rest += list(norm.buffers())[:2]
        found.append([part.double() for part in (y.detach(), dx, dkernel, *rest)])
    for one, exact in zip(*found, strict=True):
        assert (one - exact).norm() <= within * exact.norm()


@pytest.mark.parametrize("case", CASES, ids=str)
@BOTH
def test_the_norms_sums_are_of_what_the_convolution_holds(case: Case, dtype: torch.dtype) -> None:
    how = case[0]
    x, kernel, _, _, norm = given(case, dtype)
    moments = torch.empty(2, norm.num_features, dtype=torch.float64)
    y = tiled_convolution.forward(x, kernel, None, how, moments).double()
    sizes = y.square().sum((0, 2, 3))
    assert ((moments[0] - y.sum((0, 2, 3))).abs() <= 1e-5 * sizes).all()
    assert ((moments[1] - sizes).abs() <= 1e-5 * sizes).all()


@pytest.mark.parametrize(
    ("how", "kernel"),
    [(Convolution(1, 0, 0), 1), (Convolution(2, 0, 0), 2), (Convolution(1, 0, 0, turned=True), 4)],
    ids=str,
)
@BOTH
def test_what_all_values_have_in_common_does_not_drown_their_variance(
    how: Convolution, kernel: int, dtype: torch.dtype
) -> None:
    """Values about 100 with a spread of 0.1: of squares summed in float32, some 2 per cent was rounding."""
    x, weight, _, _ = parts(how, 9, 16, 48, 33, kernel, wide=3)
    x = (100 + x).to(dtype)
    weight = (weight.softmax(1) / kernel**2).contiguous(memory_format=torch.channels_last)  # a mean of what it sees
    moments = torch.empty(2, 48, dtype=torch.float64)
    y = tiled_convolution.forward(x, weight, None, how, moments).double()
    mean, squares = moments * 48 / y.numel()
    torch.testing.assert_close(mean, y.mean((0, 2, 3)), rtol=1e-6, atol=0)
    torch.testing.assert_close(squares - mean**2, y.var((0, 2, 3), correction=0), rtol=1e-5, atol=0)


def several(dtype: torch.dtype) -> tuple[Tensor, list[Stage]]:
    """Images of 8x8, and three stages: to half of it and back."""
    torch.manual_seed(0)
    hows = [Convolution(1, 1, 1), Convolution(2, 0, 1), Convolution(2, 0, 1, transposed=True)]
    kernels = [torch.randn(32, 3, 3, 3), torch.randn(16, 32, 3, 3), torch.randn(16, 32, 3, 3)]
    stages = [
        Stage(how, nn.Parameter(kernel), nn.Parameter(torch.randn(filters)), nn.BatchNorm2d(filters), SLOPE)
        for how, kernel, filters in zip(hows, kernels, (32, 16, 32), strict=True)
    ]
    return torch.randn(5, 3, 8, 8).contiguous(memory_format=torch.channels_last).to(dtype), stages


@BOTH
def test_several_stages_are_one_after_the_other(dtype: torch.dtype) -> None:
    """Whatever was in memory before."""
    found: list[list[Tensor]] = []
    for at_once in (True, False, True, False):
        used = [torch.full((count,), torch.nan) for count in (100, 1000, 10_000, 100_000, 400_000) for _ in range(3)]
        del used  # what is allocated next may lie there
        x, stages = several(dtype)
        x.requires_grad_()
        y = x
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            for group in [stages] if at_once else [[stage] for stage in stages]:
                y = convolve_norm_leaky(y, group)
        y.float().square().sum().backward()
        leaves = [x, *(tensor for stage in stages for tensor in stage.trained)]
        buffers = [buffer for stage in stages for buffer in stage.norm.buffers()]
        found.append([y.detach(), *buffers, *(leaf.grad for leaf in leaves if leaf.grad is not None)])
    for each in found:
        assert len(each) == 1 + 3 * 3 + 1 + 3 * 4
        assert all(torch.equal(one, other) for one, other in zip(each, found[0], strict=True))


def test_what_is_not_trained_has_no_gradient() -> None:
    x, stages = several(torch.float32)
    stages[1].kernel.requires_grad_(False)
    convolve_norm_leaky(x, stages).sum().backward()
    assert x.grad is None and stages[1].kernel.grad is None
    assert all(stage.norm.weight.grad is not None for stage in stages)


@BOTH
def test_the_bits_do_not_depend_on_the_number_of_threads(dtype: torch.dtype) -> None:
    seen: list[list[Tensor]] = []
    how = Convolution(2, 1, 1)
    for threads in (1, 2, 3):
        x, kernel, offset, dy, norm = given((how, 37, 32, 64, 16, 3), dtype)
        leaves = [part.clone().requires_grad_() for part in (x, kernel, offset)]
        with cpu_threads(threads):
            y = ours(*leaves, how, norm, SLOPE)
            y.backward(dy)
        seen.append([y.detach(), *norm.buffers(), *gradients(norm, *leaves)])
    for other in seen[1:]:
        assert all(torch.equal(one, two) for one, two in zip(seen[0], other, strict=True))


@pytest.mark.parametrize(
    ("dtype", "count", "within"), [(torch.bfloat16, 1, 0.1), (torch.bfloat16, 3, 0.3), (torch.float32, 3, 5e-3)]
)
def test_it_can_be_differentiated_twice(dtype: torch.dtype, count: int, within: float) -> None:
    """Regularizers that ask how fast the output changes train through the first derivative."""
    found: list[list[Tensor]] = []
    for fused in (True, False):
        x, stages = several(dtype if fused else torch.float32)
        stages = stages[:count]
        y = x.requires_grad_()
        if fused:
            with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
                y = convolve_norm_leaky(x, stages)
        else:
            for how, kernel, offset, norm, slope, _ in stages:
                y = F.leaky_relu(norm(how(y, kernel, offset)), slope)
        (slope,) = torch.autograd.grad(y.float().square().sum(), x, create_graph=True)
        slope.float().square().sum().backward()
        leaves = [x, *(tensor for stage in stages for tensor in stage.trained[:3])]
        found.append([leaf.grad.float() for leaf in leaves if leaf.grad is not None])
    assert len(found[0]) == len(found[1]) == 1 + 3 * count
    for one, other in zip(*found, strict=True):
        assert (one - other).norm() <= within * other.norm()


@BOTH
def test_what_is_not_finite_stays_so(dtype: torch.dtype) -> None:
    """Otherwise a training that diverged would go on unseen."""
    how = Convolution(1, 0, 0)
    x, kernel, offset, _, norm = given((how, 2, 16, 16, 6, 1), dtype)
    x[1, 3, 2, 2] = float("nan")
    assert not ours(x, kernel, offset, how, norm, SLOPE).isfinite().any()


@pytest.mark.parametrize("shape", [(1, 28, 28), (5, 17, 27), (2, 3, 5)], ids=str)
@pytest.mark.parametrize(("dtype", "within"), [(torch.bfloat16, 0.15), (torch.float32, 1e-3)])
def test_a_network_takes_the_same_step_on_images_of_any_shape(
    shape: tuple[int, int, int], dtype: torch.dtype, within: float
) -> None:
    """Grey, many channels, sides that nothing divides, and images smaller than a tile: in PyTorch where need be."""
    torch.manual_seed(0)
    network = Conv(shape, filters=[16, 20, 16], strides=[1, 2, 2])
    x = torch.rand(9, *shape).contiguous(memory_format=torch.channels_last)
    found: list[list[Tensor]] = []
    kernels: list[ops.Kernels] = ["compiled", "torch"]
    for chosen in kernels:
        network.zero_grad()
        mixed = torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16)
        with mixed, ops.using(chosen):
            y = network(x).float()
        (y - x).square().sum().backward()
        found.append([y.detach(), *(weight.grad for weight in network.parameters() if weight.grad is not None)])
    scale = max(float(gradient.norm()) for gradient in found[1][1:])
    for at, (ours, theirs) in enumerate(zip(*found, strict=True)):
        assert (ours - theirs).norm() <= within * (theirs.norm() if at == 0 else scale)


@pytest.mark.parametrize(
    ("precision", "within", "stages"),
    # in fp32 Winograd's filtering is for kernels without a stride and many channels
    [("bf16", 2e-2, [3, 3]), ("fp32", 1e-5, [3, 2])],
)
def test_a_network_uses_it_where_it_was_chosen(
    precision: str, within: float, stages: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    fused = ops.stages_at_once
    monkeypatch.setattr(
        fused, "convolve_norm_leaky", lambda x, given: calls.append(len(given)) or convolve_norm_leaky(x, given)
    )
    monkeypatch.setattr(processor, "flags", lambda: {"amx_bf16", "avx2", "fma"})
    network = Conv((3, 16, 16), filters=[16, 32, 16], strides=[1, 2, 2])
    x = torch.rand(2, 3, 16, 16).contiguous(memory_format=torch.channels_last)
    outputs: list[Tensor] = []
    for kernels, count in (("torch", []), ("auto", stages)):
        chosen = choose(kernels, torch.device("cpu"), network, precision).kernels
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"), ops.using(chosen):
            outputs.append(network(x).detach().float())
        assert calls == count
    assert (outputs[0] - outputs[1]).norm() <= within * outputs[0].norm()
