"""Validation PSNR during training, against steps and against time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.pages.report import text
from isthmus.pages.report.figures import Figure, FigureTable
from isthmus.pages.report.line_chart import Level, Line, line_chart
from isthmus.pages.report.read_folder import Compared
from isthmus.pages.report.svg import NARROW, WIDE
from isthmus.pages.report.validation_curve import chosen_on_noise, logged, shown_psnr, title
from isthmus.run_files.metrics import EpochRecord
from isthmus.run_files.scores import Score

_POINTS_A_LINE = 200
_ROWS_A_RUN = 12
_TIME_UNITS = (("seconds", 1, 300), ("minutes", 60, 3 * 3600), ("hours", 3600, math.inf))


@dataclass(frozen=True)
class TrainingFigures:
    """Validation PSNR against steps and against time.

    pca_images: on which PCA's lines were measured; `same` are the curves' own. levels: number of PCA's lines. seeds:
    whether there are thin lines of single seeds. noisy: whether it is of noisy images, on which PCA was not measured.
    """

    steps: Figure
    time: Figure
    pca_images: Literal["same", "test"]
    levels: int
    seeds: bool
    noisy: bool


def training(subjects: Sequence[Compared]) -> TrainingFigures | None:
    """Validation PSNR against steps and against seconds; None if no epoch was logged."""
    subjects = [subject for subject in subjects if any(logged(run) for run in subject.runs)]
    if not subjects:
        return None
    longest = max(epoch.seconds for subject in subjects for run in subject.runs for epoch in logged(run))
    unit, size = next((u, s) for u, s, limit in _TIME_UNITS if longest <= limit)
    noisy = chosen_on_noise([run for subject in subjects for run in subject.runs])
    pca_images, levels = ("same", []) if noisy else _pca_levels(subjects)
    table = _training_table(subjects, levels, noisy)
    steps = _training_figure(subjects, levels, table, noisy, "steps", "optimizer steps", lambda e: e.step)
    seconds = f"training time ({unit})"
    time = _training_figure(subjects, levels, table, noisy, "time", seconds, lambda e: e.seconds / size)
    seeds = any(sum(1 for run in subject.runs if logged(run)) > 1 for subject in subjects)
    return TrainingFigures(steps, time, pca_images, len(levels), seeds, noisy)


def _training_figure(
    subjects: Sequence[Compared],
    levels: Sequence[Level],
    table: FigureTable,
    noisy: bool,
    against: str,
    x_title: str,
    x: Callable[[EpochRecord], float],
) -> Figure:
    lines = [_line(subject, x, noisy) for subject in subjects]
    ends = [f"{line.name} ends at {text.fixed(line.main[-1][1], 2)} dB" for line in lines if line.main]
    ends += [f"dashed, {level.name}: {text.fixed(level.y, 2)} dB" for level in levels]
    drawings = [
        line_chart(
            lines,
            levels,
            layout=layout,
            x_title=x_title,
            title=f"{title(noisy=noisy)} against {against}",
            description=f"{'; '.join(ends)}.",
        )
        for layout in (WIDE, NARROW)
    ]
    return Figure(drawings, table)


def _line(subject: Compared, x: Callable[[EpochRecord], float], noisy: bool) -> Line:
    """Each seed's curve, and the mean curve over the epochs that all seeds reached."""
    seeds = [{e.epoch: (x(e), shown_psnr(e, noisy=noisy)) for e in logged(run)} for run in subject.runs if logged(run)]
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


def _pca_levels(subjects: Sequence[Compared]) -> tuple[Literal["same", "test"], list[Level]]:
    """PCA's PSNR of the mean MSE (the curves use the same mean), on validation images if known, else on test images."""
    evaluations = [subject.runs[0].evaluation for subject in subjects]
    known = [
        psnr_of_mean_mse(error, math.prod(evaluation.data.image_shape or ()), depth=evaluation.data.depth)
        for evaluation in evaluations
        if (error := evaluation.against_pca.validation.pca_mse) is not None and error > 0
    ]
    if len(known) == len(evaluations):
        pca_images, values = "same", known
    else:
        pca_images, values = "test", [e.scores.get("pca", Score()).psnr_of_mean_mse for e in evaluations]
    levels: dict[int, float] = {}
    for evaluation, value in zip(evaluations, values, strict=True):
        if math.isfinite(value):
            levels.setdefault(evaluation.pca_components, value)
    return pca_images, [Level(f"PCA {size:,}", value) for size, value in levels.items()]


def _training_table(subjects: Sequence[Compared], levels: Sequence[Level], noisy: bool) -> FigureTable:
    rows: list[tuple[str, ...]] = []
    for subject in subjects:
        for run in subject.runs:
            epochs = logged(run)
            every = math.ceil(len(epochs) / _ROWS_A_RUN) or 1
            for epoch in epochs[:-1:every] + epochs[-1:]:
                rows.append(
                    (
                        subject.name,
                        str(run.evaluation.seed),
                        str(epoch.epoch),
                        f"{epoch.step:,}",
                        text.fixed(epoch.seconds, 1),
                        text.fixed(shown_psnr(epoch, noisy=noisy), 2),
                    )
                )
    rows += [(level.name, "", "", "", "", text.fixed(level.y, 2)) for level in levels]
    columns = ("Model", "Seed", "Epoch", "Steps", "Time (s)", f"{title(noisy=noisy)} (dB)")
    return FigureTable(columns, rows)
