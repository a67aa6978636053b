"""Batch norm and leaky ReLU in one operation, against PyTorch's two."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.kernels import ops
from isthmus.kernels.compiled import why_unavailable
from isthmus.kernels.norm_leaky import norm_leaky
from isthmus.models.architectures.conv import Conv
from isthmus.training.devices import cpu_threads

pytestmark = pytest.mark.skipif(why_unavailable() is not None, reason=f"no compiled kernels: {why_unavailable()}")

EPS, SLOPE = 1e-3, 0.3


def parts(shape: tuple[int, int, int, int], dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """x, offset, weight, bias and a gradient of y; channels that differ in mean and spread."""
    draw = torch.Generator().manual_seed(0)
    channels = shape[1]
    spread = torch.linspace(0.1, 4, channels).view(-1, 1, 1)
    x = (torch.randn(shape, generator=draw) * spread + torch.linspace(-8, 8, channels).view(-1, 1, 1)).to(dtype)
    offset, weight, bias = torch.randn(3, channels, generator=draw).unbind()
    dy = torch.randn(shape, generator=draw).to(dtype)
    return x.contiguous(memory_format=torch.channels_last), offset, weight, bias, dy


def norm_of(weight: Tensor, bias: Tensor, momentum: float = 1.0) -> nn.BatchNorm2d:
    """With these parameters; at momentum 1 its running statistics are the batch's own."""
    norm = nn.BatchNorm2d(len(weight), eps=EPS, momentum=momentum)
    norm.weight, norm.bias = (nn.Parameter(part.detach().clone()) for part in (weight, bias))
    return norm


def gradients(norm: nn.BatchNorm2d, *given: Tensor) -> list[Tensor]:
    """Of what was given, and of the norm's parameters."""
    found = [part.grad for part in (*given, norm.weight, norm.bias)]
    assert all(part is not None for part in found)
    return [part for part in found if part is not None]


