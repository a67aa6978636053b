"""Where tables and sentences for people are printed: stdout."""

from __future__ import annotations

import sys

from rich.console import Console


def new_console() -> Console:
    """As wide as the terminal; 200 columns without one."""
    # without a terminal, rich would wrap at 80 columns, and programs cannot read a wrapped table
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False)
