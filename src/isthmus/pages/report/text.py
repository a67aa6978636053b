"""Numbers as text on the pages. A number that was not measured (nan) becomes an en dash."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from isthmus.run_files.scores import IntervalRecord

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
_SHORT = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def fixed(value: float, digits: int) -> str:
    """`fixed(7261.5, 1)` -> '7,261.5'; an infinite value (the PSNR of a perfect copy) becomes the infinity sign."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    written = f"{abs(value):,.{digits}f}"
    return f"{MINUS}{written}" if value < 0 and float(written.replace(",", "")) else written


def signed(value: float, digits: int) -> str:
    """`signed(0.1234, 2)` -> '+0.12'; zero after rounding has no sign."""
    written = fixed(value, digits)
    return f"+{written}" if value > 0 and any(digit in written for digit in "123456789∞") else written


def signed_tick(value: float) -> str:
    """A tick on an axis of differences: '+5', '0', or a negative number with a minus sign."""
    return "0" if value == 0 else f"{value:+g}".replace("-", MINUS)


def interval(value: IntervalRecord, digits: int, *, sign: bool = False) -> str:
    """'16.80 to 16.90', or empty if the interval is not known."""
    if math.isnan(value.low) or math.isnan(value.high):
        return ""
    write = signed if sign else fixed
    return f"{write(value.low, digits)} to {write(value.high, digits)}"


def count(value: float | None) -> str:
    """A whole number, or one decimal if it is a mean over seeds that is not whole."""
    if value is None:
        return MISSING
    return fixed(value, 0 if float(value).is_integer() else 1)


def short(value: float) -> str:
    """Three significant digits and a prefix: 44000000 -> '44 M', 1234 -> '1.23 k'."""
    for size, prefix in _SHORT:
        if abs(value) >= size * 0.9995:
            return f"{_trim(f'{value / size:.3g}')} {prefix}"
    return MISSING if math.isnan(value) else _trim(f"{value:.3g}")


def duration(seconds: float) -> str:
    """'8.5 s', '8 min 32 s', '1 h 12 min'."""
    if math.isnan(seconds):
        return MISSING
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def listing(items: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1]))) if items else ""


def shorten(name: str, length: int) -> str:
    """At most `length` characters, with an ellipsis if the name was cut."""
    return name if len(name) <= length else f"{name[: length - 1].rstrip()}…"


def unbroken(sentence: str) -> str:
    """The sentence without a line break between a number and its '%' or 'dB'."""
    return re.sub(r"(?<=\d) (?=%|dB\b)", "\N{NO-BREAK SPACE}", sentence)


def flatten(value: JsonValue, prefix: str = "") -> Iterable[tuple[str, str]]:
    """Nested JSON as (dotted path, text) rows, for the reproduce box."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flatten(inner, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list):
        yield prefix, ", ".join(text for inner in value for _, text in flatten(inner))
    elif value is not None:
        yield prefix, str(value).lower() if isinstance(value, bool) else str(value)


def _trim(written: str) -> str:
    return f"{float(written):,g}".replace("-", MINUS)
