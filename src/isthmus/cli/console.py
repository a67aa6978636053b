"""Where tables and sentences for people are printed: stdout."""

from __future__ import annotations

import sys

from rich.console import Console

_ENDLESS = 100_000


def new_console() -> Console:
    """As wide as the terminal; without one, wide enough for every line."""
    # without a terminal, rich would wrap at 80 columns, and programs cannot read a wrapped table
    return Console(width=None if sys.stdout.isatty() else _ENDLESS, highlight=False)
