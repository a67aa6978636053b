"""Remembers which parts of other packages could be imported, so that listing them again imports nothing.

Importing a part tells whether it can be used, and takes seconds where it imports torch. The memory is a file in the
cache folder; it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import sys
from contextlib import suppress
from typing import Any

from isthmus import __version__
from isthmus.core.atomic_files import write_json
from isthmus.core.bounded_reading import parse_json, read_bytes
from isthmus.core.errors import InputError
from isthmus.core.part_packages import ForeignPart
from isthmus.core.part_sources import Unreadable, module_file
from isthmus.core.paths import cache_folder

_FILE = "usable-parts.json"
_MOST = 500  # parts
_LARGEST = 1 << 20  # bytes


def was_usable(part: ForeignPart) -> bool:
    """Whether this part could be imported, as it is now: the same package, the same file, the same versions."""
    mark = _mark(part)
    return mark is not None and mark in _remembered()


def remember_usable(part: ForeignPart) -> None:
    """Remember that it could be imported. Does nothing where the cache folder cannot be written to."""
    mark = _mark(part)
    if mark is None:
        return
    with suppress(OSError, InputError):
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / _FILE, [*_remembered(), mark][-_MOST:])


def _remembered() -> list[Any]:
    try:
        found = parse_json(read_bytes(cache_folder() / _FILE, largest=_LARGEST))
    except (OSError, ValueError):  # none yet, or damaged; InputError is a ValueError
        return []
    return found if isinstance(found, list) else []


def _mark(part: ForeignPart) -> str | None:
    point = part.entry_point
    try:
        file = module_file(point.value.partition(":")[0])
        state = file.stat()
    except (Unreadable, OSError, ValueError):
        return None
    facts = [__version__, sys.version, part.sort, part.kind, str(part.package), point.value, str(file)]
    words = json.dumps([*facts, state.st_mtime_ns, state.st_size])
    return hashlib.blake2b(words.encode(), digest_size=16).hexdigest()
