"""Tables that fit the terminal: where it is too narrow, columns are left out and named; what is shown is never cut."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from isthmus.core.wording import on_one_line

_GAP = 2  # blanks after each column


def print_table(
    console: Console,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: Sequence[str] = (),
    first_to_go: Sequence[str] = (),
) -> None:
    """Print rows of plain text; without a terminal, all of them.

    The first column stays, whatever its width. Of the others, `first_to_go` are left out first, in that order, then
    those furthest to the right. left: headings of columns that are aligned to the left, as the first column is.
    """
    rows = [list(map(on_one_line, row)) for row in rows]  # a folder's name may hold a line feed
    widths = [max(map(cell_len, cells)) for cells in zip(headings, *rows, strict=True)]
    kept = _fitting(headings, widths, console.width, first_to_go)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for place in kept:
        is_left = place == 0 or headings[place] in left
        table.add_column(Text(headings[place]), justify="left" if is_left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(row[place]) for place in kept))
    width = console.width
    console.width = max(width, sum(widths[place] + _GAP for place in kept))  # rich would cut a longer name
    console.print(table, crop=False)
    console.width = width
    gone = [heading for place, heading in enumerate(headings) if place not in kept]
    if gone:
        console.print(f"Too narrow for: {', '.join(gone)}; --json has all.", markup=False)


def _fitting(headings: Sequence[str], widths: Sequence[int], width: int, first_to_go: Sequence[str]) -> list[int]:
    """The places of the columns that fit into `width`, in their order."""
    kept = list(range(len(headings)))
    waiting = [headings.index(name) for name in first_to_go if name in headings]
    waiting += [place for place in reversed(range(1, len(headings))) if place not in waiting]
    for place in waiting:
        if sum(widths[one] + _GAP for one in kept) - _GAP <= width:
            break
        kept.remove(place)
    return kept
