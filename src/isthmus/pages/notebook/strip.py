"""Rows of pictures under each other, to compare them by eye in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.wording import shown
from isthmus.pages.notebook.interfaces import ShownInNotebooks
from isthmus.pages.notebook.pictures import Small, SmallRow, small
from isthmus.pages.notebook.render import render
from isthmus.pages.report import text
from isthmus.pages.report.pictures import psnr
from isthmus.pages.shown_pixels import view_of

_MOST = 16  # pictures in a row: more would not fit beside each other
_WIDTH, _LARGEST = 560, 112  # CSS pixels: of all pictures of a row, and the longer side of one


@final
class Strip(ShownInNotebooks):
    """What `isthmus.strip` returns: it shows itself in a notebook, and `rows` holds the pictures.

    rows: by name, (N, H, W, C) uint8 or uint16. against: the row with which the others are compared; then each of their
        pictures has its PSNR in dB below it. captions: the words above the pictures, if any.
    """

    def __init__(self, rows: Mapping[str, Any], *, against: str | None, captions: tuple[str, ...]) -> None:
        self.rows = {str(name): _pictures(str(name), pictures) for name, pictures in rows.items()}
        self.against, self.captions = against, captions
        if not self.rows:
            raise InputError("rows: there are none; give names and pictures, {'original': images}")
        if len(captions) > self._longest:
            raise InputError(f"captions: there are {len(captions)} for {self._longest} pictures; leave some out")
        if against is None:
            return
        if against not in self.rows:
            raise InputError(f"against: {shown(against)} is none of the rows; they are {', '.join(self.rows)}")
        first = self.rows[against]
        for name, pictures in self.rows.items():
            if pictures.shape[1:] != first.shape[1:] or pictures.dtype != first.dtype or len(pictures) > len(first):
                raise InputError(
                    f"rows: {shown(name)} has pictures {_said(pictures)}, and {shown(against)} has {_said(first)}: "
                    f"there is no PSNR between them; leave out against={shown(against)}"
                )

    @property
    def _longest(self) -> int:
        """How many pictures the longest row has."""
        return max(map(len, self.rows.values()))

    def __repr__(self) -> str:
        return f"Strip({', '.join(f'{name}: {len(pictures)}' for name, pictures in self.rows.items())})"

    def _repr_html_(self) -> str:
        captions = [*self.captions, *[""] * (self._longest - len(self.captions))]
        rows = [
            SmallRow(name, [self._small(name, place, captions[place]) for place in range(len(pictures))])
            for name, pictures in self.rows.items()
        ]
        return render("strip.html.jinja", captions=captions if self.captions else [], rows=rows, against=self.against)

    def _small(self, name: str, place: int, caption: str) -> Small:
        image = self.rows[name][place].transpose(2, 0, 1)
        alt, score = f"{name}, {caption or place + 1}", ""
        if self.against not in (None, name):
            score = text.fixed(psnr(self.rows[self.against][place].transpose(2, 0, 1), image), 1)
            alt += f", PSNR {score} dB"
        return small(view_of(len(image)), image, alt, score, side=min(_LARGEST, _WIDTH // self._longest))


def _pictures(name: str, given: Any) -> np.ndarray:
    """The pictures of a row as (N, H, W, C). Raises InputError for anything else."""
    pictures = np.asarray(given)
    if pictures.dtype.name not in ("uint8", "uint16"):
        raise InputError(
            f"rows: {shown(name)} has values of type {pictures.dtype}; give uint8 from 0 to 255: "
            "(x * 255).astype('uint8') for values from 0 to 1"
        )
    if pictures.ndim == 3:
        pictures = pictures[..., None]
    if pictures.ndim != 4 or 0 in pictures.shape:
        raise InputError(
            f"rows: {shown(name)} has the shape {np.shape(given)}; give pictures (N, H, W) or (N, H, W, C): "
            "one picture is images[:1]"
        )
    if len(pictures) > _MOST:
        raise InputError(f"rows: {shown(name)} has {len(pictures):,} pictures; give at most {_MOST}: images[:{_MOST}]")
    return pictures


def _said(pictures: np.ndarray) -> str:
    return f"{pictures.shape} {pictures.dtype}"
