"""What was done to one picture while it was read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

AlphaDone = Literal["white", "ignore", "kept", "added"]
"""Pictures were laid over white, their transparency was ignored, it was kept as a channel, or a full one was added."""


@dataclass(frozen=True)
class Depth:
    """How pixels of more than 8 bits got their levels: their kind, and the scale.

    range: the values that became black and white; None where only the upper 8 bits were read. full: the values that
        this kind of pixels can have at most; None where that says nothing. bits: of the pixels that were made.
    origin: who chose the range; "own" means the picture alone.
    """

    kind: str
    range: tuple[float, float] | None
    bits: int = 8
    full: float | None = None
    origin: Literal["user", "full", "training", "own"] = "full"


@dataclass(frozen=True)
class Handled:
    """What was done to one picture, and what it was. Sizes are (width, height) in pixels, of the upright picture.

    channels, bits: of the picture itself: 1 if it is grey, 3 if it has colours, with or without transparency.
    colours: their kind, where they were converted. values: its lowest and highest, where it has more than 8 bits.
    bands_left: how many it has beside those that were read. frames: whether only the first of several was used;
        pages: how many of them could be channels.
    """

    size: tuple[int, int]
    new_size: tuple[int, int]
    channels: int = 3
    bits: int = 8
    new_channels: int = 3
    fit: str = "crop"
    colours: str | None = None
    alpha: AlphaDone | None = None  # None where no pixel was transparent, so that nothing had to be done
    depth: Depth | None = None
    turned: bool = False
    frames: bool = False
    pages: int = 0
    inverted: bool = False
    bands_left: int = 0
    gamma: float | None = None
    profile: str | None = None  # the colour profile that was not applied
    values: tuple[float, float] | None = field(default=None, compare=False)

    @property
    def other_proportions(self) -> bool:
        (width, height), (new_width, new_height) = self.size, self.new_size
        return width * new_height != height * new_width

    @property
    def scale(self) -> float:
        """How much larger it became; of a stretched picture, the side that grew more or shrank less."""
        ratios = [new / old for new, old in zip(self.new_size, self.size, strict=True)]
        return min(ratios) if self.fit == "pad" else max(ratios)

    @property
    def cropped(self) -> float:
        """The share of the picture's area that was cut off."""
        if self.fit != "crop" or not self.other_proportions:
            return 0.0
        return 1 - math.prod(self.new_size) / (self.scale**2 * math.prod(self.size))

    @property
    def padded(self) -> float:
        """The share of the pixels that are borders."""
        if self.fit != "pad" or not self.other_proportions:
            return 0.0
        return 1 - self.scale**2 * math.prod(self.size) / math.prod(self.new_size)

    @property
    def stretched(self) -> float:
        """How much more one side was scaled than the other; 1 where the proportions stay."""
        if self.fit != "stretch" or not self.other_proportions:
            return 1.0
        ratios = [new / old for new, old in zip(self.new_size, self.size, strict=True)]
        return max(ratios) / min(ratios)
