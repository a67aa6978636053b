"""Results as the command line prints them: findings, scores, diagnoses, exported files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from isthmus.cli.console import new_console, print_hanging
from isthmus.cli.narrow_tables import print_table
from isthmus.core.wording import all_printable, in_levels, pca_of, printable
from isthmus.evaluation.baselines.pca_comparison import run_beside_pca
from isthmus.evaluation.describe_measures import measures_in
from isthmus.evaluation.doctor.diagnosis import counts
from isthmus.evaluation.noise_sentence import run_beside_noise
from isthmus.pages.lost_runs import failures_together
from isthmus.run_files.denoising import METHODS, DenoisingRecord
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.findings import Finding, Findings
from isthmus.run_files.scores import HEADLINE, IntervalRecord, MeasureRecord, Score
from isthmus.run_files.write import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isthmus.inference.export import Exported
    from isthmus.run_files.diagnosis import Diagnosis

NAMES = {
    "model": "this model",
    "pca": "PCA",
    "mean_image": "mean image",
    "noisy_input": "noisy input itself",
    "denoised": "output for it",
}


def print_findings(findings: Findings) -> None:
    """The findings as sentences, then one row per variation."""
    findings = Findings.model_validate(all_printable(as_json(findings)))
    console = new_console()
    console.print()
    for one in failures_together(findings):
        print_hanging(console, one.sentence, after="• ")
    finished = [row.scores for row in findings.variations if row.scores is not None]
    measures = measures_in((name for scores in finished for name in scores.by_measure), findings.measures)
    headings = [_heading(measure) for measure in measures.values()]
    columns = ("variation", *headings[:1], "over PCA dB", *headings[1:], *_COST_COLUMNS)
    rows: list[tuple[str, ...]] = []
    for row in findings.variations:
        if row.scores is None:
            rows.append((row.name, "no finished run", *[""] * (len(columns) - 2)))
            continue
        cost, scores = row.cost, row.scores.by_measure
        headline, *others = (
            _score(scores.get(name, IntervalRecord()), measure, interval=name == HEADLINE)
            for name, measure in measures.items()
        )
        rows.append(
            (
                row.name,
                headline,
                "is PCA" if row.stayed_at_pca else f"{row.against_pca.psnr.mean:+.2f}",
                *others,
                f"{row.latent_size or 0:,}",
                f"{cost.parameters:,}",
                _rounded(cost.multiply_adds / 1e6),
                f"{cost.epochs:,.0f}",
                _rounded(cost.train_seconds),
            )
        )
    console.print()
    print_table(console, columns, rows, first_to_go=_COST_COLUMNS[1:])
    if finished:
        console.print(_HALF_WIDTH, markup=False)
    _print_undefined(console, measures, finished)
    for line in _corrections(findings.findings):
        console.print(line, markup=False)
    examined = [one.severity for row in findings.variations for one in row.doctor or ()]
    if examined:
        console.print(f"\nDoctor: {', '.join(counts(examined))}; the report says which.", markup=False)
    data = findings.data
    if data is not None:
        console.print(
            f"\n{data.source}: {data.train_images or 0:,} training, {data.validation_images or 0:,} validation, "
            f"{data.test_images or 0:,} test images; intervals {findings.intervals}.",
            markup=False,
        )


_HALF_WIDTH = "± is half of the 95 % interval."
_COST_COLUMNS = ("latent", "parameters", "M multiply-adds", "epochs", "seconds")


def print_evaluation(evaluation: EvaluationRecord) -> None:
    """The flags and diagnoses of a run as sentences, then its scores and those of its baselines."""
    evaluation = EvaluationRecord.model_validate(all_printable(as_json(evaluation)))
    console = new_console()
    for flag in evaluation.flags:
        print_hanging(console, flag, after="• ")
    for one in evaluation.doctor or ():
        print_hanging(console, f"{one.sentence} {one.remedy}", after="• ")
    measures = measures_in(
        (name for scores in evaluation.scores.values() for name in scores.by_measure), evaluation.measures
    )
    rows: list[tuple[str, ...]] = []
    for who, score in evaluation.scores.items():
        name = pca_of(score.components, score.square or 0) if score.components else NAMES.get(who, who)
        scores = score.by_measure
        cells = [
            _score(scores.get(name, IntervalRecord()), measure, interval=True) for name, measure in measures.items()
        ]
        rows.append((name, *cells))
    print_table(console, ["", *map(_heading, measures.values())], rows)
    console.print(_HALF_WIDTH, markup=False)
    _print_undefined(console, measures, list(evaluation.scores.values()))
    beside_noise = run_beside_noise(evaluation)
    beside = [run_beside_pca(evaluation)[0], "" if beside_noise is None else beside_noise[0]]
    if evaluation.is_denoiser:
        beside.reverse()
    for sentence in filter(None, beside):
        console.print(sentence, markup=False)
    data = evaluation.data
    console.print(f"Scored on {data.test_images or 0:,} held-out images of {data.source}.", markup=False)


def print_denoising(found: Sequence[DenoisingRecord]) -> None:
    """For each strength of the noise, the comparison as a sentence and one row per method."""
    console = new_console()
    for place, one in enumerate(DenoisingRecord.model_validate(all_printable(as_json(one))) for one in found):
        console.print(
            f"{chr(10) if place else ''}Noise {one.noise_std:g}, {in_levels(one.noise_std)}: {one.sentence}",
            markup=False,
        )
        rows: list[tuple[str, ...]] = []
        for who, score in one.scores.items():
            cells = [
                _score(score.by_measure.get(name, IntervalRecord()), measure, interval=True)
                for name, measure in one.measures.items()
            ]
            rows.append((METHODS.get(who, who), *cells))
        print_table(console, ["", *map(_heading, one.measures.values())], rows)
    console.print(_HALF_WIDTH, markup=False)
    images = f"{found[0].images:,}" if found[0].images == found[0].of else f"{found[0].images:,} of {found[0].of:,}"
    console.print(
        f"Scored on {images} held-out images. Methods without training know how strong the noise is, and are tuned on "
        f"{found[0].tuned_on} validation images.",
        markup=False,
    )


def _print_undefined(console: Console, measures: Mapping[str, MeasureRecord], scores: Sequence[Score]) -> None:
    """Why a table shows "undefined", once for each measure."""
    reasons = {
        measures[name].name: value.undefined
        for one in scores
        for name, value in one.by_measure.items()
        if value.undefined
    }
    for name, reason in reasons.items():
        console.print(f"{name} is undefined: {reason}.", markup=False)


def _corrections(findings: Sequence[Finding]) -> list[str]:
    """Which verdicts were corrected for multiple comparisons, one line per base."""
    families = {one.against: one.corrected.comparisons for one in findings if one.corrected is not None}
    return [
        f"Verdicts against {'PCA' if against == 'pca' else against} are corrected for {count} comparisons (Holm)."
        for against, count in families.items()
    ]


def _rounded(value: float) -> str:
    """Whole from 10 on; below, two digits: a training of half a second did not take 0 s."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def print_doctor(found: Mapping[str, Sequence[Diagnosis]]) -> None:
    """found: run folder -> its diagnoses. Prints each sentence with its remedy on the line below."""
    console = new_console()
    for place, (folder, lines) in enumerate(found.items()):
        if len(found) > 1:
            console.print(f"{chr(10) if place else ''}[bold]{escape(printable(folder))}[/bold]")
        for one in lines:
            after = f"{one.severity}  "
            print_hanging(console, printable(one.sentence), after=after, style="bold")
            if one.remedy:
                print_hanging(console, printable(one.remedy), after=" " * len(after))
        if not lines:
            console.print("No check found a fault.")


