"""The page of a training under way: how far each run is, its curve, and what it makes of validation images."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import isthmus
from isthmus.core.pixels import depth_of
from isthmus.pages.report import text
from isthmus.pages.report.figures import Figure, FigureTable
from isthmus.pages.report.gallery import Gallery, Row, plain_pictures, scored_pictures
from isthmus.pages.report.line_chart import Line, line_chart
from isthmus.pages.report.page import write_page
from isthmus.pages.report.svg import NARROW, WIDE
from isthmus.pages.shown_pixels import remarks, view_of
from isthmus.pages.watch.look import WatchedRun
from isthmus.pages.watch.study import Watched
from isthmus.run_files.scores import Score

NAME = "watch.html"
_SHOWN = 8
_CURVES = 8


@dataclass(frozen=True)
class ProgressRow:
    """A run as a row of the page's table."""

    name: str
    colour: int
    state: str
    percent: int
    details: Sequence[str]
    link: str


def write_watch_page(watched: Watched, page: Path, *, every: float | None) -> Path:
    """Write the page and return its path; it reloads itself every `every` seconds, None: never again.

    Raises InputError where a file that isthmus did not make is there, OSError where it cannot be written.
    """
    colours = {name: n for n, name in enumerate(dict.fromkeys(run.name for run in watched.runs))}
    gallery, said = _pictures(watched.runs, colours)
    report = watched.folder / "report.html"
    return write_page(
        page,
        "watch.html.jinja",
        watched=watched,
        status=_status(watched, every),
        facts=_facts(watched.runs),
        refresh=None if every is None else max(1, round(every)),
        rows=[_row(run, colours[run.name], watched, page) for run in watched.runs],
        chart=_chart(watched.runs, colours),
        gallery=gallery,
        remarks=said,
        report=report.name if report.is_file() and page.parent == watched.folder else "",
        written=time.strftime("%H:%M:%S"),
        isthmus=isthmus.__version__,
    )


def _status(watched: Watched, every: float | None) -> str:
    thing = "study" if watched.is_study else "run"
    if watched.ended == "finished":
        lost = len(watched.runs) - watched.finished
        return f"Finished{f'; {lost} of {len(watched.runs)} runs failed' if lost else ''}."
    if watched.ended:
        return f"Stopped: nothing works on this {thing} any more. It can go on where it stopped."
    if every is None:
        return "Not watched any more: this page stays as it is."
    return f"{watched.finished} of {len(watched.runs)} runs done." if watched.is_study else "Under way."


def _facts(runs: Iterable[WatchedRun]) -> list[str]:
    environment = next((run.environment for run in runs if run.environment is not None), None)
    if environment is None:
        return []
    return [one for one in (environment.data.source, f"{environment.device} ({environment.precision})") if one]


def _row(run: WatchedRun, colour: int, watched: Watched, page: Path) -> ProgressRow:
    state = run.state
    if watched.is_study and state == "stopped" and not watched.ended:
        state = "waiting"  # it was interrupted before, and has its turn again
    own = run.folder / "report.html"
    linked = own.is_file() and page.parent == watched.folder and watched.is_study
    name = f"{run.name}, seed {run.seed}" if watched.is_study else run.name
    return ProgressRow(
        name,
        colour,
        state,
        math.floor(100 * run.done),
        list(filter(None, _details(run))),
        f"./{quote(run.name)}/seed-{run.seed}/report.html" if linked else "",
    )


def _details(run: WatchedRun) -> Iterable[str]:
    if run.state == "failed":
        yield run.error
        return
    if run.evaluation is not None:
        scores = run.evaluation.scores
        yield f"test PSNR {text.fixed(scores.get('model', Score()).psnr.mean, 2)} dB"
        yield f"PCA {text.fixed(scores.get('pca', Score()).psnr.mean, 2)} dB"
        return
    if run.last is None:
        return
    if run.epochs:
        best = max(run.epochs, key=lambda epoch: (math.isfinite(epoch.validation_psnr), epoch.validation_psnr))
        yield f"best validation PSNR {text.fixed(best.validation_psnr, 2)} dB"
    schedule = run.environment.schedule if run.environment else None
    yield f"epoch {run.last.epoch:,}{f' of {schedule.epochs:,}' if schedule else ''}"
    yield f"step {run.last.step:,}"
    if run.step is not None:
        yield f"loss {run.step.loss:.5g}" if math.isfinite(run.step.loss) else ""
        yield f"{text.fixed(run.step.images_per_second, 0)} images/s" if run.step.images_per_second > 0 else ""
    yield f"{text.duration(run.last.seconds)} so far"
    if run.state == "training" and run.left is not None:
        yield f"about {text.duration(run.left)} left"


def _chart(runs: Sequence[WatchedRun], colours: dict[str, int]) -> Figure | None:
    """Validation PSNR against steps; one line a variation, of the mean over the seeds that have begun."""
    lines: list[Line] = []
    rows: list[tuple[str, ...]] = []
    for name, colour in colours.items():
        seeds = [
            [(float(epoch.step), epoch.validation_psnr) for epoch in run.epochs if math.isfinite(epoch.validation_psnr)]
            for run in runs
            if run.name == name
        ]
        begun = [points for points in seeds if points]
        if begun:
            main = max(begun, key=len)
            lines.append(Line(name, colour, main, [points for points in begun if points is not main]))
            rows.append((name, f"{main[-1][0]:,.0f}", text.fixed(main[-1][1], 2)))
    if not lines:
        return None
    shown = lines[-_CURVES:]
    drawings = [
        line_chart(
            shown,
            (),
            layout=layout,
            x_title="optimizer steps",
            title="Validation PSNR of the mean error so far",
            description="; ".join(f"{name}: {score} dB" for name, _, score in rows) + ".",
        )
        for layout in (WIDE, NARROW)
    ]
    return Figure(drawings, FigureTable(("Model", "Steps", "Validation PSNR of the mean error (dB)"), rows))


def _pictures(runs: Sequence[WatchedRun], colours: dict[str, int]) -> tuple[Gallery | None, list[str]]:
    """Validation images and what each run in training makes of them, and what the pictures leave out."""
    rows: list[Row] = []
    columns: list[str] = []
    said: list[str] = []
    first = None
    for run in runs:
        kept = run.preview
        if kept is None:
            continue
        originals, outputs = kept.originals[:_SHOWN], kept.outputs[:_SHOWN]
        view = view_of(originals.shape[1], run.shown_channels)
        if first is None:
            first, columns = originals, [f"#{place}" for place in range(1, len(originals) + 1)]
            rows.append(Row("Original", plain_pictures(view, originals, columns, "original")))
            said = remarks(view, depth_of(originals.dtype), None)
        if originals.shape != first.shape or not (originals == first).all():
            continue
        made = scored_pictures(view, originals, outputs, columns, f"output of {run.name}")
        rows.append(Row(run.name, made, f"step {kept.step:,}", colours[run.name]))
    return (Gallery("Validation images, and what the network makes of them", columns, rows) if rows else None), said
