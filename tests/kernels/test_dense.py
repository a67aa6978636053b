"""Dense layers to and from a few numbers by our own code, against PyTorch's in double precision."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.kernels.convolving import off
from torch import Tensor, nn

from isthmus.kernels.compiled import why_unavailable
from isthmus.kernels.dense import dense, takes
from isthmus.models.layers import Dense
from isthmus.training.devices import choose_kernels, cpu_threads

pytestmark = pytest.mark.skipif(why_unavailable() is not None, reason=f"no compiled kernels: {why_unavailable()}")

SIZES = [(32, 4096, 10), (7, 48, 1), (5, 208, 16), (1, 16, 3), (6, 10, 1024), (9, 1, 80), (3, 16, 16)]


def given(rows: int, inputs: int, outputs: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x, weight, bias and a gradient of y, of numbers that bfloat16 holds where those are."""
    draw = torch.Generator().manual_seed(0)
    x, dy = torch.randn(rows, inputs, generator=draw), torch.randn(rows, outputs, generator=draw)
    return (
        x.bfloat16(),
        torch.randn(outputs, inputs, generator=draw),
        torch.randn(outputs, generator=draw),
        dy.bfloat16(),
    )


def step(
    apply: Callable[[Tensor, Tensor, Tensor], Tensor], x: Tensor, weight: Tensor, bias: Tensor, dy: Tensor
) -> list[Tensor]:
    leaves = [part.clone().requires_grad_() for part in (x, weight, bias)]
    y = apply(*leaves)
    y.backward(dy)
    return [y.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


def ours(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        assert takes(x, weight)
        return dense(x, weight, bias)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_values_and_gradients_are_pytorchs(sizes: tuple[int, int, int]) -> None:
    """What is bfloat16 within its rounding, gradients of parameters within float32's."""
    x, weight, bias, dy = given(*sizes)
    found = step(ours, x, weight, bias, dy)
    exact = step(F.linear, x.double(), weight.double(), bias.double(), dy.double())
    assert [part.dtype for part in found] == [torch.bfloat16, torch.bfloat16, torch.float32, torch.float32]
    for one, other, within in zip(found, exact, (4e-3, 4e-3, 1e-5, 1e-5), strict=True):
        assert off(one, other) <= within


def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    for sizes in SIZES:
        seen: list[list[Tensor]] = []
        for threads in (1, 2, 3):
            with cpu_threads(threads):
                seen.append(step(ours, *given(*sizes)))
        for other in seen[1:]:
            assert all(torch.equal(one, two) for one, two in zip(seen[0], other, strict=True))


def test_it_can_be_differentiated_twice() -> None:
    """Regularizers that ask how fast the output changes train through the first derivative."""
    found: list[list[Tensor]] = []
    for apply in (ours, F.linear):
        x, weight, bias, _ = given(5, 64, 8)
        leaves = [part.requires_grad_() for part in ((x if apply is ours else x.float()), weight, bias)]
        (slope,) = torch.autograd.grad(apply(*leaves).float().square().sum(), leaves[0], create_graph=True)
        slope.float().square().sum().backward()
        found.append([leaf.grad.float() for leaf in leaves if leaf.grad is not None])
    assert len(found[0]) == len(found[1]) == 3
    for one, other in zip(*found, strict=True):
        assert (one - other).norm() <= 2e-2 * other.norm()


def test_it_is_for_training_in_bf16_with_a_narrow_side() -> None:
    x, weight, _, _ = given(4, 64, 8)
    weight.requires_grad_()
    assert not takes(x.float(), weight), "in fp32 PyTorch's is as fast"
    with torch.autocast("cpu", torch.bfloat16):
        assert takes(x, weight) and takes(x.float(), weight)
        assert not takes(x, weight.detach())
        assert not takes(x.view(2, 2, 64), weight)
        assert not takes(x[:, :60], weight[:, :60]), "no multiple of a vector"
        assert not takes(x, torch.randn(128, 64, requires_grad=True)), "wide on both sides"
        with torch.no_grad():
            assert not takes(x, weight)


def test_a_layer_takes_it_where_it_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr("isthmus.models.layers.dense.dense", lambda *given: calls.append(given) or dense(*given))
    network = nn.Sequential(Dense(64, 8), Dense(8, 64))
    for kernels, count in (("torch", 0), ("auto", 2)):
        choose_kernels(kernels, torch.device("cpu"), network, "bf16")
        with torch.autocast("cpu", torch.bfloat16):
            network(torch.rand(3, 64)).sum().backward()
        assert len(calls) == count
