"""Tables that drop columns where the terminal is narrow, so that no name is cut."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def print_fitting(
    console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]], drop: Sequence[str]
) -> None:
    """Print a table whose first column is left-aligned text; columns named in `drop` go first, in that order.

    What is dropped is said below. Cells are plain text, already printable.
    """
    shown, dropped = list(headings), list[str]()
    for name in drop:
        if console.measure(_table(headings, rows, shown)).maximum <= console.width:
            break
        shown.remove(name)
        dropped.append(name)
    console.print(_table(headings, rows, shown))
    if dropped:
        console.print(f"Without {', '.join(dropped)}: the terminal is {console.width} columns wide.", markup=False)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], shown: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    places = [place for place, name in enumerate(headings) if name in shown]
    for place in places:
        numbers = any(row[place][:1].isdigit() or row[place][:1] in "+-\N{MINUS SIGN}" for row in rows if row[place])
        right = place > 0 and numbers
        table.add_column(headings[place], justify="right" if right else "left", no_wrap=True, overflow="fold")
    for row in rows:
        table.add_row(*(escape(row[place]) for place in places))
    return table
