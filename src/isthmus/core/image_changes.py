"""Records what is done to pictures between their files and the pixels that a model sees.

A data set returns `Change`s with its images; a `Tally` counts them while pictures are read one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from isthmus.core.wording import counted

_NONE: Mapping[str, float] = {}
_FEW_LEVELS = 128  # of 256: with fewer, the sentence says how to keep more


class Change(BaseModel):
    """One thing that was done to some of a data set's images."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    what: str
    """What was done, in one word, such as `cropped`."""
    images: int
    """Number of images that it was done to."""
    of: int
    """Number of images that were read."""
    sentence: str
    """The same as a sentence."""
    numbers: dict[str, float] = {}
    """The numbers in the sentence, by name."""


@dataclass(frozen=True)
class Depth:
    """How pixels of more than 8 bits became 8-bit: their kind, their lowest and highest value, and the scale.

    range: the values that became 0 and 255; None where the upper 8 bits were read, and `low` and `high` are on the
        scale 0 to 255. chosen: whether the user set the range.
    """

    kind: str
    low: float
    high: float
    range: tuple[float, float] | None
    chosen: bool = False


@dataclass(frozen=True)
class Handled:
    """What was done to one picture. Sizes are (width, height) in pixels, of the upright picture."""

    size: tuple[int, int]
    new_size: tuple[int, int]
    colours: str | None = None  # what it was before the conversion to RGB
    alpha: str | None = None  # "white" or "ignore"; None where no pixel was transparent
    depth: Depth | None = None
    turned: bool = False
    frames: bool = False
    gamma: float | None = None
    profile: str | None = None  # the colour profile that was not applied

    @property
    def scale(self) -> float:
        return max(new / old for new, old in zip(self.new_size, self.size, strict=True))

    @property
    def cropped(self) -> float:
        """The share of the picture's area that was cut off."""
        (width, height), (new_width, new_height) = self.size, self.new_size
        if width * new_height == height * new_width:
            return 0.0
        return 1 - new_width * new_height / (self.scale**2 * width * height)


