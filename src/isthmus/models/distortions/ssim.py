"""Structural similarity, mixed with absolute error."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field
from torch import Tensor

from isthmus.core.errors import InputError
from isthmus.models.interfaces import Distortion
from isthmus.models.structural_similarity import WINDOW, similarity


class Ssim(Distortion):
    """How far structural similarity is from 1, per pixel value, plus absolute error.

    x_hat, x (B, C, H, W) -> (B,) = mix * C * H * W * (1 - SSIM) + (1 - mix) * absolute error on the [-1, 1] scale,
    summed. SSIM is the evaluator's, before rounding. SSIM alone lets colours drift, so absolute error is added:
    "Loss Functions for Image Restoration with Neural Networks" (Zhao et al., arXiv:1511.08861,
    section III-D).

    Options:
        mix: weight of the similarity; the absolute error has weight 1 - mix.
    Raises InputError for images smaller than its window of 11 pixels.
    """

    def __init__(self, *, mix: Annotated[float, Field(gt=0, le=1)] = 0.84) -> None:
        super().__init__()
        self.mix = mix

    def forward(self, x_hat: Tensor, x: Tensor) -> Tensor:
        if min(x.shape[2:]) < WINDOW:
            raise InputError(f"distortion.kind: SSIM needs images of {WINDOW} pixels or more; use distortion.kind=l1")
        found, _ = similarity((x_hat + 1) / 2, (x + 1) / 2)
        absolute = (x_hat - x).abs().flatten(1).sum(1)
        return self.mix * math.prod(x.shape[1:]) * (1 - found) + (1 - self.mix) * absolute
