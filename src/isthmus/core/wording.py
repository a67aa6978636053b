"""Makes untrusted text and values safe to print: bounded in length, without control characters."""

from __future__ import annotations

import unicodedata
from typing import Any, TypeVar

_LONGEST = 120
# Cc: escape sequences; Zl, Zp: line breaks; Cf: invisible characters, also those that change the writing direction.
_UNSAFE = ("Cc", "Cf", "Zl", "Zp", "Cs")
# joiners, which some scripts and emoji need
_HARMLESS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_UNITS = {"bytes": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15, "EB": 10**18}
LEVELS_OF_NOISE = 127.5  # of 255, for a standard deviation of 1 on the [-1, 1] scale, which is 2 wide
T = TypeVar("T")


def printable(text: str) -> str:
    """`text` with every control character escaped, such as `\\x1b`; line feeds stay."""
    if text.isprintable():
        return text
    return "".join(letter.encode("unicode_escape").decode("ascii") if _is_unsafe(letter) else letter for letter in text)


def on_one_line(text: str) -> str:
    """`printable`, with line feeds escaped as well: for names in tables, where a second line would be another row."""
    return printable(text).replace("\n", "\\n")


def shown(value: Any) -> str:
    """The shortened `repr` of a value; where `repr` fails, the type's name."""
    try:
        text = repr(value)
    except Exception:  # of any class: also for numbers of more than 4,300 digits, and lists nested too deeply
        return f"a value of type {type(value).__name__}"
    return shortened(" ".join(text.split()))


def shortened(text: str, longest: int = _LONGEST) -> str:
    """`text`; where it is longer than `longest`, without its middle."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} ... {text[-half:]}"


def counted(count: int, noun: str, several: str = "") -> str:
    """A number of things in words: `1 image`, `1,024 images`. several: the plural, if it is not `noun` with an s."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def in_levels(std: float) -> str:
    """A standard deviation on the [-1, 1] scale in words: `12.8 of 255 levels`."""
    return f"{LEVELS_OF_NOISE * std:.1f} of 255 levels"


def pca_of(count: int, square: int = 0) -> str:
    """PCA in words: `PCA with 64 components`, `PCA of 8x8 squares with 4,096 numbers`.

    square: side of the squares that have numbers of their own, pixels; 0 where PCA is of whole images.
    """
    if square:
        return f"PCA of {square}x{square} squares with {counted(count, 'number')}"
    return f"PCA with {counted(count, 'component')}"


def size(count: int) -> str:
    """Bytes in words: `23.4 GB`."""
    unit = next((unit for unit in _UNITS if count < 999.5 * _UNITS[unit]), "EB")
    return f"{count / _UNITS[unit]:,.3g} {unit}"


def all_printable(value: T) -> T:
    """`value` with every string in it printable: a string, or nested dicts and lists."""
    cleaned: Any = value
    if isinstance(value, str):
        cleaned = printable(value)
    elif isinstance(value, dict):
        cleaned = {all_printable(key): all_printable(inner) for key, inner in value.items()}
    elif isinstance(value, list | tuple):
        cleaned = [all_printable(inner) for inner in value]
    return cleaned


def _is_unsafe(letter: str) -> bool:
    return letter != "\n" and letter not in _HARMLESS and unicodedata.category(letter) in _UNSAFE