def plain(x: Tensor, offset: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.leaky_relu(F.batch_norm(x + offset.view(-1, 1, 1), None, None, weight, bias, True, 0.0, EPS), SLOPE)


@pytest.mark.parametrize("shape", [(4, 16, 2, 1), (3, 32, 5, 4), (5, 48, 3, 3), (7, 64, 8, 8), (2, 80, 33, 9)])
@pytest.mark.parametrize(("dtype", "within"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_values_and_gradients_are_pytorchs(shape: tuple[int, int, int, int], dtype: torch.dtype, within: float) -> None:
    """In float32 within 1e-5 of the largest; in bfloat16 within its rounding of the result computed in float32."""
    x, offset, weight, bias, dy = parts(shape, dtype)
    # a value whose sign rounding decides may go either way: none is near zero
    before = F.batch_norm(x.double(), None, None, weight.double(), bias.double(), True, 0.0, EPS)
    dy = torch.where(before.abs() < 1e-3, 0, dy.double()).to(dtype)

    ours = [part.clone().requires_grad_() for part in (x, offset)]
    norm = norm_of(weight, bias)
    y = norm_leaky(*ours, norm, SLOPE)
    y.backward(dy)
    theirs = [part.double().requires_grad_() for part in (x, offset, weight, bias)]
    expected = plain(*theirs)
    expected.backward(dy.double())

    def close(one: Tensor, other: Tensor) -> None:
        scale = other.abs().max().clamp(min=1).item()
        torch.testing.assert_close(one.double(), other.double(), rtol=0, atol=within * scale)

    assert y.dtype == dtype and y.is_contiguous(memory_format=torch.channels_last)
    close(y, expected.detach())
    rows = (x.double() + offset.double().view(-1, 1, 1)).transpose(0, 1).flatten(1)
    assert norm.running_mean is not None and norm.running_var is not None
    torch.testing.assert_close(norm.running_mean.double(), rows.mean(1), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(norm.running_var.double(), rows.var(1, correction=0), rtol=1e-5, atol=1e-5)
    for mine, other in zip(gradients(norm, *ours), theirs, strict=True):
        assert other.grad is not None
        close(mine, other.grad)


def test_running_statistics_follow_by_the_momentum() -> None:
    x, offset, weight, bias, _ = parts((4, 16, 5, 5), torch.float32)
    norm = norm_of(weight, bias, momentum=0.25)
    for _ in range(2):
        norm_leaky(x, offset, norm, SLOPE)
    rows = (x + offset.view(-1, 1, 1)).transpose(0, 1).flatten(1)
    left = 0.75**2  # of zeros and ones
    torch.testing.assert_close(norm.running_mean, (1 - left) * rows.mean(1))
    torch.testing.assert_close(norm.running_var, left + (1 - left) * rows.var(1, correction=0))


def test_what_all_values_have_in_common_does_not_drown_their_variance() -> None:
    x, offset, weight, bias, _ = parts((8, 16, 16, 16), torch.float32)
    norm = norm_of(weight, bias)
    norm_leaky(x + 4096, offset, norm, SLOPE)
    expected = (x + 4096).double().transpose(0, 1).flatten(1).var(1, correction=0)
    assert norm.running_var is not None
    torch.testing.assert_close(norm.running_var.double(), expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_bits_do_not_depend_on_the_number_of_threads(dtype: torch.dtype) -> None:
    x, offset, weight, bias, dy = parts((9, 64, 16, 16), dtype)
    seen: list[list[Tensor]] = []
    for threads in (1, 2, 3):
        given = [part.clone().requires_grad_() for part in (x, offset)]
        norm = norm_of(weight, bias)
        with cpu_threads(threads):
            y = norm_leaky(*given, norm, SLOPE)
            y.backward(dy)
        seen.append([y.detach(), *norm.buffers(), *gradients(norm, *given)])
    for other in seen[1:]:
        assert all(torch.equal(one, two) for one, two in zip(seen[0], other, strict=True))


def test_it_can_be_differentiated_twice() -> None:
    """Regularizers that ask how fast the output changes train through the first derivative."""
    x, offset, weight, bias, _ = parts((4, 16, 3, 3), torch.float32)

    def curvature(fused: bool) -> list[Tensor]:
        given, norm = x.clone().requires_grad_(), norm_of(weight, bias)
        y = norm_leaky(given, offset, norm, SLOPE) if fused else plain(given, offset, norm.weight, norm.bias)
        (slope,) = torch.autograd.grad(y.square().sum(), given, create_graph=True)
        slope.square().sum().backward()
        return gradients(norm, given)

    for one, other in zip(curvature(True), curvature(False), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_stays_so(value: float, dtype: torch.dtype) -> None:
    """Otherwise a training that diverged would go on unseen."""
    x, offset, weight, bias, _ = parts((2, 16, 4, 4), dtype)
    x[1, 3, 2, 2] = value
    norm = norm_of(weight, bias)
    y = norm_leaky(x, offset, norm, SLOPE)
    assert norm.running_mean is not None
    assert not y[:, 3].isfinite().any() and not norm.running_mean[3].isfinite()
    assert y[:, 4].isfinite().all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_spreads_no_further_than_in_pytorch(value: float) -> None:
    """To all images of its channel, whose mean it is in, and to no other channel."""
    x, offset, weight, bias, dy = parts((2, 32, 4, 4), torch.float32)
    dy[1, 3, 2, 2] = value
    found: list[list[Tensor]] = []
    for apply in (lambda given, norm: norm_leaky(given, offset, norm, SLOPE), _plain_of(offset)):
        given, norm = x.clone().requires_grad_(), norm_of(weight, bias)
        apply(given, norm).backward(dy)
        found.append([part.isfinite() for part in gradients(norm, given)])
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


def _plain_of(offset: Tensor) -> Callable[[Tensor, nn.BatchNorm2d], Tensor]:
    return lambda x, norm: plain(x, offset, norm.weight, norm.bias)


def test_one_value_a_channel_is_refused_as_by_pytorch() -> None:
    x, offset, weight, bias, _ = parts((1, 16, 1, 1), torch.float32)
    with pytest.raises(ValueError, match="more than one value"):
        norm_leaky(x, offset, norm_of(weight, bias), SLOPE)


def step(filters: list[int], *, compiled: bool, mixed: bool, seed: int = 0) -> dict[str, Tensor]:
    """Outputs, gradients and running statistics of one step of a network."""
    torch.manual_seed(seed)
    network = Conv((3, 16, 16), filters=filters, strides=[1, 2, 2])
    x = (torch.rand(6, 3, 16, 16) * 2 - 1).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed), ops.using("compiled" if compiled else "torch"):
        y = network(x)
    (y.float() - x).square().mean().backward()
    gradients = {name: value.grad for name, value in network.named_parameters() if value.grad is not None}
    assert len(gradients) == len(list(network.parameters()))
    return {"y": y.detach().float(), **gradients, **dict(network.named_buffers())}


@pytest.mark.parametrize("filters", [[16, 32, 16], [12, 16, 8]])
def test_a_network_takes_the_same_step_with_compiled_kernels(filters: list[int]) -> None:
    """Channels that the kernels cannot take go PyTorch's way."""
    ours, theirs = step(filters, compiled=True, mixed=False), step(filters, compiled=False, mixed=False)
    for name, value in theirs.items():
        torch.testing.assert_close(
            ours[name], value, rtol=1e-5, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_in_bf16_it_is_as_near_to_the_step_in_fp32_as_pytorchs() -> None:
    off = {True: 0.0, False: 0.0}
    for seed in range(4):
        exact = step([16, 32, 16], compiled=False, mixed=False, seed=seed)
        for compiled in off:
            for name, value in step([16, 32, 16], compiled=compiled, mixed=True, seed=seed).items():
                if not name.endswith(("bias", "tracked")):  # a bias before a norm has no gradient but rounding
                    off[compiled] += ((value - exact[name]).norm() / exact[name].norm().clamp(min=1e-6)).item()
    assert off[True] <= 1.2 * off[False]


def test_judging_a_model_uses_pytorchs_own() -> None:
    """Scores do not depend on whether there is a compiler."""
    network = Conv((3, 16, 16), filters=[16, 16], strides=[2, 2]).eval()
    x = torch.rand(2, 3, 16, 16).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        before = network(x)
        with ops.using("compiled"):
            assert torch.equal(network(x), before)
