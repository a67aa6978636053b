"""A chart on a page: a drawing for wide screens, a drawing for phones, and a table of its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class FigureTable:
    """The numbers of a chart, as text."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """One chart in several drawings; the page shows the one that fits the screen. has_curve: whether it shows PCA's."""

    drawings: Sequence[Markup]
    table: FigureTable
    has_curve: bool = False
