"""Gaussian noise, drawn again at every step."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from isthmus.core.share import drawn
from isthmus.models.interfaces import Corruption
from isthmus.models.whole_batch import drawn_like


class GaussianNoise(Corruption):
    """Fresh Gaussian noise on every image at every training step; none at inference.

    x (B, C, H, W) -> x_in of the same shape, pixels on the [-1, 1] scale.

    Options:
        std: standard deviation of the noise on the [-1, 1] scale: 0.1 is a twentieth of the way from black to white.
        least_std: if set, each image has a standard deviation of its own, even between this and `std`: a model that is
            to denoise must know more than one strength (Zhang et al., arXiv:1608.03981, section III.D).
        clip: cut off what is beyond black and white, as every file does. Without it, a model does not learn that noise
            makes black brighter and white darker.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        std: Annotated[float, Field(gt=0)] = 0.1,
        least_std: Annotated[float, Field(ge=0)] | None = None,
        clip: bool = False,
    ) -> None:
        super().__init__()
        if least_std is not None and least_std >= std:
            raise ValueError(f"least_std {least_std} is not below std {std}; set a lower one, or leave it out")
        self.std, self.least_std, self.clip = std, least_std, clip
        self.noise_range = (std if least_std is None else least_std, std)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        least = self.least_std
        if least is None:
            x_in = x + drawn_like(x, lambda noise: noise.normal_(std=self.std, generator=generator))
        else:
            strength = drawn(
                lambda shape: x.new_empty(shape).uniform_(least, self.std, generator=generator),
                (len(x), 1, 1, 1),
            )
            x_in = x + strength * drawn_like(x, lambda noise: noise.normal_(generator=generator))
        return x_in.clamp(-1, 1) if self.clip else x_in
