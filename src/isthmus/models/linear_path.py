"""The linear path: x -> z and z -> x beside the network, so that training starts at the best linear autoencoder."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from isthmus.models.layers import linear
from isthmus.models.padding import padded

if TYPE_CHECKING:
    from isthmus.evaluation.baselines.pca import PrincipalComponents

_LEAST_SPREAD = 1e-4  # lower bound of a latent's standard deviation, [-1, 1] scale: whitening divides by it


class LinearPath(nn.Module):
    """A linear encoder and a linear decoder over all pixels.

    encode: x (B, C, H, W) in [-1, 1] -> (B, size); decode: z (B, size) -> (B, C, H, W). After `start_at` the
    two are PCA with every latent scaled to unit variance over the training images. Optimizers, priors and sliders
    expect one scale for all latents, and the output is still that of PCA.

    square: as in `Architecture`, for `show_in`.
    """

    def __init__(self, image_shape: tuple[int, int, int], size: int, *, square: int = 0) -> None:
        super().__init__()
        self.image_shape, self.square = image_shape, square
        values = math.prod(image_shape)
        self.analysis = nn.Linear(values, size)
        self.synthesis = nn.Linear(size, values)

    def encode(self, x: Tensor) -> Tensor:
        return linear(self.analysis, x.flatten(1))

    def decode(self, z: Tensor) -> Tensor:
        return self.synthesis(z.flatten(1)).unflatten(1, self.image_shape)

    @torch.no_grad()
    def start_at(self, components: PrincipalComponents) -> None:
        """Copy PCA's directions; if the images vary in fewer than `size`, the remaining latents do nothing."""
        held = min(self.analysis.out_features, len(components.directions))
        directions = torch.from_numpy(components.directions[:held]).double()
        # components are for pixels in [0, 1]; the scale here, [-1, 1], is twice as wide and centred at zero
        mean = torch.from_numpy(components.mean).double() * 2 - 1
        spread = torch.from_numpy(components.variances[:held]).double().sqrt().mul(2).clamp(min=_LEAST_SPREAD)
        whiten = directions / spread[:, None]
        for parameter in self.parameters():
            parameter.zero_()
        self.analysis.weight[:held] = whiten.to(self.analysis.weight)
        self.analysis.bias[:held] = -(whiten @ mean).to(self.analysis.bias)
        self.synthesis.weight[:, :held] = (directions * spread[:, None]).T.to(self.synthesis.weight)
        self.synthesis.bias.copy_(mean)

    @torch.no_grad()
    def show_in(self, features: nn.Linear, feature_shape: tuple[int, int, int]) -> None:
        """Make the dense layer z -> features, flattened in (height, width, channel) order, start as this path's image.

        The image is folded into the first channels, a square of pixels per position, as finely as the channels
        allow, so the decoder has from the start the image to add to. From random features it would first have to learn
        PCA's directions again, and at 512 numbers it does not succeed (records/2026-11-28-post-512.md). The image is
        padded as architectures pad it. If positions stand for no squares, or there are fewer channels than colours,
        nothing changes.
        """
        channels, height, width = feature_shape
        colours, *sides = self.image_shape
        side = self.square
        if not side or channels < colours:
            return
        fine = max(n for n in range(1, side + 1) if side % n == 0 and colours * n * n <= channels)
        for there, here in ((features.weight, self.synthesis.weight), (features.bias, self.synthesis.bias)):
            image = padded(here.reshape(colours, *sides, -1).permute(3, 0, 1, 2), side).permute(1, 2, 3, 0)
            image = image.reshape(colours, height, fine, side // fine, width, fine, side // fine, -1).mean(dim=(3, 6))
            folded = image.permute(1, 3, 0, 2, 4, 5).flatten(2, 4)
            there.view(height, width, channels, -1)[:, :, : folded.shape[2]] = folded
