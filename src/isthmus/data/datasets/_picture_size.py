"""The option `size`, to which pictures are scaled and cropped."""

from __future__ import annotations

from isthmus.core.errors import InputError


def height_and_width(size: int | list[int]) -> tuple[int, int]:
    """64 -> (64, 64), [48, 64] -> (48, 64). Raises InputError for anything else."""
    sides = [size, size] if isinstance(size, int) else size
    if len(sides) != 2 or min(sides) < 1:
        rule = "must be at least 1" if isinstance(size, int) else "must be [height, width], each at least 1"
        raise InputError(f"data.size: {size} {rule}")
    return sides[0], sides[1]
