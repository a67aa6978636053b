"""No corruption: the encoder sees the image itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Nothing(nn.Module):
    """The image as it is."""

    at_inference = False

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        super().__init__()

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return x