def print_export(exported: Exported) -> None:
    """One row per file, and the PSNR that 16-bit weights lose."""
    console = new_console()
    difference = "largest difference from PyTorch"
    rows: list[tuple[str, ...]] = []
    for graph, given, answer in zip(exported.graphs, ("image", "latent"), ("latent", "image"), strict=True):
        shapes = (f"{name} {_shape(shape)}" for name, shape in ((given, graph.input), (answer, graph.output)))
        checked = f"{graph.difference:.1e}, batches of 1 and 3"
        rows.append((printable(str(graph.path)), *shapes, _megabytes(graph.path), checked))
    rows.append((printable(str(exported.weights)), "", "", _megabytes(exported.weights), "the same weights"))
    columns = ("file", "input", "output", "MB", difference)
    print_table(console, columns, rows, left=("input", "output", difference), first_to_go=("MB", "output", "input"))
    if exported.half_cost_db is not None:
        cost = f"Weights in 16 bits: {-exported.half_cost_db:+.4f} dB on held-out images."
        console.print(cost, markup=False)


def _shape(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('N' if size is None else str(size) for size in shape)})"


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f}"


def _heading(measure: MeasureRecord) -> str:
    """`PSNR dB`, `SSIM (1 = same)`."""
    unit = measure.unit if measure.unit.isalpha() or not measure.unit else f"({measure.unit})"
    return f"{measure.name} {unit}".rstrip()


def _score(score: IntervalRecord, measure: MeasureRecord, *, interval: bool) -> str:
    if math.isnan(score.mean):
        return "undefined" if score.undefined else "not measured"
    written = f"{score.mean:.{measure.decimals}f}"
    return f"{written} ± {(score.high - score.low) / 2:.{measure.decimals}f}" if interval else written
