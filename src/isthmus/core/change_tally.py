"""Counts what was done to pictures that are read one by one, and says it in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from isthmus.core.handled_pictures import Handled
from isthmus.core.image_changes import Change, without_options
from isthmus.core.wording import counted

_NONE: Mapping[str, float] = {}
_FEW_LEVELS = 128  # of 256: with fewer, the sentence says how to keep more
_WRITTEN_OUT = 1e15  # larger numbers would fill a line
_MUCH = 0.05  # of a picture's area: beyond that, what is cut off is part of what it shows
_ORIGINS = {
    "user": "",
    "full": "",
    "training": ", the range of the training pictures; data.range=[LOW, HIGH] sets another",
    "own": ", its own range",
}


class Tally:
    """Counts what was done to pictures, one at a time.

    handled: how often each thing was done. values: the lowest and highest value of deep pictures, by their kind.
    """

    def __init__(self) -> None:
        self.handled: Counter[Handled] = Counter()
        self.values: dict[str, tuple[float, float]] = {}

    def add(self, one: Handled) -> None:
        self.handled[one] += 1
        if one.values is not None and one.depth is not None:
            self._widen(one.depth.kind, one.values)

    def merge(self, other: Tally) -> None:
        """Add what another tally counted."""
        self.handled.update(other.handled)
        for kind, values in other.values.items():
            self._widen(kind, values)

    def _widen(self, kind: str, values: tuple[float, float]) -> None:
        low, high = self.values.get(kind, values)
        self.values[kind] = (min(low, values[0]), max(high, values[1]))

    def changes(self, *, options: bool = True) -> tuple[Change, ...]:
        """One change for each kind of thing that was done to any of the pictures.

        options: whether sentences name the options of a data set that do otherwise; a trained model has none.
        """
        depths = dict.fromkeys((one.depth.kind, one.depth.bits) for one in self.handled if one.depth)
        found = (
            *(self._turned(), self._frames(), self._bands(), self._gamma(), self._profile()),
            *(self._depth(kind, bits) for kind, bits in depths),
            *(
                self._inverted(),
                self._transparent(),
                self._alpha_kept(),
                self._opaque(),
                self._colours(),
                self._to_grey(),
                self._grey(),
            ),
            *(self._cropped(), self._padded(), self._stretched(), self._reduced(), self._enlarged()),
        )
        made = tuple(change for change in found if change is not None)
        if options:
            return made
        return tuple(one.model_copy(update={"sentence": without_options(one.sentence)}) for one in made)

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

    def _those(self, holds: Callable[[Handled], bool]) -> dict[Handled, int]:
        return {one: count for one, count in self.handled.items() if holds(one)}

    def _turned(self) -> Change | None:
        chosen = self._those(lambda one: one.turned)
        return self._change("turned", "Rotated or mirrored", chosen, ", as their EXIF orientation says")

    def _frames(self) -> Change | None:
        chosen = self._those(lambda one: one.frames)
        pages = {one.pages for one in chosen}
        hint = f"; data.channels={min(pages)} reads them as channels" if len(pages) == 1 and min(pages) else ""
        return self._change("frames_dropped", "First of several frames used", chosen, hint)

    def _bands(self) -> Change | None:
        chosen = self._those(lambda one: one.bands_left > 0)
        counts = sorted({one.channels + one.bands_left for one in chosen})
        text = f", which have {' or '.join(map(str, counts))} bands; data.channels={max(counts, default=0)} keeps all"
        return self._change("bands_dropped", "Further bands left out", chosen, text)

    def _gamma(self) -> Change | None:
        chosen = self._those(lambda one: one.gamma is not None)
        values = sorted({f"{one.gamma:.3g}" for one in chosen})
        return self._change("gamma_ignored", "Gamma not applied", chosen, f", although their files say {_few(values)}")

    def _profile(self) -> Change | None:
        chosen = self._those(lambda one: one.profile is not None)
        names = sorted({one.profile or "" for one in chosen})
        text = f", read as sRGB although their files say {_few(names)}; convert them to sRGB first for true colours"
        return self._change("profile_ignored", "Colour profile not applied", chosen, text)

    def _depth(self, kind: str, bits: int) -> Change | None:
        chosen = self._those(lambda one: one.depth is not None and (one.depth.kind, one.depth.bits) == (kind, bits))
        depth = next(one.depth for one in chosen if one.depth)
        what, title = ("to_8_bits", "Reduced to 8 bits") if bits == 8 else ("to_16_bits", "Scaled to 16 bits")
        low, high = self.values.get(kind, (0.0, 0.0))
        numbers, ends = {"low": low, "high": high}, depth.range
        held = f"{_number(low)} to {_number(high)}"
        if ends is None:
            text = f", {kind}; only the upper 8 bits are read, with values {held} of 255"
            if high - low < _FEW_LEVELS:
                text += "; data.range=[LOW, HIGH] or data.depth=16 keeps more levels"
            return self._change(what, title, chosen, text, numbers)
        of = "" if depth.full is None else f" of {_number(depth.full)}"
        text = f", {kind} with values {held}{of}; {_number(ends[0])} becomes black and {_number(ends[1])} white"
        text += _ORIGINS[depth.origin]
        used = (high - low) / (ends[1] - ends[0])
        if low < ends[0] or high > ends[1]:
            text += ", values outside are clipped"
        elif int(used * 255) + 1 < _FEW_LEVELS:
            levels = int(used * ((1 << bits) - 1)) + 1
            text += f", which leaves about {levels:,} of {1 << bits:,} grey levels"
            if depth.origin == "full" and low != high:
                text += f"; data.range=[{low:.6g}, {high:.6g}] spreads them over all {1 << bits:,}"
        numbers |= {"black": ends[0], "white": ends[1]}
        return self._change(what, title, chosen, text, numbers)

    def _inverted(self) -> Change | None:
        chosen = self._those(lambda one: one.inverted)
        return self._change("inverted", "Inverted", chosen, ", whose files say that low values are light")

    def _transparent(self) -> Change | None:
        chosen = self._those(lambda one: one.alpha in ("white", "ignore"))
        if any(one.alpha == "ignore" for one in chosen):
            return self._change("alpha_ignored", "Alpha channel ignored", chosen, "")
        grey = {one.channels == 1 for one in chosen}
        keeps = "channels=4 keeps all four" if grey == {False} else "channels=4 keeps it, and makes grey pictures RGB"
        if grey == {True}:
            keeps = "channels=2 keeps it beside the grey, where all pictures have both"
        text = f", which have an alpha channel; data.alpha=ignore uses their colours as they are, data.{keeps}"
        return self._change("laid_over_white", "Laid over white", chosen, text)

    def _alpha_kept(self) -> Change | None:
        chosen = self._those(lambda one: one.alpha == "kept")
        return self._change("alpha_kept", "Alpha channel kept", chosen, ", as the last of four channels")

    def _opaque(self) -> Change | None:
        chosen = self._those(lambda one: one.alpha == "added")
        return self._change("alpha_added", "Given a fourth channel", chosen, ", which is full all over: they had none")

    def _converted(self, what: str, title: str, chosen: Mapping[Handled, int], text: str) -> Change | None:
        origins: Counter[str] = Counter()
        for one, count in chosen.items():
            origins[one.colours or ""] += count
        found = ", ".join(f"{count:,} from {name}" for name, count in origins.most_common())
        return self._change(what, title, chosen, f" ({found}){text}", origins)

    def _colours(self) -> Change | None:
        chosen = self._those(lambda one: one.colours is not None and one.new_channels >= 3)
        return self._converted("to_rgb", "Converted to RGB", chosen, "")

    def _to_grey(self) -> Change | None:
        chosen = self._those(lambda one: one.colours is not None and one.channels == 3 and one.new_channels == 1)
        text = ", as 0.299 red + 0.587 green + 0.114 blue; data.channels=3 keeps colours"
        return self._converted("to_grey", "Turned to grey", chosen, text)

    def _grey(self) -> Change | None:
        chosen = self._those(lambda one: one.channels == 1 and one.new_channels == 1)
        text = ", which have one channel; data.channels=3 makes them RGB"
        return self._change("kept_grey", "Kept grey", chosen, text)

    def _cropped(self) -> Change | None:
        chosen = self._those(lambda one: one.cropped > 0)
        shares = [one.cropped for one in chosen]
        text = f" to their middle, losing {_span(shares)} of their area"
        if max(shares, default=0.0) >= _MUCH:
            text += "; data.fit=pad keeps all of it between borders, data.fit=stretch without"
        return self._change("cropped", "Cropped", chosen, text, _ends(shares))

    def _padded(self) -> Change | None:
        chosen = self._those(lambda one: one.padded > 0)
        shares = [one.padded for one in chosen]
        text = f" with borders of the colour of their edges, which are {_span(shares)} of the pixels and of every score"
        return self._change("padded", "Padded", chosen, text, _ends(shares))

    def _stretched(self) -> Change | None:
        chosen = self._those(lambda one: one.stretched > 1)
        factors = [one.stretched for one in chosen]
        most = f"{max(factors, default=1.0):.3g}"
        text = f", up to {most} times more in one direction than in the other"
        return self._change("stretched", "Stretched", chosen, text, _ends(factors))

    def _reduced(self) -> Change | None:
        chosen = self._those(lambda one: one.scale < 1)
        return self._change("reduced", "Reduced", chosen, _sizes(chosen))

    def _enlarged(self) -> Change | None:
        chosen = self._those(lambda one: one.scale > 1)
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


def _ends(values: Sequence[float]) -> dict[str, float]:
    return {"least": min(values, default=0.0), "most": max(values, default=0.0)}


def _span(shares: Sequence[float]) -> str:
    """'33 %' or '5 % to 33 %'."""
    least, most = (_percent(share) for share in _ends(shares).values())
    return most if least == most else f"{least} to {most}"


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) < _WRITTEN_OUT and value == int(value) else f"{value:.4g}"


def _percent(share: float) -> str:
    return "less than 1 %" if share < 0.01 else f"{100 * share:.0f} %"
