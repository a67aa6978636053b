"""Sequences of Keras's layers, run the fast way.

x --turn--> [convolution -> batch norm -> leaky ReLU] ... --turn--> y
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from isthmus.kernels import convolution
from isthmus.kernels.convolve_norm_leaky import Stage, convolve_norm_leaky
from isthmus.kernels.norm_leaky import norm_leaky, takes
from isthmus.models.layers import BatchNorm, SameConv, SameConvTranspose


class FlippedSequential(nn.Sequential):
    """Layers that see their images turned by 180 degrees, and whose outputs are turned back.

    Where Keras's padding is odd it goes below and to the right, which oneDNN and cuDNN do only by way of a copy of
    the image; above and to the left they do it themselves. So layers in here hold Keras's kernels and apply them
    turned: the same function, and training on two CPU cores is a tenth faster (records/2026-11-22-engine.md).

    `compiled`: in training, a batch norm and its leaky ReLU are one operation of ours where its kernels can take them,
    and with convolutions of ours all of a sequence is (records/2026-11-26-kernels.md,
    records/2026-11-26-tile-convolution.md). Those need no turning.
    """

    compiled = False

    def forward(self, input: Tensor) -> Tensor:
        turned = not (self.compiled and self.training and convolution.possible(input))
        x, rest = input.flip(2, 3) if turned else input, list(self)
        while rest:
            stages = self._stages(x, rest, turned=turned)
            if stages:
                x, rest = convolve_norm_leaky(x, stages), rest[3 * len(stages) :]
                continue
            match rest:
                case [
                    SameConv() | SameConvTranspose() as layer,
                    BatchNorm() as norm,
                    nn.LeakyReLU() as relu,
                    *after,
                ] if self._fuses(x, norm):
                    assert layer.bias is not None
                    x, rest = layer(x, turned=turned, biased=False), after
                    x = norm_leaky(x, layer.bias, norm, relu.negative_slope)
                case [SameConv() | SameConvTranspose() as layer, *after]:
                    x, rest = layer(x, turned=turned), after
                case _:
                    x, rest = rest[0](x), rest[1:]
        return x.flip(2, 3) if turned else x

    def _stages(self, x: Tensor, layers: Sequence[nn.Module], *, turned: bool) -> list[Stage]:
        """The first of `layers` as far as one operation takes them."""
        sides, found = x.shape[2:], list[Stage]()
        while True:
            match layers[3 * len(found) :]:
                case [SameConv() | SameConvTranspose() as layer, BatchNorm() as norm, nn.LeakyReLU() as relu, *_] if (
                    layer.compiled and self._fuses(x, norm)
                ):
                    how = layer.way(sides, turned=turned)
                    if how is None or not convolution.takes(x, layer.weight, how):
                        return found
                    assert layer.bias is not None
                    found.append(Stage(how, layer.weight, layer.bias, norm, relu.negative_slope))
                    sides = how.size(sides, layer.kernel_size[0])
                case _:
                    return found

    def _fuses(self, x: Tensor, norm: BatchNorm) -> bool:
        return self.compiled and self.training and takes(x, norm)
