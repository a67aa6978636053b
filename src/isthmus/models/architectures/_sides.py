"""The remedy for images whose height or width a network cannot divide as often as it needs."""

from __future__ import annotations


def size_that_fits(height: int, width: int, unit: int) -> str:
    """'bring the images to 64x76 with data.size=[64, 76]': the nearest smaller size whose sides `unit` divides."""
    high, wide = (max(unit, side // unit * unit) for side in (height, width))
    return f"bring the images to {high}x{wide} with data.size=[{high}, {wide}]"
