"""The widest floating point numbers that a device has: MPS has no float64."""

from __future__ import annotations

import torch
from torch import Tensor


def widest_dtype(device: torch.device) -> torch.dtype:
    """float64, where the device has it; on MPS float32, in which sums over many images lose digits."""
    return torch.float32 if device.type == "mps" else torch.float64


def widest(x: Tensor) -> Tensor:
    """x in the widest numbers that its device has."""
    return x.to(widest_dtype(x.device))
