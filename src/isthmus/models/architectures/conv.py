"""The plain convolutional autoencoder: 3x3 convolution, batch norm, leaky ReLU, and its mirror."""

from __future__ import annotations

import math
from typing import Annotated, cast

from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from isthmus.core.errors import InputError
from isthmus.models.blocks import FlippedSequential
from isthmus.models.interfaces import Architecture
from isthmus.models.layers import BatchNorm, SameConv, SameConvTranspose, Tanh, start_at_zero
from isthmus.models.padding import grid

Positive = Annotated[int, Field(ge=1)]


class Conv(Architecture):
    """Convolutions down to a feature map, and transposed convolutions in reverse order back up.

    encoder: x (B, C, H, W) -> h (B, *feature_shape); decoder: h -> x_hat (B, C, H, W), tanh, in [-1, 1].
    Each layer is convolution, batch norm, leaky ReLU; the last is a transposed convolution with tanh. If the strides do
    not divide the image, the encoder repeats its border first, and the decoder crops its output.

    Options:
        filters, strides: one entry per layer, starting at the image.
        kernel: side of every filter, pixels.
        slope: of the leaky ReLU below zero (Keras's default 0.3).
        norm_momentum: weight of the newest batch in the running statistics (Keras's 0.99 is 0.01 here).
        norm_epsilon: added to the variance.
        spectral: divide each of the decoder's kernels by its largest singular value and use no batch norm there, so
            that no layer enlarges differences ("From Variational to Deterministic Autoencoders", Ghosh et al.,
            arXiv:1903.12436, RAE-SN; Miyato et al., arXiv:1802.05957).
    Raises ValueError if the lists differ in length.
    """

    supports_linear_start = True

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        filters: list[Positive],
        strides: list[Positive],
        kernel: Annotated[int, Field(ge=1)] = 3,
        slope: Annotated[float, Field(ge=0, lt=1)] = 0.3,
        norm_momentum: Annotated[float, Field(gt=0, le=1)] = 0.01,
        norm_epsilon: Annotated[float, Field(gt=0)] = 1e-3,
        spectral: bool = False,
    ) -> None:
        super().__init__()
        channels, sides, shrink = image_shape[0], image_shape[1:], math.prod(strides)
        if len(filters) != len(strides) or not filters:
            raise ValueError(f"filters has {len(filters)} entries and strides {len(strides)}: give one each a layer")

        def block(layer: nn.Module, count: int) -> list[nn.Module]:
            return [layer, BatchNorm(count, eps=norm_epsilon, momentum=norm_momentum), nn.LeakyReLU(slope)]

        down: list[nn.Module] = []
        now = channels
        for count, stride in zip(filters, strides, strict=True):
            down += block(SameConv(now, count, kernel=kernel, stride=stride), count)
            now = count
        up: list[nn.Module] = []
        for count, stride in zip(reversed(filters), reversed(strides), strict=True):
            layer = SameConvTranspose(now, count, kernel=kernel, stride=stride)
            up += [spectral_norm(layer), nn.LeakyReLU(slope)] if spectral else block(layer, count)
            now = count
        last = SameConvTranspose(now, channels, kernel=kernel)
        up += [spectral_norm(last) if spectral else last, Tanh()]
        self.spectral = spectral
        self.encoder = FlippedSequential(*down, unit=shrink)
        self.decoder = FlippedSequential(*up, sides=sides)
        self.square = shrink
        self.feature_shape = (filters[-1], *grid(sides, shrink))

    def start_beside_linear(self) -> None:
        if self.spectral:
            raise InputError(
                "architecture.spectral: a kernel of zeros has no singular value to be divided by, so nothing can start "
                "at PCA beside it; set model.linear=none"
            )
        start_at_zero(cast(SameConvTranspose, cast(FlippedSequential, self.decoder)[-2]))

    def forward(self, x: Tensor) -> Tensor:
        """x -> x_hat without a bottleneck, (B, C, H, W) both."""
        return self.decoder(self.encoder(x))
