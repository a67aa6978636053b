"""The post's noise: drawn once, added to every image, at inference too."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from isthmus.models.interfaces import Corruption
from isthmus.models.seeding import generator


class FrozenNoise(Corruption):
    """One fixed noise image added to every image, in training and at inference: a constant offset, not noise.

    x (B, C, H, W) -> x_in of the same shape. It exists to reproduce a common mistake: noise drawn once while
    the graph is built, as in `x + 0.1 * np.random.randn(32, 32, 3)`.

    Options:
        std: standard deviation of the fixed image on the [-1, 1] scale.
        seed: which fixed image.
    """

    at_inference = True
    inference_warning = (
        "Its noise is frozen: one fixed image is added to every picture, at inference too, so the network "
        "never trained on noise."
    )

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        std: Annotated[float, Field(gt=0)] = 0.1,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        super().__init__()
        drawn = torch.randn(image_shape, generator=generator("frozen noise", seed))
        self.register_buffer("noise", std * drawn)
        self.noise: Tensor

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return x + self.noise
