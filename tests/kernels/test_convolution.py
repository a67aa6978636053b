"""Convolutions by our own code, against PyTorch's in double precision."""

from __future__ import annotations

import pytest
import torch
from tests.kernels.convolving import curvature, gradients, off, parts, pytorchs
from torch import Tensor

from isthmus.kernels import ops, processor, tiled_convolution, winograd
from isthmus.kernels.choose import choose
from isthmus.kernels.convolution import Convolution
from isthmus.kernels.tiled_convolution import convolve, takes
from isthmus.models.architectures.residual import Residual
from isthmus.models.layers import PlainConv, SameConv, SameConvTranspose
from isthmus.training.devices import cpu_threads

pytestmark = pytest.mark.usefixtures("tiles")

CPU = torch.device("cpu")


CASES = [
    (Convolution(1, 1, 1), 3, 16, 16, 8, 3),
    (Convolution(1, 1, 1, turned=True), 9, 64, 48, 9, 3),
    (Convolution(2, 1, 1, turned=True), 5, 32, 64, 16, 3),
    (Convolution(2, 0, 0), 2, 17, 33, 11, 2),
    (Convolution(3, 2, 2), 2, 20, 3, 13, 5),
    (Convolution(1, 0, 0), 1, 16, 1, 4, 1),
    (Convolution(1, 1, 1), 2, 16, 16, 70, 4),  # packed in bands
    (Convolution(2, 0, 1), 4, 32, 20, 8, 3),
    (Convolution(1, 1, 2, turned=True), 4, 16, 20, 8, 4),
    (Convolution(2, 1, 0, turned=True, transposed=True), 4, 64, 64, 8, 3),
    (Convolution(2, 0, 1, transposed=True), 4, 16, 20, 8, 3),
    (Convolution(1, 1, 1, transposed=True), 4, 16, 20, 8, 3),
    (Convolution(2, 1, 1, transposed=True), 3, 5, 16, 7, 4),
    (Convolution(1, 1, 1), 3, 1, 4, 7, 3),  # grey
    (Convolution(2, 0, 1, turned=True), 2, 1, 20, 9, 3),
    (Convolution(1, 1, 1, transposed=True), 2, 20, 1, 7, 3),
]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(("dtype", "rounded", "summed"), [(torch.bfloat16, 2e-2, 1e-5), (torch.float32, 1e-5, 1e-5)])
def test_values_and_gradients_are_pytorchs(
    case: tuple[Convolution, int, int, int, int, int], dtype: torch.dtype, rounded: float, summed: float
) -> None:
    """Numbers within their precision; the kernel's gradient always within float32's sums."""
    how, *sizes = case
    x, weight, bias, dy = parts(how, *sizes, wide=3)
    x, dy = x.to(dtype), dy.to(dtype)
    exact = gradients(pytorchs, how, x.double(), weight.double(), bias.double(), dy.double())
    allowed = {"y": rounded, "x": rounded, "weight": summed, "bias": summed}
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        found = gradients(convolve, how, x, weight, bias, dy)
    for name, value in found.items():
        assert value.dtype == (torch.float32 if name in ("weight", "bias") else dtype)
        assert off(value, exact[name]) <= allowed[name], name


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e30])
def test_float32_keeps_its_digits_whatever_the_size(scale: float) -> None:
    """Two bfloat16 have the exponents of float32 and two thirds of its digits, where one has a third."""
    how = Convolution(2, 1, 1)
    x, weight, bias, dy = parts(how, 3, 32, 32, 9, 3)
    exact = gradients(pytorchs, how, x.double() * scale, weight.double(), bias.double() * 0, dy.double())
    for name, value in gradients(convolve, how, x * scale, weight, bias * 0, dy).items():
        assert off(value, exact[name]) <= 1e-5, name


def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    how = Convolution(2, 1, 1)
    seen: list[Tensor] = []
    for threads in (1, 2, 3):
        with cpu_threads(threads):
            seen.append(gradients(convolve, how, *parts(how, 19, 32, 32, 16, 3))["weight"])
    assert torch.equal(seen[0], seen[1]) and torch.equal(seen[0], seen[2])


def test_it_can_be_differentiated_twice() -> None:
    """Regularizers that ask how fast the output changes train through the first derivative."""
    how = Convolution(1, 1, 1, turned=True)
    x, weight, bias, _ = parts(how, 2, 16, 16, 6, 3)

    ours, theirs = curvature(convolve, how, x.bfloat16(), weight, bias), curvature(pytorchs, how, x, weight, bias)
    for one, other in zip(ours, theirs, strict=True):
        assert (one - other).norm() <= 2e-2 * other.norm()


