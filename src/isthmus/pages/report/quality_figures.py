"""The cost of quality: PSNR against latent size and against multiply-adds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.pages.report import text
from isthmus.pages.report.figures import Figure, FigureTable
from isthmus.pages.report.point_chart import Point, point_chart
from isthmus.pages.report.svg import HALF, NARROW_POINTS
from isthmus.run_files.scores import IntervalRecord

_CURVE_MARGIN_DB = 6
"""How far PCA's curve extends above and below the models; the whole curve would flatten the chart."""


@dataclass(frozen=True)
class Quality:
    """A model's latent size, multiply-adds per image and PSNR in dB, for the scatter charts."""

    name: str
    colour: int
    latent_size: int
    multiply_adds: float
    psnr: IntervalRecord


def latent_size(qualities: Sequence[Quality], pca: Sequence[tuple[int, float]]) -> Figure | None:
    """PSNR against the size of the latent, with PCA's curve [(components, PSNR)]."""
    points = [Point(q.name, q.colour, q.latent_size, q.psnr) for q in qualities if math.isfinite(q.psnr.mean)]
    if not points:
        return None
    curve = _near(points, pca)
    description = "; ".join(_in_words(p, f"{p.x:,.0f} numbers") for p in points)
    drawings = [
        point_chart(
            points,
            curve,
            layout=layout,
            kind="log2",
            x_title="latent size (numbers)",
            title="Test PSNR against latent size",
            description=f"{description}.{' The dashed line is PCA with as many components.' if curve else ''}",
        )
        for layout in (HALF, NARROW_POINTS)
    ]
    rows = [(p.name, f"{p.x:,.0f}", text.fixed(p.y.mean, 2), text.interval(p.y, 2)) for p in points]
    rows += [("PCA", f"{size:,}", text.fixed(value, 2), "") for size, value in curve]
    table = FigureTable(("Model", "Latent size (numbers)", "PSNR (dB)", "95 % interval"), rows)
    return Figure(drawings, table, has_curve=bool(curve))


def cost(qualities: Sequence[Quality]) -> Figure | None:
    """PSNR against multiply-adds per image; None with fewer than two models to compare."""
    points = [
        Point(q.name, q.colour, q.multiply_adds, q.psnr)
        for q in qualities
        if math.isfinite(q.psnr.mean) and q.multiply_adds > 0
    ]
    if len(points) < 2:
        return None
    drawings = [
        point_chart(
            points,
            (),
            layout=layout,
            kind="log10",
            x_title="multiply-adds for one image",
            title="Test PSNR against arithmetic",
            description="; ".join(_in_words(p, f"{text.short(p.x)} multiply-adds") for p in points) + ".",
        )
        for layout in (HALF, NARROW_POINTS)
    ]
    rows = [(p.name, text.short(p.x), text.fixed(p.y.mean, 2), text.interval(p.y, 2)) for p in points]
    return Figure(drawings, FigureTable(("Model", "Multiply-adds an image", "PSNR (dB)", "95 % interval"), rows))


def _near(points: Sequence[Point], pca: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The part of PCA's curve at the points' latent sizes or near their PSNR."""
    sizes, values = [p.x for p in points], [p.y.mean for p in points]
    low, high = min(values) - _CURVE_MARGIN_DB, max(values) + _CURVE_MARGIN_DB
    return [
        (size, value)
        for size, value in pca
        if math.isfinite(value) and (min(sizes) <= size <= max(sizes) or low <= value <= high)
    ]


def _in_words(point: Point, where: str) -> str:
    return f"{point.name}: {text.fixed(point.y.mean, 2)} dB at {where}"
