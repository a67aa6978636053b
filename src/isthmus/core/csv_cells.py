"""Names in CSV files that a spreadsheet would take for formulas."""

from __future__ import annotations

import os

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plain_cell(path: str) -> str:
    """A picture's path for a CSV file: `=1+1.png` becomes `./=1+1.png`, the same file, which no spreadsheet computes.

    >>> plain_cell("=1+1.png"), plain_cell("scans/=1+1.png")
    ('./=1+1.png', 'scans/=1+1.png')
    """
    return os.path.join(os.curdir, path) if path.startswith(_FORMULA) else path
