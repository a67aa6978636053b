"""What every measure requires of its two batches of images, and their squared error."""

from __future__ import annotations

import torch
from torch import Tensor


def check_pair(measure: str, output: Tensor, original: Tensor) -> None:
    """Check that both are (B, C, H, W), of the same shape, and uint8 or uint16 alike.

    Raises: TypeError for pixels of another type, ValueError for shapes that do not match.
    """
    if output.dtype != original.dtype or output.dtype not in (torch.uint8, torch.uint16):
        raise TypeError(f"{measure} compares uint8 or uint16 pixels, not {output.dtype} with {original.dtype}")
    if output.shape != original.shape or output.ndim != 4:
        raise ValueError(f"{measure} compares (B, C, H, W), not {(*output.shape,)} with {(*original.shape,)}")


def squared_error(output: Tensor, original: Tensor) -> Tensor:
    """The sum over an image's squared differences, in levels: two (B, C, H, W) -> (B,) int64, exact."""
    # Integers, because 3 - 5 would wrap round to 254 in uint8. The square of 65,535 needs 64 bits.
    wide = torch.int32 if output.dtype == torch.uint8 else torch.int64
    return (output.to(wide) - original.to(wide)).square().sum(dim=(1, 2, 3), dtype=torch.int64)
