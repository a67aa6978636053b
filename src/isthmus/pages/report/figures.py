"""A chart on a page: one drawing for wide pages, one for phones, and its numbers in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class FigureTable:
    """Numbers behind a chart, as text."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """One chart in several drawings, of which the page shows the one that fits."""

    drawings: Sequence[Markup]
    table: FigureTable
