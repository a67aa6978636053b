"""How the validation score rose over training, against steps and against time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from isthmus.report import text
from isthmus.report.figures import Figure, Table
from isthmus.report.folder import RunFolder, Subject
from isthmus.report.line_chart import Level, Line, line_chart
from isthmus.report.schema import Epoch
from isthmus.report.svg import NARROW, WIDE

_POINTS_A_LINE = 200
_ROWS_A_RUN = 12
_TIME_UNITS = (("seconds", 1, 300), ("minutes", 60, 3 * 3600), ("hours", 3600, math.inf))


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
    for evaluation in (subject.runs[0].evaluation for subject in subjects):
        if "pca" in evaluation.scores and math.isfinite(evaluation.scores["pca"].psnr_of_mean_mse):
            levels.setdefault(evaluation.pca_components, evaluation.scores["pca"].psnr_of_mean_mse)
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
