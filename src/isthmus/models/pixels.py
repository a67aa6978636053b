"""Conversions of pixels: 8 or 16 bits, or real numbers, to and from the model's [-1, 1], and tensors to arrays."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from isthmus.core.errors import InputError
from isthmus.core.pixels import is_real, levels

PIXEL_TYPES = {8: torch.uint8, 16: torch.uint16, 32: torch.float32}
"""Type of pixels by their depth in bits."""


def to_unit(pixels: Tensor) -> Tensor:
    """uint8 or uint16 -> float32 in [-1, 1], channels last in memory, the layout in which convolutions are fastest.

    Of real numbers, 0 becomes -1 and 1 becomes 1; others lie beyond.
    """
    few = pixels.contiguous(memory_format=torch.channels_last)  # while values are few bytes: takes a third less time
    return few.to(torch.float32, copy=True).div_(levels(pixels.dtype) / 2).sub_(1)


def to_pixels(x: Tensor, dtype: torch.dtype) -> Tensor:
    """[-1, 1] -> pixels of `dtype`, uint8 or uint16, clamped and rounded: what a file of that depth would hold.

    Real numbers are neither clamped nor rounded.
    """
    if is_real(dtype):
        return x.float().add(1).div(2).to(dtype)
    return to_levels(x, dtype).round().to(dtype)


def to_levels(x: Tensor, dtype: torch.dtype) -> Tensor:
    """[-1, 1] -> float32 on the scale of pixels of `dtype`, uint8 or uint16, clamped and not rounded."""
    highest = levels(dtype)
    return x.float().add(1).mul(highest / 2).clamp(0, highest)


def as_arrays(images: Any) -> Any:
    """Converts tensors, also those in a list, to arrays of the same numbers; returns anything else unchanged."""
    if isinstance(images, list | tuple):
        return [as_array(image) for image in images]
    return as_array(images)


def as_array(value: Any) -> Any:
    """Converts a tensor on any device, with or without a gradient, to an array; returns anything else unchanged."""
    if not isinstance(value, Tensor):
        return value
    if value.is_nested:
        raise InputError("a nested tensor is not taken, as its parts may differ in shape; pass a list of its parts")
    if value.layout != torch.strided or value.is_quantized or value.is_meta:
        raise InputError(
            f"a tensor of layout {value.layout} and type {value.dtype} on {value.device} is not taken; "
            "pass a dense one that holds its numbers"
        )
    held = value.detach().resolve_conj().resolve_neg().cpu()
    # numpy has no bfloat16; float32 holds all of its numbers
    return (held.float() if held.is_floating_point() and held.dtype != torch.float64 else held).numpy()