class Tally:
    """Counts what was done to pictures, one at a time."""

    def __init__(self) -> None:
        self.handled: Counter[Handled] = Counter()

    def add(self, one: Handled) -> None:
        self.handled[one] += 1

    def changes(self) -> tuple[Change, ...]:
        """One change for each kind of thing that was done to any of the pictures."""
        found = (
            *(self._turned(), self._frames(), self._gamma(), self._profile()),
            *(self._depth(kind) for kind in dict.fromkeys(one.depth.kind for one in self.handled if one.depth)),
            *(self._transparent(), self._colours(), self._cropped(), self._reduced(), self._enlarged()),
        )
        return tuple(change for change in found if change is not None)

    def _change(
        self,
        what: str,
        title: str,
        chosen: Mapping[Handled, int],
        text: str,
        numbers: Mapping[str, float] = _NONE,
    ) -> Change | None:
        count, of = sum(chosen.values()), sum(self.handled.values())
        sentence = f"{title}: {count:,} of {counted(of, 'image')}{text}."
        return Change(what=what, images=count, of=of, sentence=sentence, numbers=dict(numbers)) if count else None

    def _turned(self) -> Change | None:
        chosen = {one: count for one, count in self.handled.items() if one.turned}
        return self._change("turned", "Rotated or mirrored", chosen, ", as their EXIF orientation says")

    def _frames(self) -> Change | None:
        chosen = {one: count for one, count in self.handled.items() if one.frames}
        return self._change("frames_dropped", "First of several frames used", chosen, "")

    def _gamma(self) -> Change | None:
        chosen = {one: count for one, count in self.handled.items() if one.gamma is not None}
        values = sorted({f"{one.gamma:.3g}" for one in chosen})
        return self._change("gamma_ignored", "Gamma not applied", chosen, f", although their files say {_few(values)}")

    def _profile(self) -> Change | None:
        chosen = {one: count for one, count in self.handled.items() if one.profile is not None}
        names = sorted({one.profile or "" for one in chosen})
        text = f", read as sRGB although their files say {_few(names)}; convert them to sRGB first for true colours"
        return self._change("profile_ignored", "Colour profile not applied", chosen, text)

    def _depth(self, kind: str) -> Change | None:
        chosen = {one: count for one, count in self.handled.items() if one.depth and one.depth.kind == kind}
        depths = [one.depth for one in chosen if one.depth]
        low, high = min(depth.low for depth in depths), max(depth.high for depth in depths)
        numbers, ends = {"low": low, "high": high}, depths[0].range
        held = f"{_number(low)} to {_number(high)}"
        if ends is None:
            text = f", {kind}; only the upper 8 bits are read, with values {held} of 255"
            if high - low < _FEW_LEVELS:
                text += "; scale them to 8 bits first to keep more levels"
            return self._change("to_8_bits", "Reduced to 8 bits", chosen, text, numbers)
        text = f", {kind} with values {held}; {_number(ends[0])} becomes black and {_number(ends[1])} white"
        if low < ends[0] or high > ends[1]:
            text += ", values outside are clipped"
        elif (levels := int((high - low) / (ends[1] - ends[0]) * 255) + 1) < _FEW_LEVELS:
            text += f", which leaves about {levels} of 256 grey levels"
            text += (
                ""
                if depths[0].chosen or low == high
                else f"; data.range=[{low:.6g}, {high:.6g}] spreads them over all 256"
            )
        numbers |= {"black": ends[0], "white": ends[1]}
        return self._change("to_8_bits", "Reduced to 8 bits", chosen, text, numbers)

    def _transparent(self) -> Change | None:
        chosen = {one: count for one, count in self.handled.items() if one.alpha}
        if any(one.alpha == "ignore" for one in chosen):
            return self._change("alpha_ignored", "Alpha channel ignored", chosen, "")
        text = ", which have an alpha channel; data.alpha=ignore uses their colours as they are"
        return self._change("laid_over_white", "Laid over white", chosen, text)

    def _colours(self) -> Change | None:
        chosen = {one: count for one, count in self.handled.items() if one.colours}
        origins: Counter[str] = Counter()
        for one, count in chosen.items():
            origins[one.colours or ""] += count
        text = ", ".join(f"{count:,} from {name}" for name, count in origins.most_common())
        return self._change("to_rgb", "Converted to RGB", chosen, f" ({text})", origins)

    def _cropped(self) -> Change | None:
        chosen = {one: count for one, count in self.handled.items() if one.cropped}
        shares = [one.cropped for one in chosen]
        numbers = {"least": min(shares, default=0.0), "most": max(shares, default=0.0)}
        least, most = (_percent(share) for share in numbers.values())
        lost = most if least == most else f"{least} to {most}"
        return self._change("cropped", "Cropped", chosen, f" to their middle, losing {lost} of their area", numbers)

    def _reduced(self) -> Change | None:
        chosen = {one: count for one, count in self.handled.items() if one.scale < 1}
        return self._change("reduced", "Reduced", chosen, _sizes(chosen))

    def _enlarged(self) -> Change | None:
        chosen = {one: count for one, count in self.handled.items() if one.scale > 1}
        return self._change("enlarged", "Enlarged", chosen, f"{_sizes(chosen)}, which adds no detail")


def _sizes(chosen: Mapping[Handled, int]) -> str:
    """' from 32x32 to 16x16' (width x height); of several sizes, the smallest and the largest."""
    if not chosen:
        return ""
    sizes = sorted({one.size for one in chosen}, key=lambda size: (size[0] * size[1], size))
    ends = [f"{width}x{height}" for width, height in dict.fromkeys((sizes[0], sizes[-1]))]
    width, height = next(iter(chosen)).new_size
    origin = f"sizes between {ends[0]} and {ends[1]}" if len(ends) > 1 else ends[0]
    return f" from {origin} to {width}x{height}"


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:.4g}"


def _percent(share: float) -> str:
    return "less than 1 %" if share < 0.01 else f"{100 * share:.0f} %"
