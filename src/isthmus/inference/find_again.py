"""Finds pictures again by the names that a table gave them: paths, or files and rows such as `scans.npy:12`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np

from isthmus.core.errors import InputError
from isthmus.data.form import Form
from isthmus.inference.named_images import NamedImages
from isthmus.inference.source_paths import is_kind


def source_in(name: str) -> str | None:
    """The file, folder or data set that a name begins with; None where it is not here.

    >>> source_in("digits:12")
    'digits'
    """
    head = name
    while not (os.path.exists(head) or is_kind(Path(head))):
        head, colon, _ = head.rpartition(":")
        if not colon or not head:
            return None
    return head


def pixels_of(names: Iterable[str], form: Form, *, folder: str = "") -> dict[str, np.ndarray]:
    """name -> (C, H, W) of the pictures that are found and can be read.

    folder: where relative names are looked for if they are not found from here.
    """
    wanted: dict[str, dict[str, str]] = {}  # source -> its pictures, as found from here -> as they were named
    for name in names:
        for found in dict.fromkeys((name, os.path.join(folder, name))):
            if (source := source_in(found)) is not None:
                wanted.setdefault("" if source == found else source, {})[found] = name
                break
    pixels: dict[str, np.ndarray] = {}
    for source, pictures in wanted.items():
        with suppress(InputError):  # a file that has changed since
            images = NamedImages([source] if source else list(pictures), form, skip_broken=True, quiet=True)
            pixels |= {pictures[found]: one for found, one in images.pixels_at(pictures).items()}
    return pixels
