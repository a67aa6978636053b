"""A page's charts, each drawn for wide pages and for phones, with its numbers in a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from isthmus.report import text
from isthmus.report.charts import Level, Line, Point, line_chart, point_chart
from isthmus.report.folder import RunFolder, Subject
from isthmus.report.schema import Epoch, Interval
from isthmus.report.svg import HALF, NARROW, NARROW_POINTS, WIDE

_POINTS_A_LINE = 200
_ROWS_A_RUN = 12
_CURVE_MARGIN_DB = 6
"""How far above and below the models PCA's curve is drawn; all of it would flatten what matters."""


@dataclass(frozen=True)
class Table:
    """Numbers behind a chart, as text."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """One chart in several drawings, of which the page shows the one that fits."""

    drawings: Sequence[Markup]
    table: Table


@dataclass(frozen=True)
class Quality:
    """A model's size, arithmetic per image and PSNR in dB, for the scatter charts."""

    name: str
    colour: int
    latent_size: int
    multiply_adds: float
    psnr: Interval


def training(subjects: Sequence[Subject]) -> tuple[Figure, Figure] | None:
    """Validation PSNR against steps and against seconds; None where no epoch was logged."""
    subjects = [subject for subject in subjects if any(_logged(run) for run in subject.runs)]
    if not subjects:
        return None
    longest = max(epoch.seconds for subject in subjects for run in subject.runs for epoch in _logged(run))
    unit, size = next((u, s) for u, s, limit in _TIME_UNITS if longest <= limit)
    table = _training_table(subjects)
    steps = _training_figure(subjects, table, "steps", "optimizer steps", lambda epoch: epoch.step)
    time = _training_figure(subjects, table, "time", f"training time ({unit})", lambda epoch: epoch.seconds / size)
    return steps, time


_TIME_UNITS = (("seconds", 1, 300), ("minutes", 60, 3 * 3600), ("hours", 3600, math.inf))


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
            description=f"{description}. The dashed line is PCA with as many components.",
        )
        for layout in (HALF, NARROW_POINTS)
    ]
    rows = [(p.name, f"{p.x:,.0f}", text.fixed(p.y.mean, 2), text.interval(p.y, 2)) for p in points]
    rows += [("PCA", f"{size:,}", text.fixed(value, 2), "") for size, value in curve]
    return Figure(drawings, Table(("Model", "Latent size (numbers)", "PSNR (dB)", "95 % interval"), rows))


def cost(qualities: Sequence[Quality]) -> Figure | None:
    """PSNR against multiply-adds an image; None with fewer than two models to compare."""
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
    return Figure(drawings, Table(("Model", "Multiply-adds an image", "PSNR (dB)", "95 % interval"), rows))


def _near(points: Sequence[Point], pca: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The part of PCA's curve at the points' sizes or at about their PSNR."""
    sizes, values = [p.x for p in points], [p.y.mean for p in points]
    low, high = min(values) - _CURVE_MARGIN_DB, max(values) + _CURVE_MARGIN_DB
    return [
        (size, value)
        for size, value in pca
        if math.isfinite(value) and (min(sizes) <= size <= max(sizes) or low <= value <= high)
    ]


def _in_words(point: Point, where: str) -> str:
    return f"{point.name}: {text.fixed(point.y.mean, 2)} dB at {where}"


def _training_figure(
    subjects: Sequence[Subject], table: Table, against: str, x_title: str, x: Callable[[Epoch], float]
) -> Figure:
    lines = [_line(subject, x) for subject in subjects]
    ends = [f"{line.name} ends at {text.fixed(line.main[-1][1], 2)} dB" for line in lines if line.main]
    drawings = [
        line_chart(
            lines,
            _pca_levels(subjects),
            layout=layout,
            x_title=x_title,
            title=f"Validation PSNR against {against}",
            description=f"{'; '.join(ends)}. Dashed lines: PCA.",
        )
        for layout in (WIDE, NARROW)
    ]
    return Figure(drawings, table)


def _line(subject: Subject, x: Callable[[Epoch], float]) -> Line:
    """Each seed's curve, and their mean over the epochs that all of them reached."""
    seeds = [{e.epoch: (x(e), e.validation_psnr) for e in _logged(run)} for run in subject.runs if _logged(run)]
    shared = [epoch for epoch in seeds[0] if all(epoch in seed for seed in seeds)]
    main = [
        (sum(seed[epoch][0] for seed in seeds) / len(seeds), sum(seed[epoch][1] for seed in seeds) / len(seeds))
        for epoch in shared
    ]
    own = [_thin(list(seed.values())) for seed in seeds] if len(seeds) > 1 else []
    return Line(subject.name, subject.colour, _thin(main), own)


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    every = math.ceil(len(points) / _POINTS_A_LINE) or 1
    return points[:-1:every] + points[-1:]


def _pca_levels(subjects: Sequence[Subject]) -> list[Level]:
    """PCA's PSNR of the mean MSE, the same kind of mean as the validation curves."""
    levels: dict[int, float] = {}
    for subject in subjects:
        evaluation = subject.runs[0].evaluation
        if "pca" in evaluation.scores and math.isfinite(evaluation.scores["pca"].psnr_of_mean_mse):
            levels.setdefault(evaluation.latent_size, evaluation.scores["pca"].psnr_of_mean_mse)
    return [Level(f"PCA {size:,}", value) for size, value in levels.items()]


def _training_table(subjects: Sequence[Subject]) -> Table:
    rows: list[tuple[str, ...]] = []
    for subject in subjects:
        for run in subject.runs:
            logged = _logged(run)
            every = math.ceil(len(logged) / _ROWS_A_RUN) or 1
            for epoch in logged[:-1:every] + logged[-1:]:
                rows.append(
                    (
                        subject.name,
                        str(run.evaluation.seed),
                        str(epoch.epoch),
                        f"{epoch.step:,}",
                        text.fixed(epoch.seconds, 1),
                        text.fixed(epoch.validation_psnr, 2),
                    )
                )
    columns = ("Model", "Seed", "Epoch", "Steps", "Time (s)", "Validation PSNR (dB)")
    return Table(columns, rows)


def _logged(run: RunFolder) -> list[Epoch]:
    return [epoch for epoch in run.epochs if math.isfinite(epoch.validation_psnr)]
