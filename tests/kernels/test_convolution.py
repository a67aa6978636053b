"""Convolutions whose kernels get their gradient from our own code, against PyTorch's in double precision."""

from __future__ import annotations

import pytest
import torch
from tests.kernels.convolving import curvature, gradients, off, parts, pytorchs
from torch import Tensor

from isthmus.architectures.residual import Residual
from isthmus.kernels import convolution
from isthmus.kernels.convolution import Convolution, convolve, takes
from isthmus.layers import Conv, SameConv, SameConvTranspose
from isthmus.training.machine import choose_kernels, cpu_threads

pytestmark = pytest.mark.skipif(not convolution._ready(), reason="no C++ compiler, or a processor without AMX tiles")

CPU = torch.device("cpu")


CASES = [
    (Convolution(1, 1), 3, 16, 16, 8, 3),
    (Convolution(1, 1, turned=True), 9, 64, 48, 9, 3),
    (Convolution(2, 1, turned=True), 5, 32, 64, 16, 3),
    (Convolution(2, 0), 2, 17, 33, 11, 2),
    (Convolution(3, 2), 2, 20, 3, 13, 5),
    (Convolution(1, 0), 1, 16, 1, 4, 1),
    (Convolution(1, 1), 2, 16, 16, 70, 4),  # packed in bands
    (Convolution(2, 1, turned=True, transposed=True, output_padding=1), 4, 64, 64, 8, 3),
    (Convolution(2, 1, transposed=True), 3, 5, 16, 7, 4),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_and_gradients_are_pytorchs(case: tuple[Convolution, int, int, int, int, int]) -> None:
    """The kernel's gradient within float32's rounding of its sums, the rest as PyTorch has it in bf16."""
    how, *sizes = case
    x, weight, bias, dy = parts(how, *sizes, wide=3)
    x, dy = x.bfloat16(), dy.bfloat16()
    exact = gradients(pytorchs, how, x.double(), weight.double(), bias.double(), dy.double())
    allowed = {"y": 2e-2, "x": 2e-2, "weight": 1e-5, "bias": 1e-5}
    for name, found in gradients(convolve, how, x, weight, bias, dy).items():
        assert off(found, exact[name]) <= allowed[name], name


def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    how = Convolution(2, 1)
    seen: list[Tensor] = []
    for threads in (1, 2, 3):
        with cpu_threads(threads):
            seen.append(gradients(convolve, how, *parts(how, 19, 32, 32, 16, 3))["weight"])
    assert torch.equal(seen[0], seen[1]) and torch.equal(seen[0], seen[2])


def test_it_can_be_differentiated_twice() -> None:
    """Regularizers that ask how fast the output changes train through the first derivative."""
    how = Convolution(1, 1, turned=True)
    x, weight, bias, _ = parts(how, 2, 16, 16, 6, 3)

    ours, theirs = curvature(convolve, how, x.bfloat16(), weight, bias), curvature(pytorchs, how, x, weight, bias)
    for one, other in zip(ours, theirs, strict=True):
        assert (one - other).norm() <= 2e-2 * other.norm()


def test_what_is_not_finite_stays_so() -> None:
    """Otherwise a training that diverged would go on unseen."""
    how = Convolution(1, 1)
    x, weight, bias, dy = parts(how, 2, 16, 16, 6, 3)
    x[1, 3, 2, 2] = float("nan")
    found = gradients(convolve, how, x, weight, bias, dy)["weight"]
    assert not found[:, 3].isfinite().any() and found[:, 4].isfinite().all()


def test_it_is_for_training_in_bf16() -> None:
    x, weight, _, _ = parts(Convolution(1, 1), 2, 16, 16, 6, 3)
    weight.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        assert takes(x, weight)
        assert not takes(x, weight.detach())
        assert not takes(x, weight[..., :1])  # not square
    assert not takes(x, weight)


@pytest.mark.parametrize(
    "layer",
    [SameConv(16, 20, stride=2), SameConv(16, 20, kernel=4), SameConvTranspose(16, 20, stride=2), Conv(16, 20)],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_takes_the_same_step(layer: SameConv | SameConvTranspose | Conv) -> None:
    x = torch.randn(3, 16, 8, 8).contiguous(memory_format=torch.channels_last)

    def step(*, compiled: bool) -> list[Tensor]:
        layer.compiled = compiled
        layer.zero_grad()
        given = x.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            y = layer(given)
        y.float().square().sum().backward()
        return [y.detach().float(), *(part.grad for part in (given, *layer.parameters()) if part.grad is not None)]

    ours, theirs = step(compiled=True), step(compiled=False)
    assert len(ours) == len(theirs) == 4
    for one, other in zip(ours, theirs, strict=True):
        assert (one - other).norm() <= 1e-2 * other.norm()


def test_a_network_uses_it_where_it_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    found = convolution._weight_gradient
    monkeypatch.setattr(convolution, "_weight_gradient", lambda *given: calls.append(given) or found(*given))
    network = Residual((3, 16, 16), width=32, depth=1)
    for kernels, count in (("torch", 0), ("auto", 7)):
        choose_kernels(kernels, CPU, network, "bf16")
        with torch.autocast("cpu", torch.bfloat16):
            y = network(torch.rand(2, 3, 16, 16))
        y.float().square().sum().backward()
        assert len(calls) == count
