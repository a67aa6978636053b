"""Reads untrusted files within bounds: ordinary files only, of bounded size, whole numbers and nesting depth."""

from __future__ import annotations

import errno
import os
import re
import stat
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from isthmus.core.wording import shortened

LARGEST = 1 << 30  # bytes: no file of a run folder is nearly as large, but weights, which are read elsewhere
DEEPEST = 50  # nested tables and lists; a recipe has three
# a dotted key of more parts than that, bare or quoted
_DEEP_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){51}""")
_CHUNK = 1 << 20
_64_BITS = 2**63  # the range that TOML guarantees, and enough for every count here


def read_bytes(path: Path, *, largest: int = LARGEST) -> bytes:
    """The content of an ordinary file.

    Raises OSError where it is missing or holds more than `largest` bytes, and for pipes, devices and folders: reading
    those may never end.
    """
    content = bytearray()
    with open_ordinary(path) as file:
        while part := file.read(_CHUNK):  # not read(largest), which allocates that much at once
            content += part
            if len(content) > largest:
                raise OSError(errno.EFBIG, f"holds more than {largest:,} bytes", str(path))
    return bytes(content)


@contextmanager
def open_ordinary(path: Path) -> Generator[BufferedReader]:
    """Open an ordinary file of any size. Raises OSError as `read_bytes` does."""
    # without O_NONBLOCK, opening a pipe waits for somebody to write; without O_BINARY, Windows changes line feeds
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)  # before `open`, which refuses a folder and would leave it open
        raise OSError(errno.EINVAL, "is not an ordinary file", str(path))
    with open(descriptor, "rb") as file:
        yield file


def parse_json(content: bytes) -> Any:
    """JSON, and Python's NaN and Infinity. Raises ValueError, also for too deep nesting and too many digits."""
    return from_json(content)


def parse_toml(text: str) -> dict[str, Any]:
    """TOML whose whole numbers fit 64 bits and whose tables are no deeper than `DEEPEST`. Raises ValueError."""
    if _DEEP_KEY.search(text):  # tomllib takes minutes for one of some ten thousand parts
        raise ValueError(f"is nested deeper than {DEEPEST} levels")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError(f"is nested deeper than {DEEPEST} levels") from None
    except ValueError:  # Python refuses to convert more than 4,300 digits
        raise ValueError("holds a number of thousands of digits") from None
    check_bounds(table)
    return table


def check_bounds(value: Any, path: str = "", depth: int = DEEPEST) -> None:
    """Raise ValueError where tables and lists are nested deeper than `depth`, or a whole number exceeds 64 bits.

    For a number, the message says where it is.
    """
    if depth < 0:
        raise ValueError(f"is nested deeper than {DEEPEST} levels")
    if isinstance(value, dict):
        for key, inner in value.items():
            check_bounds(inner, f"{path}.{key}" if path else key, depth - 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_bounds(inner, path, depth - 1)
    elif isinstance(value, int) and not -_64_BITS <= value < _64_BITS:
        raise ValueError(f"{path} holds a whole number beyond 64 bits")


def reason(error: Exception) -> str:
    """Why a file could not be read, on one line and without its path."""
    text = (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
    return shortened(" ".join(text.split()))
