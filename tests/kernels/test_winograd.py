"""Convolutions in float32 by minimal filtering, against PyTorch's in double precision."""

from __future__ import annotations

import pytest
import torch
from tests.kernels.convolving import curvature, gradients, off, parts, pytorchs
from torch import Tensor

from isthmus.kernels import ops, winograd
from isthmus.kernels.choose import choose
from isthmus.kernels.convolution import Convolution
from isthmus.kernels.winograd import convolve, takes
from isthmus.models.architectures.residual import Residual
from isthmus.models.layers import PlainConv, SameConv, SameConvTranspose
from isthmus.training.devices import cpu_threads

pytestmark = pytest.mark.skipif(not winograd.ready(), reason="no C++ compiler, or a processor without AVX2")

CPU = torch.device("cpu")
CASES = [  # images, channels, filters, side
    (Convolution(1, 1, 1), 3, 16, 16, 8),
    (Convolution(1, 1, 1, turned=True), 9, 64, 32, 32),
    (Convolution(1, 1, 1, turned=True), 5, 32, 3, 12),  # few filters: the image's gradient is PyTorch's
    (Convolution(1, 1, 1), 7, 80, 72, 8),  # many sums: threads share blocks
    (Convolution(1, 0, 0), 2, 17, 33, 11),  # no size a multiple of what is done at a time
    (Convolution(1, 2, 2, turned=True), 1, 40, 20, 5),
    (Convolution(1, 1, 1), 2, 20, 1, 7),  # grey
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_and_gradients_are_pytorchs(case: tuple[Convolution, int, int, int, int]) -> None:
    """To a few units of float32's last digit, as PyTorch's own are."""
    how, *sizes = case
    given = parts(how, *sizes, kernel=3, wide=3)
    exact = gradients(pytorchs, how, *(part.double() for part in given))
    for name, found in gradients(convolve, how, *given).items():
        assert off(found, exact[name]) < 5e-6, name


def test_narrower_vectors_are_right_too(portable_kernels: None) -> None:
    """Those of processors without AVX-512, which have this machine's library only where it has none itself."""
    how = Convolution(1, 1, 1)
    given = parts(how, 5, 72, 20, 10, 3)
    exact = gradients(pytorchs, how, *(part.double() for part in given))
    for name, found in gradients(convolve, how, *given).items():
        assert off(found, exact[name]) < 5e-6, name


@pytest.mark.parametrize("channels", [16, 80])
def test_the_bits_do_not_depend_on_the_number_of_threads(channels: int) -> None:
    how = Convolution(1, 1, 1)
    seen: list[dict[str, Tensor]] = []
    for threads in (1, 2, 3):
        with cpu_threads(threads):
            seen.append(gradients(convolve, how, *parts(how, 19, channels, 64, 16, 3)))
    for other in seen[1:]:
        assert all(torch.equal(found, other[name]) for name, found in seen[0].items())


def test_it_can_be_differentiated_twice() -> None:
    """Regularizers that ask how fast the output changes train through the first derivative."""
    how = Convolution(1, 1, 1, turned=True)
    x, weight, bias, _ = parts(how, 2, 16, 16, 6, 3)
    for one, other in zip(
        curvature(convolve, how, x, weight, bias), curvature(pytorchs, how, x, weight, bias), strict=True
    ):
        assert off(one, other) < 1e-5


def test_what_is_not_finite_stays_so() -> None:
    """Otherwise a training that diverged would go on unseen."""
    how = Convolution(1, 1, 1)
    x, weight, bias, dy = parts(how, 2, 16, 16, 8, 3)
    x[1, 3, 2, 2] = float("nan")
    found = gradients(convolve, how, x, weight, bias, dy)
    assert not found["y"][1, :, 1:4, 1:4].isfinite().any() and found["y"][0].isfinite().all()
    assert not found["weight"][:, 3].isfinite().any() and found["weight"][:, 4].isfinite().all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_stays_in_its_image(value: float) -> None:
    """And in its tile of the image, of 4x4 pixels and a margin."""
    how = Convolution(1, 1, 1)
    x, weight, bias, dy = parts(how, 3, 16, 20, 9, 3)
    x[1, 3, 8, 8] = dy[1, 2, 0, 0] = value
    found = gradients(convolve, how, x, weight, bias, dy)
    for name, image in (("y", found["y"]), ("x", found["x"])):
        assert image[[0, 2]].isfinite().all() and not image[1].isfinite().all(), name
    assert found["y"][1, :, :4, :4].isfinite().all() and found["x"][1, :, 4:, 4:].isfinite().all()
    assert found["weight"][[0, 3]][:, [0, 4]].isfinite().all()


def test_it_is_for_training_in_fp32() -> None:
    how = Convolution(1, 1, 1)
    x, weight, _, _ = parts(how, 2, 16, 16, 6, 3)
    weight.requires_grad_()
    assert takes(x, weight, how)
    assert not takes(x, weight, Convolution(2, 1, 1))
    assert not takes(x, weight, Convolution(1, 1, 1, transposed=True))
    assert not takes(x, weight[:, :8], how)  # channels
    assert not takes(x, weight[..., :2], how)  # not 3x3
    assert not takes(x[:, :, :3], weight, how)  # a small image
    assert not takes(x.double(), weight, how)
    assert not takes(x, weight.detach(), how)
    with torch.no_grad():
        assert not takes(x, weight, how)
    with torch.autocast("cpu", torch.bfloat16):
        assert not takes(x, weight, how)


@pytest.mark.parametrize(
    "layer", [SameConv(16, 20), SameConvTranspose(16, 20), PlainConv(16, 20)], ids=lambda layer: type(layer).__name__
)
def test_a_layer_takes_the_same_step(
    layer: SameConv | SameConvTranspose | PlainConv, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randn(3, 16, 8, 8)
    calls: list[object] = []
    found = winograd.convolve
    monkeypatch.setattr(winograd, "convolve", lambda *given: calls.append(given) or found(*given))

    def step(*, compiled: bool) -> list[Tensor]:
        layer.zero_grad()
        given = x.clone().requires_grad_()
        with ops.using("compiled" if compiled else "torch"):
            y = layer(given)
        y.square().sum().backward()
        return [y.detach(), *(part.grad for part in (given, *layer.parameters()) if part.grad is not None)]

    ours, theirs = step(compiled=True), step(compiled=False)
    assert len(ours) == len(theirs) == 4 and len(calls) == 1
    assert all(off(one, other) < 1e-5 for one, other in zip(ours, theirs, strict=True))


def test_a_network_uses_it_where_it_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    found = winograd.convolve
    monkeypatch.setattr(winograd, "convolve", lambda *given: calls.append(given) or found(*given))
    network = Residual((3, 32, 32), width=32, depth=1)
    for kernels in ("torch", "auto"):
        with ops.using(choose(kernels, CPU, network, "fp32").kernels):
            y = network(torch.rand(2, 3, 32, 32))
        y.square().sum().backward()
        assert bool(calls) == (kernels == "auto")
