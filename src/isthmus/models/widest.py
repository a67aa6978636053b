"""The widest floating point type of a device: MPS has no float64."""

from __future__ import annotations

import torch
from torch import Tensor


def widest_dtype(device: torch.device) -> torch.dtype:
    """float64; on MPS float32, in which sums over many images lose digits."""
    return torch.float32 if device.type == "mps" else torch.float64


def widest(x: Tensor) -> Tensor:
    """x in the widest floating point type of its device."""
    return x.to(widest_dtype(x.device))
