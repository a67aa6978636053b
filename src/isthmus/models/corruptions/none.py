"""No corruption: the encoder sees the image itself."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.models.interfaces import Corruption


class Nothing(Corruption):
    """The image as it is."""

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        super().__init__()

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return x
