"""The page of a study: which choice mattered, the evidence, and how to run it again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from isthmus.evaluation.doctor.diagnosis import counts
from isthmus.pages.lost_runs import lost_runs
from isthmus.pages.report import doctor, gallery, latent_tables, quality_figures, text, training_figures
from isthmus.pages.report.handling import done_in_study
from isthmus.pages.report.headlines import corrections, verdicts
from isthmus.pages.report.image_words import image_words, on_some
from isthmus.pages.report.limits import study_limits
from isthmus.pages.report.noise import denoising
from isthmus.pages.report.opening import opening
from isthmus.pages.report.page import write_page
from isthmus.pages.report.pictures import ERROR_LIMIT, error_scale_uri
from isthmus.pages.report.read_folder import Compared, StudyFolder, compared, read_study, run_links
from isthmus.pages.report.reproduce import Caution, cautions, device, environment, image_counts
from isthmus.pages.report.scores import study_table, which_is_better
from isthmus.pages.report.try_next import after_study
from isthmus.run_files.data import Data
from isthmus.run_files.findings import ONE_SEED, VariationRecord

_EXTREMES = 4
_SAMPLES = 15


def write_study_report(folder: Path, *, unfinished: str = "") -> Path:
    """Write the study's report.html from its findings.json and run folders, and return its path.

    unfinished: a sentence for the top of the page while the study still runs.
    Raises InputError if findings.json or a finished run's evaluation is missing or damaged, OSError if the page
    cannot be written.
    """
    return write_comparison(read_study(folder), folder / "report.html", unfinished=unfinished)


def write_comparison(study: StudyFolder, page: Path, *, unfinished: str = "", kind: str = "study") -> Path:
    """Write the page of a study, or of runs that were compared as one; arguments and errors as above.

    kind: what the page calls itself. Only a study's page links to an explorer beside it.
    """
    subjects = compared(study)
    findings = study.findings
    data = findings.data or Data()
    runs = list(study.runs.values())
    found = verdicts(findings.findings)
    table, holds = study_table(findings, subjects), latent_tables.study_latents(findings.variations)
    links = run_links(study)
    first_pages = {
        s.name: links.get(os.path.relpath(s.runs[0].path, study.path).replace(os.sep, "/"), "") for s in subjects
    }
    return write_page(
        page,
        "study.html.jinja",
        explorer=kind == "study" and page.with_name("explorer.html").is_file(),
        kind=kind,
        findings=findings,
        unfinished=unfinished,
        facts=list(filter(None, (data.source, image_counts(data), _seeds(study), device(runs)))),
        opening=opening(subjects, findings.findings, first_pages),
        verdicts=found,
        drawn=any(one.strip for one in (*found.mattered, *found.even, *found.pca)),
        lost=lost_runs(findings),
        corrected=corrections(findings.findings),
        limits=study_limits(findings, subjects),
        cautions=_cautions(study, subjects),
        advice=after_study(study, subjects),
        links=links,
        table=table,
        table_words=f"{which_is_better(table)} {table.captions}".strip(),
        comparison=gallery.comparison(subjects),
        not_comparable=gallery.not_comparable(subjects),
        extremes=[(subject, gallery.extremes(subject, _EXTREMES)) for subject in subjects],
        doctor=doctor.study_doctor(findings.variations),
        doctor_counts=text.listing(counts([line.severity for v in findings.variations for line in v.doctor or ()])),
        examined=any(v.doctor is not None for v in findings.variations),
        holds=holds,
        samples=gallery.sample_gallery(subjects, _SAMPLES),
        noise=[shown for subject in subjects if (shown := denoising(subject))],
        training=training_figures.training(subjects),
        latent=quality_figures.latent_size(_qualities(findings.variations), _pca_curve(study)),
        cost=quality_figures.cost(_qualities(findings.variations)),
        qualities=len(_qualities(findings.variations)),
        error_limit=ERROR_LIMIT,
        error_scale=error_scale_uri(),
        handling=done_in_study(subjects),
        images=image_words(runs),
        latent_on=on_some(latent_tables.measured(holds), _fewest(run.evaluation.latent.images for run in runs)),
        curve_on=on_some("PCA’s curve is", _fewest(run.evaluation.pca_curve_images for run in runs)),
        environment=environment(runs, data),
        isthmus=next((run.evaluation.isthmus for run in runs), ""),
    )


def _fewest(images: Iterable[int | None]) -> int | None:
    return min((count for count in images if count is not None), default=None)


def _seeds(study: StudyFolder) -> str:
    seeds = study.findings.seeds
    if not seeds:
        return ""
    return f"seed{'' if len(seeds) == 1 else 's'} {text.listing([str(seed) for seed in seeds])}"


def _cautions(study: StudyFolder, subjects: list[Compared]) -> list[Caution]:
    """What a reader must know: flags, the author's notes, damaged files, and the study's remarks.

    Remarks that the page shows elsewhere are left out: failures (the page names the failed runs), the notes of
    variations, and what the page says of one seed.
    """
    notices = {subject.name: [n for run in subject.runs for n in run.notices] for subject in subjects}
    variations = study.findings.variations
    notes = [variation.note for variation in variations if variation.note]
    remarks = [
        Caution(finding.sentence)
        for finding in study.findings.findings
        if finding.kind == "note"
        and not any(note in finding.sentence for note in notes)
        and not finding.sentence.startswith(ONE_SEED)
    ]
    flagged = [(v.name, [*v.flags, *([v.note] if v.note else []), *notices.get(v.name, [])]) for v in variations]
    return [*map(Caution, _other_images(study, subjects)), *remarks, *cautions(flagged)]


def _other_images(study: StudyFolder, subjects: list[Compared]) -> list[str]:
    """A sentence for what an earlier version compared or pooled although the runs' images differ."""
    runs = {subject.name: subject.runs for subject in subjects}
    compared = [
        (one.variation, one.against)
        for one in study.findings.findings
        if one.kind == "comparison" and one.verdict != "not tested"
    ]
    said: list[str] = []
    for names in [*((name,) for name in runs), *compared]:
        data = [run.evaluation.data for name in names for run in runs.get(name or "", ())]
        known = all(one.test_hash for one in data)
        if len({one.test_hash if known else one.hash for one in data}) > 1:
            said.append(
                f"The runs of {' and '.join(filter(None, names))} are not on the same images. Where their test images "
                "differ, do not compare their scores; train them again with another --out."
            )
    return said


def _qualities(variations: tuple[VariationRecord, ...]) -> list[quality_figures.Quality]:
    return [
        quality_figures.Quality(v.name, colour, v.latent_size, v.cost.multiply_adds, v.scores.psnr)
        for colour, v in enumerate(variations)
        if v.scores is not None and v.latent_size is not None
    ]


def _pca_curve(study: StudyFolder) -> list[tuple[int, float]]:
    curves = [run.evaluation.pca_curve for run in study.runs.values()]
    longest = max(curves, key=len, default=())
    return [(point.components, point.psnr) for point in longest]
