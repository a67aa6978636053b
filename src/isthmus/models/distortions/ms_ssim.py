"""Structural similarity at several scales, mixed with absolute error."""

from __future__ import annotations

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from isthmus.core.errors import InputError
from isthmus.models.interfaces import Distortion
from isthmus.models.structural_similarity import WINDOW, similarity

# weights of the scales from fine to coarse, which the paper derived from its observers' judgements
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_LEAST = 1e-4  # lower bound of a scale's similarity: a negative number has no real power


class MsSsim(Distortion):
    """How far multi-scale structural similarity is from 1, per pixel value, plus absolute error.

    x_hat, x (B, C, H, W) -> (B,), as in the distortion `ssim`. Each scale halves the one before; an odd last row or
    column is left out. The scales used are those at least 11 pixels high and wide (two at 32 pixels); their weights are
    divided by their sum.
    "Multiscale structural similarity" (Wang, Simoncelli and Bovik 2003, doi:10.1109/ACSSC.2003.1292216, equation 7).

    Options:
        mix: weight of the similarity; the absolute error has weight 1 - mix.
    Raises InputError for images smaller than its window of 11 pixels.
    """

    def __init__(self, *, mix: Annotated[float, Field(gt=0, le=1)] = 0.84) -> None:
        super().__init__()
        self.mix = mix

    def forward(self, x_hat: Tensor, x: Tensor) -> Tensor:
        side = min(x.shape[2:])
        if side < WINDOW:
            raise InputError(f"distortion.kind: SSIM needs images of {WINDOW} pixels or more; use distortion.kind=l1")
        scales = min(len(_WEIGHTS), int(math.log2(side / WINDOW)) + 1)
        ours, true = (x_hat + 1) / 2, (x + 1) / 2
        logarithm = torch.zeros(len(x), device=x.device)
        for scale, weight in enumerate(_WEIGHTS[:scales]):
            whole, structure = similarity(ours, true)
            last = scale == scales - 1
            logarithm = logarithm + weight * (whole if last else structure).clamp(min=_LEAST).log()
            if not last:
                ours, true = F.avg_pool2d(ours, 2), F.avg_pool2d(true, 2)
        found = (logarithm / sum(_WEIGHTS[:scales])).exp()
        absolute = (x_hat - x).abs().flatten(1).sum(1)
        return self.mix * math.prod(x.shape[1:]) * (1 - found) + (1 - self.mix) * absolute
