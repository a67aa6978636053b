"""The page of one run: its scores, the baselines, and its training."""

from __future__ import annotations

from pathlib import Path

from isthmus.pages.report import gallery, latent_tables, quality_figures, text, training_figures
from isthmus.pages.report.handling import done_to_pictures
from isthmus.pages.report.headlines import run_headlines
from isthmus.pages.report.image_words import image_words, on_some
from isthmus.pages.report.limits import run_limits
from isthmus.pages.report.noise import denoising
from isthmus.pages.report.noise_removal import noise_removal
from isthmus.pages.report.opening import opening
from isthmus.pages.report.page import write_page
from isthmus.pages.report.pictures import ERROR_LIMIT, error_scale_uri
from isthmus.pages.report.read_folder import Compared, RunFolder, in_study, read_run
from isthmus.pages.report.reproduce import Caution, device, environment, image_counts
from isthmus.pages.report.scores import baseline_table, which_is_better
from isthmus.pages.report.try_next import after_run
from isthmus.run_files.scores import Score
from isthmus.runs.denoising_results import read_denoising

_EXTREMES = 8
_SAMPLES = 30


def write_run_report(folder: Path, scored: Path | None = None) -> Path:
    """Write the run's report.html from its folder and return its path.

    scored: the folder of an evaluation on other images, which gets a page of its own.
    Raises InputError if evaluation.json is missing or a file is damaged, OSError if the page cannot be written.
    """
    run = read_run(folder, scored)
    evaluation = run.evaluation
    subject = Compared(evaluation.name, 0, (run,))
    facts = (evaluation.data.source, image_counts(evaluation.data), f"seed {evaluation.seed}", device([run]))
    quality = quality_figures.Quality(
        evaluation.name,
        0,
        evaluation.latent_size,
        evaluation.cost.multiply_adds,
        evaluation.scores.get("model", Score()).psnr,
    )
    table = baseline_table(evaluation)
    holds = latent_tables.latent_table([(evaluation.name, 0, evaluation.latent)])
    return write_page(
        (scored or folder) / "report.html",
        "run.html.jinja",
        run=run,
        evaluation=evaluation,
        subject=subject,
        facts=[fact for fact in facts if fact],
        headlines=run_headlines(evaluation),
        cautions=[Caution(sentence) for sentence in (*evaluation.flags, *run.notices)],
        limits=run_limits(evaluation),
        advice=after_run(run),
        opening=opening([subject], (), {}),
        study_link="../../report.html" if in_study(folder) else "",
        table=table,
        table_words=f"{which_is_better(table)} {table.captions}".strip(),
        costs=_costs(run),
        handling=done_to_pictures(evaluation.data),
        images=image_words([run]),
        latent_on=on_some(latent_tables.measured(holds), evaluation.latent.images),
        curve_on=on_some("PCA’s curve is", evaluation.pca_curve_images),
        comparison=gallery.comparison([subject]),
        extremes=gallery.extremes(subject, _EXTREMES),
        noise=denoising(subject),
        removal=None if scored else noise_removal(read_denoising(folder, evaluation.checkpoint)),
        doctor=evaluation.doctor,
        holds=holds,
        causes=latent_tables.causes(evaluation.latent),
        samples=gallery.sample_gallery([subject], _SAMPLES),
        training=training_figures.training([subject]),
        latent=quality_figures.latent_size([quality], [(p.components, p.psnr) for p in evaluation.pca_curve]),
        error_limit=ERROR_LIMIT,
        error_scale=error_scale_uri(),
        command=next((value for key, value in text.flatten(dict(run.environment)) if key == "command"), ""),
        environment=environment([run], evaluation.data),
        isthmus=evaluation.isthmus,
    )


def _costs(run: RunFolder) -> list[tuple[str, str]]:
    evaluation = run.evaluation
    cost, checkpoint = evaluation.cost, evaluation.checkpoint
    rows = [
        ("Latent size", f"{evaluation.latent_size:,} numbers"),
        ("Parameters", f"{text.count(cost.parameters)}, of which {text.count(cost.trainable)} trainable"),
        ("Multiply-adds", f"{text.short(cost.multiply_adds)} per image"),
        ("Training time", f"{text.duration(cost.train_seconds)} at {text.fixed(cost.images_per_second, 0)} images/s"),
        ("Epochs", f"{text.count(cost.epochs)}, best at {text.count(cost.best_epoch)}"),
        ("Steps", text.count(cost.steps)),
        ("Why it stopped", cost.sentence or text.MISSING),
    ]
    if checkpoint.which:
        rows.append(("Weights scored", f"{checkpoint.which}, from epoch {text.count(checkpoint.epoch)}"))
    return rows
