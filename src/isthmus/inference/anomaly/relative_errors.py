"""The error of a reconstruction beside how rough the picture is.

A smooth picture is easy to rebuild, also one of a kind that was never seen, and a rough one is hard. So the error alone
finds rough pictures rather than unusual ones. The likelihood of generative models has the same fault, and is mended the
same way, by what a picture's complexity leads one to expect: Serrà et al. 2020, arXiv:1909.11480.
"""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.core.pixels import levels
from isthmus.evaluation.measures.mse import Mse

_FLOOR = 255.0**-2  # smaller differences than one of 255 levels are no detail; a flat picture has none at all


def relative_errors(output: Tensor, original: Tensor) -> Tensor:
    """uint8 or uint16 (B, C, H, W) -> (B,) float64 on the CPU: the mean squared error over the picture's roughness.

    Roughness is the mean squared difference of pixels that are neighbours, in both directions, pixels in [0, 1].
    """
    pixels = original.float() / levels(original.dtype)
    steps = [pixels.diff(dim=side).square().flatten(1).mean(1) for side in (2, 3) if pixels.shape[side] > 1]
    roughness = torch.stack(steps).sum(0).cpu().double()
    return Mse()(output, original).cpu().double() / (roughness + _FLOOR)