def test_what_is_not_finite_stays_so() -> None:
    """Otherwise a training that diverged would go on unseen."""
    how = Convolution(1, 1, 1)
    x, weight, bias, dy = parts(how, 2, 16, 16, 6, 3)
    x[1, 3, 2, 2] = float("nan")
    found = gradients(convolve, how, x, weight, bias, dy)["weight"]
    assert not found[:, 3].isfinite().any() and found[:, 4].isfinite().all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(
    "how", [Convolution(1, 1, 1), Convolution(2, 0, 1), Convolution(2, 0, 1, transposed=True)], ids=str
)
def test_what_is_not_finite_spreads_no_further_than_in_pytorch(
    how: Convolution, dtype: torch.dtype, value: float
) -> None:
    """With few channels a tile's row holds several pixels, and from the end of one image the first of the next."""
    x, weight, bias, dy = parts(how, 3, 3, 4, 6, 3)
    x[0, 1, 5, 5] = x[1, 0, 2, 0] = value
    dy[0, 2, -1, -1] = dy[1, 1, 0, -1] = value
    found, exact = (
        gradients(apply, how, x.to(of), weight.to(other), bias.to(other), dy.to(of))
        for apply, of, other in ((_mixed, dtype, torch.float32), (pytorchs, torch.float64, torch.float64))
    )
    for name in ("y", "x"):
        assert torch.equal(found[name].isfinite(), exact[name].isfinite()), name


def _mixed(x: Tensor, weight: Tensor, bias: Tensor | None, how: Convolution) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16, enabled=x.dtype == torch.bfloat16):
        return convolve(x, weight, bias, how)


def test_it_is_for_training() -> None:
    how = Convolution(1, 1, 1)
    x, weight, _, _ = parts(how, 2, 16, 16, 6, 3)
    weight.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        assert takes(x, weight, how)
        assert not takes(x, weight.detach(), how)
        assert not takes(x, weight[..., :1], how)  # not square
        with torch.no_grad():
            assert not takes(x, weight, how)
    with torch.autocast("cpu", torch.float16):
        assert not takes(x, weight, how)


def test_in_float32_it_takes_what_winograds_filtering_leaves() -> None:
    how = Convolution(1, 1, 1)
    x, weight, _, _ = parts(how, 2, 16, 16, 6, 3)
    weight.requires_grad_()
    assert winograd.takes(x, weight, how) and not takes(x, weight, how)
    assert takes(x, weight, Convolution(2, 1, 1))
    assert takes(x, weight[:3], how)
    assert not takes(x.double(), weight, Convolution(2, 1, 1))


@pytest.mark.parametrize(
    "layer",
    [
        SameConv(16, 20, stride=2),
        SameConv(16, 20, kernel=4),
        SameConvTranspose(16, 20, stride=2),
        SameConvTranspose(16, 20),
        PlainConv(16, 20),
    ],
    ids=str,
)
@pytest.mark.parametrize(("precision", "within"), [("bf16", 1e-2), ("fp32", 1e-5)])
def test_a_layer_takes_the_same_step(
    layer: SameConv | SameConvTranspose | PlainConv, precision: str, within: float
) -> None:
    x = torch.randn(3, 16, 8, 8).contiguous(memory_format=torch.channels_last)

    def step(*, compiled: bool) -> list[Tensor]:
        layer.zero_grad()
        given = x.clone().requires_grad_()
        mixed = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
        with mixed, ops.using("compiled" if compiled else "torch"):
            y = layer(given)
        y.float().square().sum().backward()
        return [y.detach().float(), *(part.grad for part in (given, *layer.parameters()) if part.grad is not None)]

    ours, theirs = step(compiled=True), step(compiled=False)
    assert len(ours) == len(theirs) == 4
    for one, other in zip(ours, theirs, strict=True):
        assert (one - other).norm() <= within * other.norm()


def test_a_network_uses_it_where_it_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    found = tiled_convolution._weight_gradient
    monkeypatch.setattr(tiled_convolution, "_weight_gradient", lambda *given: calls.append(given) or found(*given))
    monkeypatch.setattr(processor, "flags", lambda: {"amx_bf16"})
    network = Residual((3, 16, 16), width=32, depth=1)
    for kernels, count in (("torch", 0), ("auto", 7)):
        chosen = choose(kernels, CPU, network, "bf16").kernels
        with torch.autocast("cpu", torch.bfloat16), ops.using(chosen):
            y = network(torch.rand(2, 3, 16, 16))
        y.float().square().sum().backward()
        assert len(calls) == count
