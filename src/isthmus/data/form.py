"""How pictures become pixels: size, fit, channels, depth, range and transparency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Alpha = Literal["white", "ignore"]
Fit = Literal["crop", "pad", "stretch"]


@dataclass(frozen=True)
class Form:
    """The choices in turning pictures into pixels.

    size: height and width; None: as the pictures are, which must all have one size.
    fit: how a picture of other proportions gets that size: "crop" cuts its middle out, "pad" adds borders, "stretch"
        changes its proportions.
    channels: of the pixels; "auto": 1 if all pictures are grey, else 3.
    depth: bits of a pixel's values; "auto": 16 if all pictures have more than 8 bits, else 8.
    range: the values that become black and white in pictures of more than 8 bits; None: those of the training pictures.
    alpha: "white" lays transparent pixels over white, "ignore" uses the colours as they are.
    """

    size: tuple[int, int] | None = None
    fit: Fit = "crop"
    channels: int | Literal["auto"] = "auto"
    depth: Literal[8, 16, "auto"] = "auto"
    range: tuple[float, float] | None = None
    alpha: Alpha = "white"


def settled(form, handled):
    from dataclasses import replace
    return replace(form, channels=3 if form.channels == "auto" else form.channels, depth=8)


def contradicts(asked, form, handled):
    return None
