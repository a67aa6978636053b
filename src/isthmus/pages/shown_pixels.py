"""How pixels with any number of channels, of 8 or 16 bits, become pictures to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.core.pixels import levels
from isthmus.core.wording import shown


@dataclass(frozen=True)
class View:
    """The channels of an image that a picture shows.

    of: how many channels the image has. channels: one, shown as grey, or three, shown as red, green and blue.
    problem: why these are not the channels that the recipe asks for; empty if they are.
    """

    of: int
    channels: tuple[int, ...]
    problem: str = ""

    @property
    def everything(self) -> bool:
        """Whether the picture shows every channel, each in its usual place."""
        return self.channels == tuple(range(self.of))

    def pictures(self, pixels: np.ndarray) -> NDArray[np.uint8]:
        """pixels (..., C, H, W) uint8 or uint16 -> (..., 1 or 3, H, W) uint8."""
        return in_8_bits(pixels if self.everything else np.take(pixels, self.channels, axis=-3))


def view_of(channels: int, wanted: object = None) -> View:
    """The view of images with so many channels: the first as grey if there are one or two, else the first three.

    wanted: `data.shown_channels` of the recipe: one channel number from 0, alone or in a list, or a list of three.
        Where it does not fit the images, `problem` says so: a trained run still gets its pages.
    """
    usual = (0,) if channels < 3 else (0, 1, 2)
    if wanted is None:
        return View(channels, usual)
    numbers = cast("list[object]", list(wanted) if isinstance(wanted, list | tuple) else [wanted])
    chosen = tuple(one for one in numbers if type(one) is int and 0 <= one < channels)
    if len(chosen) == len(numbers) and len(chosen) in (1, 3):
        return View(channels, chosen)
    fitting = f"channel numbers from 0 to {channels - 1}" if channels > 1 else "channel 0"
    problem = f"data.shown_channels: {shown(wanted)} does not fit these images; give one or three {fitting}"
    return View(channels, usual, problem)


def in_8_bits(pixels: np.ndarray) -> NDArray[np.uint8]:
    """Pixels of 16 bits at the nearest of 256 levels; those of 8 bits unchanged."""
    if pixels.dtype == np.uint8:
        return pixels
    step = levels(pixels.dtype) // 255
    return ((pixels.astype(np.uint32) + step // 2) // step).astype(np.uint8)


def full_picture(view: View, pixels: np.ndarray) -> Image.Image:
    """pixels (C, H, W) uint8 or uint16 as a picture to keep: grey images keep their 16 bits, as PNG can."""
    if pixels.dtype == np.uint16 and view.everything and len(pixels) == 1:
        return Image.fromarray(pixels[0])
    shown = view.pictures(pixels)
    return Image.fromarray(shown.transpose(1, 2, 0) if len(shown) == 3 else shown[0])


def remarks(view: View, depth: int, value_range: tuple[float, float] | None) -> list[str]:
    """Sentences about what a picture cannot show of its image; none for 8-bit images in grey or RGB.

    depth: bits of a pixel's values. value_range: the values of the sources that became black and white, if known.
    """
    said: list[str] = []
    if view.problem:
        said.append(f"{view.problem}.")
    if not view.everything:
        if len(view.channels) == 1:
            what = f"channel {view.channels[0]} of {view.of}, counted from 0, as grey"
        else:
            numbers = "{}, {} and {}".format(*view.channels)
            what = f"channels {numbers} of {view.of}, counted from 0, as red, green and blue"
        said.append(f"Pictures show {what}.")
    if depth > 8:
        said.append(f"The images have {depth} bits; pictures show them rounded to 8.")
    if value_range is not None:
        low, high = value_range
        said.append(f"Black stands for {low:,g} in the sources, white for {high:,g}.")
    return said


def kind_of_images(channels: int, depth: int) -> str:
    """'8-bit RGB images', '16-bit grey images', '8-bit images of 12 channels'."""
    colours = {1: "grey images", 3: "RGB images"}
    return f"{depth}-bit {colours.get(channels, f'images of {channels} channels')}"
