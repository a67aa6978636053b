"""What every measure requires of its two batches of images."""

from __future__ import annotations

import torch
from torch import Tensor


def check_pair(measure: str, output: Tensor, original: Tensor) -> None:
    """Check that both are uint8 (B, 3, H, W) and have the same shape.

    Raises: TypeError for pixels that are not uint8, ValueError for shapes that do not match.
    """
    if output.dtype != torch.uint8 or original.dtype != torch.uint8:
        raise TypeError(f"{measure} compares uint8 pixels, not {output.dtype} with {original.dtype}")
    if output.shape != original.shape or output.ndim != 4 or output.shape[1] != 3:
        raise ValueError(f"{measure} compares (B, 3, H, W), not {(*output.shape,)} with {(*original.shape,)}")
