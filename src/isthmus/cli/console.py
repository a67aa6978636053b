"""Where tables and sentences for people are printed: stdout."""

from __future__ import annotations

import sys
import textwrap

from rich.console import Console
from rich.text import Text

_ENDLESS = 100_000


def new_console() -> Console:
    """As wide as the terminal; without one, wide enough for every line."""
    # without a terminal, rich would wrap at 80 columns, and programs cannot read a wrapped table
    return Console(width=None if sys.stdout.isatty() else _ENDLESS, highlight=False)


def print_hanging(console: Console, sentences: str, *, after: str, style: str = "") -> None:
    """Print `after` in `style`, then `sentences`; in a terminal their further lines begin below their first letter."""
    indent = " " * len(after)
    lines = textwrap.wrap(sentences, console.width - len(after), break_long_words=False, break_on_hyphens=False)
    console.print(Text.assemble((after, style), f"\n{indent}".join(lines)), soft_wrap=True)
