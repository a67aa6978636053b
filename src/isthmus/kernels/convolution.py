"""Description of a convolution, and its computation by PyTorch: the reference for the compiled kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Convolution:
    """A convolution's settings, the same for height and width, without groups or dilation.

    before: zeros above and to the left; after: zeros below and to the right; if transposed, both are cropped instead.
    turned: the kernel is turned by 180 degrees.
    """

    stride: int
    before: int
    after: int
    turned: bool = False
    transposed: bool = False

    def __call__(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """x (B, C, H, W), weight in the layout of PyTorch's convolutions, bias (C',) or None -> (B, C', H', W')."""
        how, weight = self.direct(weight)
        return how._transpose(x, weight, bias) if how.transposed else how._convolve(x, weight, bias)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        kernel, before, after = weight.shape[2], self.before, self.after
        # Padding as much after as before is free if the stride steps over the extra zeros; otherwise copy the images.
        if self.size(x.shape[2:], kernel) != [(side + 2 * before - kernel) // self.stride + 1 for side in x.shape[2:]]:
            x, before = F.pad(x, (before, after, before, after)), 0
        return F.conv2d(x, self.used(weight), bias, self.stride, before)

    def _transpose(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        before, after = self.before, self.after
        given = (before, before - after) if 0 <= before - after < self.stride else (0, 0)
        # the bias is added separately: with a bias, oneDNN is up to four times slower at some sizes
        y = F.conv_transpose2d(x, self.used(weight), None, self.stride, *given)
        if given == (0, 0):
            y = F.pad(y, (-before, -after, -before, -after))
        return y if bias is None else y + bias.to(y.dtype).view(-1, 1, 1)

    def direct(self, weight: Tensor) -> tuple[Convolution, Tensor]:
        """An equal convolution that is not transposed, and its kernel; needs stride 1. A fifth faster in oneDNN."""
        if not self.transposed or self.stride > 1:
            return self, weight
        rest = weight.shape[2] - 1
        return Convolution(1, rest - self.before, rest - self.after, turned=not self.turned), weight.transpose(0, 1)

    def cast(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """The convolution, computed in the precision of x."""
        return self(x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype))

    def used(self, weight: Tensor) -> Tensor:
        """The kernel in the form that PyTorch's operation uses: turned if `turned`."""
        return weight.flip(2, 3) if self.turned else weight

    def size(self, sides: Sequence[int], kernel: int) -> list[int]:
        """Height and width of the output for images with these `sides` (H, W)."""
        margin = self.before + self.after - kernel
        if self.transposed:
            return [(side - 1) * self.stride - margin for side in sides]
        return [(side + margin) // self.stride + 1 for side in sides]

    def filters(self, weight: Tensor) -> int:
        """C', the number of output channels."""
        return weight.shape[1 if self.transposed else 0]
