"""How pictures become pixels: size, fit, channels, depth, range and transparency."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from isthmus.core.errors import InputError
from isthmus.core.handled_pictures import Handled
from isthmus.core.image_changes import Change
from isthmus.core.wording import shown

Alpha = Literal["white", "ignore"]
Fit = Literal["crop", "pad", "stretch"]
Range = tuple[float, float] | Literal["full"]
LARGEST_SIDE = 1 << 16
"""Pixels of an image's side."""


@dataclass(frozen=True)
class Form:
    """The choices in turning pictures into pixels.

    size: height and width; None: as the pictures are, which must all have one size.
    fit: how a picture of other proportions gets that size: "crop" cuts its middle out, "pad" adds borders, "stretch"
        changes its proportions.
    channels: of the pixels; "auto": 1 if all pictures are grey, else 3, or as many as their arrays and TIFFs hold.
    depth: bits of a pixel's values; "auto": 16 if all pictures have more than 8 bits, else 8.
    range: the values that become black and white in pictures of more than 8 bits; "full": 0 and 65,535, which only
        pictures of 16 bits without sign have; None: those of the training pictures.
    alpha: "white" lays transparent pixels over white, "ignore" uses the colours as they are.

    What only the pictures tell: deep: whether one has more than 8 bits. range_found: whether `range` is the lowest and
    highest value of the training pictures.

    Earlier versions read every picture as `channels=3, depth=8, fit="crop"` with `range="full"`, where none was given:
    recipes that they wrote say so (`recipes/recipe.py`), so that the same files still give the same bits.
    """

    size: tuple[int, int] | None = None
    fit: Fit = "crop"
    channels: int | Literal["auto"] = "auto"
    depth: Literal[8, 16, "auto"] = "auto"
    range: Range | None = None
    alpha: Alpha = "white"
    deep: bool = False
    range_found: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Form:
        """From a data set's options; missing ones have their defaults. Raises InputError for an invalid one."""
        form = cls(
            _size(options.get("size")),
            _one_of("fit", options, get_args(Fit), "crop"),
            _channels(options.get("channels", "auto")),
            _one_of("depth", options, (8, 16, "auto"), "auto"),
            _range(options.get("range")),
            _one_of("alpha", options, get_args(Alpha), "white"),
        )
        if form.size is None and form.fit != "crop":
            raise InputError(f"data.fit: {form.fit!r} has no effect without a size; set data.size, or leave it out")
        return form

    @classmethod
    def of_model(cls, options: Mapping[str, Any], shape: tuple[int, int, int], depth: Literal[8, 16]) -> Form:
        """In which a model of images (C, H, W) reads pictures, from the options of the data set it was trained on.

        The range that its training pictures had is not in the options: whoever loads the model adds it. Pictures of
        more than 8 bits are on their full scale otherwise.
        """
        channels, *size = shape
        chosen = {key: options[key] for key in ("fit", "range", "alpha") if key in options}
        form = cls.of({**chosen, "size": size, "channels": channels, "depth": depth})
        return form if form.range is not None else replace(form, range="full")

    @property
    def ends(self) -> tuple[float, float] | None:
        """The values that are black and white in a set whose range is known; None where no picture is deep."""
        if not self.deep or self.range is None:
            return None
        return (0.0, 65535.0) if self.range == "full" else self.range

    def with_range(self, low: float, high: float) -> Form:
        """With the lowest and highest value of the training pictures as black and white."""
        return replace(self, range=(low, high if high > low else low + 1), range_found=True)


def settled(form: Form, handled: Handled) -> Form:
    """What `form` leaves open ("auto") as the first picture has it."""
    deep = handled.bits > 8
    return replace(
        form,
        channels=handled.channels if form.channels == "auto" else form.channels,
        depth=(16 if deep else 8) if form.depth == "auto" else form.depth,
        deep=deep,
    )


def contradicts(asked: Form, form: Form, handled: Handled) -> Form | None:
    """The form that a whole set must have because of one more picture; None where `form` holds.

    asked: the user's form, whose choices stay. form: as earlier pictures settled it. Once a set has colours, it has
    three channels; once a picture has only 8 bits, so have all; once one has more, a range is needed.
    """
    other = form
    if asked.channels == "auto" and form.channels == 1 and handled.channels == 3:
        other = replace(other, channels=3)
    if asked.depth == "auto" and form.depth == 16 and handled.bits == 8:
        other = replace(other, depth=8)
    if handled.bits > 8 and not form.deep:
        other = replace(other, deep=True)
    return None if other == form else other


def idle_options(form: Form, changes: Iterable[Change]) -> list[str]:
    """A sentence where a range was chosen and no picture has more than 8 bits."""
    idle = form.range is not None and not form.range_found and not any("low" in change.numbers for change in changes)
    return (
        ["data.range has no effect: it is for pictures of more than 8 bits, and this data set has none."]
        if idle and form.range != "full"
        else []
    )


def _size(given: Any) -> tuple[int, int] | None:
    if given is None:
        return None
    one = isinstance(given, int)
    sides = [given, given] if one else given
    if not isinstance(sides, list | tuple) or len(sides) != 2 or not all(map(_whole, sides)) or min(sides) < 1:
        rule = "must be at least 1" if one else "must be [height, width], each at least 1"
        raise InputError(f"data.size: {shown(given)} {rule}")
    if max(sides) > LARGEST_SIDE:
        raise InputError(f"data.size: {shown(given)} is more than {LARGEST_SIDE:,} pixels a side; choose a smaller one")
    return int(sides[0]), int(sides[1])


def _channels(given: Any) -> int | Literal["auto"]:
    if given == "auto":
        return "auto"
    if not _whole(given) or given < 1:
        raise InputError(
            f"data.channels: {shown(given)} does not fit; set auto, 1 for grey, 3 for colours, or a larger number"
        )
    return int(given)


def _range(given: Any) -> Range | None:
    if given is None or given == "full":
        return given
    ends = [float(end) for end in given if _number(end)] if isinstance(given, list | tuple) else []
    if len(ends) != 2 or len(given) != 2 or not ends[0] < ends[1]:
        raise InputError(
            f"data.range: {shown(given)} does not fit: give two numbers, the lower first, such as [0, 4095], or full"
        )
    return ends[0], ends[1]


def _one_of(name: str, options: Mapping[str, Any], choices: tuple[Any, ...], usual: Any) -> Any:
    given = options.get(name, usual)
    if given not in choices:
        raise InputError(f"data.{name}: {shown(given)} is unknown; choose {', '.join(map(str, choices))}")
    return given


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
