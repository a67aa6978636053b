"""Sequences of Keras's layers, run the fast way.

x --turn--> [convolution -> batch norm -> leaky ReLU] ... --turn--> y
"""

from __future__ import annotations

from torch import Tensor, nn

from isthmus.kernels import convolution
from isthmus.kernels.norm_leaky import convolve_norm_leaky, norm_leaky, takes
from isthmus.layers import BatchNorm, SameConv, SameConvTranspose, convolve


class Turned(nn.Sequential):
    """Layers that see their images turned by 180 degrees, and whose outputs are turned back.

    Where Keras's padding is odd it goes below and to the right, which oneDNN and cuDNN do only by way of a copy of
    the image; above and to the left they do it themselves. So layers in here hold Keras's kernels and apply them
    turned: the same function, and training on two CPU cores is a tenth faster (records/2026-11-22-engine.md).

    `compiled`: in training, a batch norm and its leaky ReLU are one operation of ours where its kernels can take them,
    and in bf16 the convolution before them too (records/2026-11-26-kernels.md, records/2026-11-26-tile-convolution.md).
    """

    compiled = False

    def forward(self, input: Tensor) -> Tensor:
        x, rest = input.flip(2, 3), list(self)
        while rest:
            match rest:
                case [
                    SameConv() | SameConvTranspose() as layer,
                    BatchNorm() as norm,
                    nn.LeakyReLU() as relu,
                    *after,
                ] if self.compiled and self.training and takes(x, norm):
                    x, rest = _fused(x, layer, norm, relu), after
                case _:
                    x, rest = rest[0](x), rest[1:]
        return x.flip(2, 3)


def _fused(x: Tensor, layer: SameConv | SameConvTranspose, norm: BatchNorm, relu: nn.LeakyReLU) -> Tensor:
    """The convolution without its bias, which batch norm takes away again: it moves the running mean alone."""
    assert layer.bias is not None
    how, x, weight = layer.prepare(x)
    if layer.compiled and convolution.takes(x, weight, how):
        return convolve_norm_leaky(x, weight, layer.bias, how, norm, relu.negative_slope)
    return norm_leaky(convolve(how, x, weight, None, compiled=layer.compiled), layer.bias, norm, relu.negative_slope)
