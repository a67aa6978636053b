"""Shared blocks. Padding, batch norm and initial weights are Keras's, so that the post can be run to the letter."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SameConv(nn.Conv2d):
    """Convolution with Keras's `padding='same'`: (B, C, H, W) -> (B, C', ceil(H / stride), ceil(W / stride)).

    Where the padding is odd the extra row and column go below and to the right, unlike `padding=1`.
    """

    def __init__(self, channels: int, filters: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(channels, filters, kernel, stride)
        _glorot(self)

    def forward(self, input: Tensor) -> Tensor:
        top, bottom = _same(input.shape[2], self.kernel_size[0], self.stride[0])
        left, right = _same(input.shape[3], self.kernel_size[1], self.stride[1])
        if top == bottom and left == right:
            return F.conv2d(input, self.weight, self.bias, self.stride, (top, left))
        padded = F.pad(input, (left, right, top, bottom))
        return F.conv2d(padded, self.weight, self.bias, self.stride)


class SameConvTranspose(nn.ConvTranspose2d):
    """Transposed convolution with Keras's `padding='same'`: (B, C, H, W) -> (B, C', H * stride, W * stride)."""

    def __init__(self, channels: int, filters: int, *, kernel: int = 3, stride: int = 1) -> None:
        if kernel < stride:
            raise ValueError(f"kernel {kernel} is smaller than stride {stride}: pixels between would stay empty")
        super().__init__(channels, filters, kernel, stride)
        _glorot(self)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        assert output_size is None
        crop = self.kernel_size[0] - self.stride[0]
        before, after = crop // 2, crop - crop // 2
        if before == after:
            return F.conv_transpose2d(input, self.weight, self.bias, self.stride, before)
        # The bias goes on after the crop: oneDNN is four times slower with a bias on an odd size, and batch norm
        # ten times slower on a cropped view than on the fresh tensor the sum makes.
        assert self.bias is not None
        full = F.conv_transpose2d(input, self.weight, None, self.stride, before)
        return full[..., : before - after, : before - after] + self.bias.to(full.dtype).view(-1, 1, 1)


class BatchNorm(nn.BatchNorm2d):
    """Batch norm whose running variance is the biased one, as in Keras 3; PyTorch's is the unbiased one."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        # Momentum 1 leaves the batch's own mean and unbiased variance in fresh tensors. Mending the running
        # variance after PyTorch's update instead would change in place what the backward pass has saved.
        mean, variance = torch.zeros_like(self.running_mean), torch.zeros_like(self.running_var)
        output = F.batch_norm(input, mean, variance, self.weight, self.bias, True, 1.0, self.eps)
        count = input.numel() // input.shape[1]
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * ((count - 1) / count), self.momentum)
        return output


def dense(inputs: int, outputs: int) -> nn.Linear:
    """A fully connected layer, (B, inputs) -> (B, outputs), with Keras's initial weights."""
    layer = nn.Linear(inputs, outputs)
    _glorot(layer)
    return layer


def start_at_zero(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear) -> None:
    """Make a layer answer zero until training moves it."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _glorot(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear) -> None:
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
