"""Shared blocks. Padding, batch norm and initial weights are Keras's, so that the post can be run to the letter."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.kernels import convolution, winograd
from isthmus.kernels.convolution import Convolution


class SameConv(nn.Conv2d):
    """Convolution with Keras's `padding='same'`: (B, C, H, W) -> (B, C', ceil(H / stride), ceil(W / stride)).

    For turned images, see `isthmus.blocks`: the odd row and column of padding go above and to the left.
    `compiled`: in training it is our own code's where that can take it.
    """

    compiled = False

    def __init__(self, channels: int, filters: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(channels, filters, kernel, stride)
        _glorot(self)

    def forward(self, input: Tensor) -> Tensor:
        return convolve(*self.prepare(input), self.bias, compiled=self.compiled)

    def prepare(self, input: Tensor) -> tuple[Convolution, Tensor, Tensor]:
        """How the layer convolves, what, and with what kernel."""
        below, above = _same(input.shape[2], self.kernel_size[0], self.stride[0])
        right, left = _same(input.shape[3], self.kernel_size[1], self.stride[1])
        pads = left, right, above, below
        return *_padded(input, self.kernel_size[0], self.stride[0], pads, turned=True), self.weight


class SameConvTranspose(nn.ConvTranspose2d):
    """Transposed convolution with Keras's `padding='same'`: (B, C, H, W) -> (B, C', H * stride, W * stride).

    For turned images, see `isthmus.blocks`: the odd row and column are cropped above and to the left.
    `compiled`: as `SameConv` has it.
    """

    compiled = False

    def __init__(self, channels: int, filters: int, *, kernel: int = 3, stride: int = 1) -> None:
        if kernel < stride:
            raise ValueError(f"kernel {kernel} is smaller than stride {stride}: pixels between would stay empty")
        super().__init__(channels, filters, kernel, stride)
        _glorot(self)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        assert output_size is None
        return convolve(*self.prepare(input), self.bias, compiled=self.compiled)

    def prepare(self, input: Tensor) -> tuple[Convolution, Tensor, Tensor]:
        """How the layer convolves, what, and with what kernel."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        after = (kernel - stride) // 2
        before = kernel - stride - after
        if stride == 1:  # a convolution with the turned kernel, here turned back: a fifth faster
            pads = kernel - 1 - before, kernel - 1 - after
            return *_padded(input, kernel, 1, (*pads, *pads), turned=False), self.weight.transpose(0, 1)
        how = Convolution(stride, before, turned=True, transposed=True, output_padding=before - after)
        return how, input, self.weight


class Conv(nn.Conv2d):
    """Convolution that keeps height and width, (B, C, H, W) -> (B, C', H, W), with PyTorch's initial weights.

    `compiled`: as `SameConv` has it.
    """

    compiled = False

    def __init__(self, channels: int, filters: int, *, bias: bool = True) -> None:
        super().__init__(channels, filters, 3, padding=1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        return convolve(Convolution(1, 1), input, self.weight, self.bias, compiled=self.compiled)


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


def convolve(how: Convolution, x: Tensor, weight: Tensor, bias: Tensor | None, *, compiled: bool) -> Tensor:
    """how(x, weight, bias); `compiled`: by our own kernels where they can take it."""
    if compiled and convolution.takes(x, weight, how):
        return convolution.convolve(x, weight, bias, how)
    if compiled and winograd.takes(x, weight, how):
        return winograd.convolve(x, weight, bias, how)
    return how(x, weight, bias)


def _padded(
    input: Tensor, kernel: int, stride: int, pads: tuple[int, int, int, int], *, turned: bool
) -> tuple[Convolution, Tensor]:
    """How to convolve after padding by (left, right, above, below), and what: without a copy where that can be."""
    left, right, above, below = pads
    height, width = input.shape[2:]
    # as much below as above changes nothing where the stride steps over it
    reach = [(size + 2 * before - kernel) // stride for size, before in ((height, above), (width, left))]
    wanted = [
        (size + before + after - kernel) // stride
        for size, before, after in ((height, above, below), (width, left, right))
    ]
    if above == left and reach == wanted:
        return Convolution(stride, above, turned), input
    return Convolution(stride, 0, turned), F.pad(input, pads)


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _glorot(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear) -> None:
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
