"""Sequences of layers with Keras's padding, run fast.

x --turn--> [convolution -> batch norm -> leaky ReLU] ... --turn--> y
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from isthmus.kernels import ops
from isthmus.kernels.ops import CallsKernels, Stage
from isthmus.models.layers import BatchNorm, SameConv, SameConvTranspose
from isthmus.models.padding import cropped, padded
from isthmus.models.recompute import recomputes, segment


class FlippedSequential(nn.Sequential, CallsKernels):
    """Layers that get their images turned by 180 degrees, and whose outputs are turned back.

    Keras puts an odd row or column of padding below and to the right. oneDNN and cuDNN need a copy of the image for
    that, but can pad above and to the left themselves. So these layers hold Keras's kernels and apply them turned:
    the same function, and training on two CPU cores is a tenth faster (records/2026-11-22-engine.md). Images whose
    padding costs nothing in training are not turned.

    unit: images are padded until it divides their sides; sides: height and width to which outputs are cropped.
    """

    operation = "convolve_norm_leaky"

    def __init__(self, *layers: nn.Module, unit: int = 1, sides: tuple[int, int] | None = None) -> None:
        super().__init__(*layers)
        self.unit, self.sides = unit, sides

    def forward(self, input: Tensor) -> Tensor:
        input = padded(input, self.unit)
        turned = not (self.training and ops.pads_freely(input))
        x, rest = input.flip(2, 3) if turned else input, list(self)
        while rest:
            if stages := _stages(x.shape[2:], rest, turned=turned):
                apart = segment if recomputes() else None
                x, rest = ops.convolve_norm_leaky(x, stages, apart), rest[3 * len(stages) :]
                continue
            layer, *rest = rest
            x = layer(x, turned=turned) if isinstance(layer, SameConv | SameConvTranspose) else layer(x)
        x = x.flip(2, 3) if turned else x
        return x if self.sides is None else cropped(x, self.sides)


def _stages(sides: Sequence[int], layers: Sequence[nn.Module], *, turned: bool) -> list[Stage]:
    """The leading `layers` that are convolution, batch norm and leaky ReLU, as stages; sides: the images' H and W."""
    found = list[Stage]()
    while True:
        match layers[3 * len(found) :]:
            case [SameConv() | SameConvTranspose() as layer, BatchNorm() as norm, nn.LeakyReLU() as relu, *_]:
                pad, how = layer.way(sides, turned=turned)
                left, right, above, below = pad
                assert layer.bias is not None
                found.append(Stage(how, layer.weight, layer.bias, norm, relu.negative_slope, pad))
                padded = (sides[0] + above + below, sides[1] + left + right)
                sides = how.size(padded, layer.kernel_size[0])
            case _:
                return found
