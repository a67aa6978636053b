"""Shared layers, with the padding, batch norm and initial weights of Keras, to reproduce the post exactly."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.core.share import held
from isthmus.kernels import ops
from isthmus.kernels.ops import CallsKernels, Convolution

_MANY = 1 << 15  # inputs of a dense layer


class SameConv(nn.Conv2d, CallsKernels):
    """Convolution with Keras's `padding='same'`: (B, C, H, W) -> (B, C', ceil(H / stride), ceil(W / stride)).

    An odd row or column of padding goes below and to the right. `turned`: for images turned by 180 degrees (see
    `isthmus.models.blocks`); the kernel is turned too, and the odd padding goes above and to the left.
    """

    operation = "convolve"

    def __init__(self, channels: int, filters: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(channels, filters, kernel, stride)
        _glorot(self)

    def forward(self, input: Tensor, *, turned: bool = True) -> Tensor:
        pad, how = self.way(input.shape[2:], turned=turned)
        return ops.convolve(how, F.pad(input, pad) if any(pad) else input, self.weight, self.bias)

    def way(self, sides: Sequence[int], *, turned: bool) -> tuple[tuple[int, int, int, int], Convolution]:
        """How images with these `sides` (H, W) are convolved, and the zeros to add first: left, right, above, below."""
        above, left = (self._way(side, turned=turned) for side in sides)
        if above == left:
            return (0, 0, 0, 0), above
        return (left.before, left.after, above.before, above.after), Convolution(above.stride, 0, 0, turned)

    def _way(self, side: int, *, turned: bool) -> Convolution:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        small, large = total // 2, total - total // 2
        return Convolution(stride, *((large, small) if turned else (small, large)), turned)


class SameConvTranspose(nn.ConvTranspose2d, CallsKernels):
    """Transposed convolution with Keras's `padding='same'`: (B, C, H, W) -> (B, C', H * stride, W * stride).

    An odd row or column is cropped below and to the right. `turned`: for images turned by 180 degrees (see
    `isthmus.models.blocks`); the kernel is turned too, and the crop is above and to the left.
    """

    operation = "convolve"

    def __init__(self, channels: int, filters: int, *, kernel: int = 3, stride: int = 1) -> None:
        if kernel < stride:
            raise ValueError(
                f"kernel {kernel} is smaller than stride {stride}, so that pixels between would stay empty; choose a "
                "larger kernel or a smaller stride"
            )
        super().__init__(channels, filters, kernel, stride)
        _glorot(self)

    def forward(self, input: Tensor, output_size: list[int] | None = None, *, turned: bool = True) -> Tensor:
        assert output_size is None
        _, how = self.way(input.shape[2:], turned=turned)
        return ops.convolve(how, input, self.weight, self.bias)

    def way(self, sides: Sequence[int], *, turned: bool) -> tuple[tuple[int, int, int, int], Convolution]:
        """As in `SameConv`; separate padding is never needed, whatever the images' height and width."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        small = (kernel - stride) // 2
        large = kernel - stride - small
        pads = (large, small) if turned else (small, large)
        return (0, 0, 0, 0), Convolution(stride, *pads, turned, transposed=True)


class PlainConv(nn.Conv2d, CallsKernels):
    """Convolution that keeps height and width, (B, C, H, W) -> (B, C', H, W), with PyTorch's initial weights."""

    operation = "convolve"

    def __init__(self, channels: int, filters: int, *, bias: bool = True) -> None:
        super().__init__(channels, filters, 3, padding=1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        return ops.convolve(Convolution(1, 1, 1), input, self.weight, self.bias)


class BatchNorm(nn.BatchNorm2d):
    """Batch norm whose running variance is the biased one, as in Keras 3; PyTorch's is the unbiased one."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        if held() is not None:
            return ops.whole_norm(input, self)
        # Momentum 1 leaves the batch's own mean and unbiased variance in new tensors. Correcting the running
        # variance after PyTorch's update instead would change in place what the backward pass has saved.
        mean, variance = torch.zeros_like(self.running_mean), torch.zeros_like(self.running_var)
        output = F.batch_norm(input, mean, variance, self.weight, self.bias, True, 1.0, self.eps)
        count = input.numel() // input.shape[1]
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * ((count - 1) / count), self.momentum)
        return output


class Dense(nn.Linear):
    """Fully connected, (B, inputs) -> (B, outputs), with Keras's initial weights."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        _glorot(self)

    def forward(self, input: Tensor) -> Tensor:
        return linear(self, input)


def linear(layer: nn.Linear, x: Tensor) -> Tensor:
    """layer(x), (B, inputs) -> (B, outputs); with very many inputs in full precision on the CPU.

    In bfloat16, oneDNN 3.12 (PyTorch 2.13) ends the process by SIGFPE where up to 32 rows have 1,572,864 numbers
    together, as 32 RGB images of 128x128 pixels have (records/2026-11-29-large-pictures.md).
    """
    if layer.in_features < _MANY or x.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return F.linear(x, layer.weight, layer.bias)
    with torch.autocast("cpu", enabled=False):
        return F.linear(x.float(), layer.weight, layer.bias)


def start_at_zero(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear) -> None:
    """Make a layer output zero until training changes its weights."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _glorot(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear) -> None:
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class Tanh(nn.Module):
    """Pixels in [-1, 1], at least float32 even under mixed precision: near 1, 8 bits are finer than bfloat16.

    For bfloat16 inputs it takes a third of the time of torch's tanh, which also rounds to bfloat16.
    """

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x if x.dtype == torch.float64 else x.float())
