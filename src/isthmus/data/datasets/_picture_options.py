"""The options that all data sets of pictures share: how pictures become pixels.

Options:
    size: height and width of the images in pixels, one number or two.
    fit: "crop" cuts the middle out of a picture of other proportions, "pad" adds borders, "stretch" changes its
        proportions.
    channels: of the images; "auto" keeps grey pictures grey.
    depth: bits of a value; "auto" keeps 16 where all pictures have more than 8.
    range: the two values that become black and white in pictures of more than 8 bits; by default those of the training
        pictures, "full": the ends of the file's type.
    alpha: "white" lays transparent pixels over white, "ignore" uses the colours as they are.
    shown_channels: which channels pages show, one as grey or three as red, green and blue, counted from 0.
    skip_broken: leave out and name the pictures that cannot be read, instead of stopping.
"""

from __future__ import annotations

from typing import Literal

from isthmus.core.errors import InputError
from isthmus.data.form import Alpha, Fit, Form

Size = int | list[int]
Channels = int | Literal["auto"]
Depth = Literal[8, 16, "auto"]
Range = list[float] | Literal["full"]


def form_of(
    *,
    size: Size | None,
    fit: Fit,
    channels: Channels,
    depth: Depth,
    range: Range | None,
    alpha: Alpha,
    shown_channels: list[int] | None,
) -> Form:
    """The form that these options ask for. Raises InputError where one of them does not fit."""
    form = Form.of({"size": size, "fit": fit, "channels": channels, "depth": depth, "range": range, "alpha": alpha})
    check_shown(shown_channels, form.channels)
    return form


def check_shown(shown: list[int] | None, channels: Channels) -> None:
    """Raise InputError where pages cannot show these channels."""
    if shown is None:
        return
    if len(shown) not in (1, 3) or min(shown) < 0:
        raise InputError(
            f"data.shown_channels: {shown} does not fit: give one channel, or three for red, green and blue, counted "
            "from 0, such as [3, 2, 1]"
        )
    if channels != "auto" and max(shown) >= channels:
        known = f"channels 0 to {channels - 1}" if channels > 1 else "only channel 0"
        raise InputError(
            f"data.shown_channels: {shown} names channel {max(shown)}, and the images have {known}; choose among these"
        )
