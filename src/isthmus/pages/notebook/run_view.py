"""What a run shows in a notebook: its scores beside PCA's, its pictures, its training, and the doctor's words."""

from __future__ import annotations

from pathlib import Path

from isthmus.core.errors import InputError, RunError
from isthmus.pages.notebook import pictures
from isthmus.pages.notebook.curve import training_curve
from isthmus.pages.notebook.render import link_to, render
from isthmus.pages.report import text
from isthmus.pages.report.handling import done_to_pictures
from isthmus.pages.report.headlines import run_headlines
from isthmus.pages.report.read_folder import read_run
from isthmus.pages.report.reproduce import device, image_counts
from isthmus.pages.report.scores import ScoreTable, baseline_table
from isthmus.pages.shown_pixels import remarks


def run_view(folder: Path) -> str:
    """Static HTML. Where the run is not evaluated, or a file is damaged, the sentence that says so."""
    try:
        run = read_run(folder)
    except (InputError, RunError) as error:
        return render("problem.html.jinja", what="Run", folder=folder, sentence=error)
    evaluation, shown, table = run.evaluation, pictures.of_run(run), baseline_table(run.evaluation)
    facts = (evaluation.data.source, image_counts(evaluation.data), f"seed {evaluation.seed}", device([run]))
    about_pictures = remarks(run.view, evaluation.data.depth, evaluation.data.range) if shown else []
    page = folder / "report.html"
    return render(
        "run.html.jinja",
        folder=folder,
        name=evaluation.name,
        facts=", ".join(fact for fact in facts if fact),
        sentences=[headline.sentence for headline in run_headlines(evaluation)],
        cautions=[*evaluation.flags, *run.notices],
        table=table,
        undefined=_undefined(table),
        shown=shown,
        about_pictures=[*about_pictures, *([shown.reduced] if shown and shown.reduced else [])],
        curve=training_curve(run),
        doctor=evaluation.doctor,
        handling=[caution.sentence for caution in done_to_pictures(evaluation.data)],
        trained=text.duration(evaluation.cost.train_seconds),
        report=link_to(page) if page.is_file() else "",
    )


def _undefined(table: ScoreTable) -> list[str]:
    """Why a column has no numbers, once for each."""
    said = {
        column.title: cell.detail
        for row in table.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell.tone == "said"
    }
    return [f"{title} is {reason}." for title, reason in said.items()]
