"""What to say of images whose sides a network cannot halve as often as it wants to."""

from __future__ import annotations


def size_that_fits(height: int, width: int, unit: int) -> str:
    """'bring the images to 64x76 with data.size=[64, 76]': the nearest smaller size whose sides `unit` divides."""
    high, wide = (max(unit, side // unit * unit) for side in (height, width))
    return f"bring the images to {high}x{wide} with data.size=[{high}, {wide}]"
