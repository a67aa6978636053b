"""The fast layers against the definition: Keras's padding below and to the right, written plainly."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.models.architectures.conv import Conv
from isthmus.models.blocks import FlippedSequential
from isthmus.models.distortions.mse import Mse
from isthmus.models.layers import SameConv, SameConvTranspose, Tanh

SIZES = [(8, 8), (7, 9)]


def same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def plain(layer: nn.Module, x: Tensor) -> Tensor:
    """A layer as Keras defines it, on images that are not turned."""
    if isinstance(layer, SameConv):
        kernel, stride = layer.kernel_size[0], layer.stride[0]
        pads = (*same(x.shape[3], kernel, stride), *same(x.shape[2], kernel, stride))
        return F.conv2d(F.pad(x, pads), layer.weight, layer.bias, stride)
    if isinstance(layer, SameConvTranspose):
        kernel, stride = layer.kernel_size[0], layer.stride[0]
        before = (kernel - stride) // 2
        full = F.conv_transpose2d(x, layer.weight, layer.bias, stride)
        return full[:, :, before : before + x.shape[2] * stride, before : before + x.shape[3] * stride]
    return layer(x)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (2, 1), (2, 2), (4, 2), (5, 2), (5, 3), (1, 1), (4, 1)])
@pytest.mark.parametrize("kind", [SameConv, SameConvTranspose])
def test_a_turned_layer_is_the_plain_one(
    kind: type[SameConv] | type[SameConvTranspose], kernel: int, stride: int, size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    layer = kind(4, 5, kernel=kernel, stride=stride)
    nn.init.normal_(layer.bias)  # pyright: ignore
    x = torch.randn(2, 4, *size)
    torch.testing.assert_close(FlippedSequential(layer)(x), plain(layer, x), rtol=1e-5, atol=1e-5)


def test_the_whole_network_takes_the_same_step_as_the_plain_one() -> None:
    """Outputs and gradients of the post's layers, in fp32 on one batch, within 1e-5."""
    torch.manual_seed(0)
    network = Conv((3, 16, 16), filters=[8, 12, 12, 8], strides=[1, 2, 2, 1])
    network.to(memory_format=torch.channels_last)  # pyright: ignore
    x = torch.rand(6, 3, 16, 16) * 2 - 1

    def step(fast: bool) -> tuple[Tensor, list[Tensor]]:
        network.zero_grad()
        y = x.contiguous(memory_format=torch.channels_last) if fast else x
        if fast:
            y = network(y)
        else:
            for layer in (*network.encoder, *network.decoder):
                y = plain(layer, y)
        (y - x).square().mean().backward()
        return y.detach(), [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]

    (fast, fast_gradients), (slow, slow_gradients) = step(True), step(False)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-5)
    assert len(fast_gradients) == len(slow_gradients) == len(list(network.parameters()))
    for ours, theirs in zip(fast_gradients, slow_gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_pixels_keep_float32_under_mixed_precision() -> None:
    """Near 1, where bfloat16 has steps of a 128th, white is not some other grey."""
    x = torch.tensor([2.0, 2.5, 3.0], dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        y = Tanh()(x)
    torch.testing.assert_close(y, torch.tanh(x.float()), rtol=0, atol=0)
    assert Tanh()(x.double()).dtype == torch.float64


def test_the_gradient_of_the_squared_error_lies_as_the_images_do() -> None:
    """Otherwise all of the backward pass is on the other layout, or copies."""
    x, x_hat = (torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last) for _ in range(2))
    x_hat.requires_grad_()
    (gradient,) = torch.autograd.grad(Mse()(x_hat, x).sum(), x_hat)
    assert gradient.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(gradient, 2 * (x_hat.detach() - x))
