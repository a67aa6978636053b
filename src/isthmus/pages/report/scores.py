"""The tables of scores: numbers with their intervals, units in the headings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.core.wording import components
from isthmus.pages.report import text
from isthmus.pages.report.read_folder import Compared, RunFolder
from isthmus.run_files.schema import Finding, IntervalRecord, Score, VariationRecord


@dataclass(frozen=True)
class Column:
    """A heading and, in small print, the unit of what stands below; `words` where that is no number."""

    title: str
    unit: str = ""
    words: bool = False


@dataclass(frozen=True)
class Cell:
    """A value as text, a smaller line beneath, and what it sorts by (nothing: always last).

    tone: better, worse, or said, whose smaller line is a sentence and may be folded.
    """

    value: str
    detail: str = ""
    sort: str = ""
    tone: str = ""


@dataclass(frozen=True)
class ScoreRow:
    """One model; `colour` is its place in the palette, None for a yardstick."""

    name: str
    cells: Sequence[Cell]
    colour: int | None = None


@dataclass(frozen=True)
class ScoreTable:
    """Columns after the model's name, and a row a model."""

    columns: Sequence[Column]
    rows: Sequence[ScoreRow]


_QUALITY = (Column("PSNR", "dB"), Column("SSIM", "1 = same"), Column("MSE", "×10⁻³, pixels 0–1"))
_STUDY = (
    *_QUALITY,
    Column("Against PCA", "PSNR, dB"),
    Column("Latent", "numbers"),
    Column("Parameters", "count"),
    Column("Multiply-adds", "per image"),
    Column("Training", "time a run"),
    Column("Epochs", "count"),
    Column("Why it stopped", words=True),
)
_BASELINES = {
    "model": "This model",
    "pca": "PCA",
    "mean_image": "Mean image",
    "denoised": "This model, noisy input",
    "noisy_input": "Noisy input itself",
}


def study_table(
    variations: Sequence[VariationRecord], subjects: Sequence[Compared], findings: Sequence[Finding] = ()
) -> ScoreTable:
    """A row a variation, finished or not; `findings` hold the verdicts on them against PCA."""
    runs = {subject.name: subject.runs for subject in subjects}
    verdicts = {finding.variation: finding.final_verdict or "" for finding in findings if finding.kind == "pca"}
    rows = [
        ScoreRow(v.name, _variation_cells(v, runs.get(v.name, ()), verdicts.get(v.name, "")), colour)
        for colour, v in enumerate(variations)
    ]
    return ScoreTable(_STUDY, rows)


def baseline_table(scores: dict[str, Score]) -> ScoreTable:
    """A run's own scores above those of the yardsticks on the same test images."""
    rows: list[ScoreRow] = []
    for key, name in _BASELINES.items():
        if key in scores:
            score = scores[key]
            title = f"{name}, {components(score.components)}" if score.components else name
            whole = Cell(text.fixed(score.psnr_of_mean_mse, 2), sort=sort_key(score.psnr_of_mean_mse))
            rows.append(ScoreRow(title, [*_quality_cells(score), whole], 0 if key == "model" else None))
    return ScoreTable((*_QUALITY, Column("PSNR of the mean MSE", "dB")), rows)


def _variation_cells(variation: VariationRecord, runs: Sequence[RunFolder], verdict: str) -> list[Cell]:
    cost = variation.cost
    size = variation.latent_size
    of = f"of {variation.image_values:,}" if variation.image_values else ""
    stopped = dict.fromkeys(run.evaluation.cost.sentence for run in runs if run.evaluation.cost.sentence)
    return [
        *_quality_cells(variation.scores or Score()),
        _against_pca(variation, verdict),
        Cell(text.count(size), of, sort_key(size)),
        Cell(text.count(cost.parameters), sort=sort_key(cost.parameters)),
        Cell(text.short(cost.multiply_adds), sort=sort_key(cost.multiply_adds)),
        Cell(text.duration(cost.train_seconds), sort=sort_key(cost.train_seconds)),
        Cell(text.count(cost.epochs), sort=sort_key(cost.epochs)),
        Cell("; ".join(stopped) or cost.sentence or _states(variation)),
    ]


def _against_pca(variation: VariationRecord, verdict: str) -> Cell:
    against = variation.against_pca.psnr
    if variation.stayed_at_pca:
        return Cell("not tested", "training did not improve on PCA", sort_key(against.mean), "said")
    tone = verdict if verdict in ("better", "worse") else ""
    return Cell(text.signed(against.mean, 2), text.interval(against, 2, sign=True), sort_key(against.mean), tone)


def _quality_cells(score: Score) -> list[Cell]:
    return [_interval_cell(score.psnr, 2), _interval_cell(score.ssim, 3), _interval_cell(_thousandfold(score.mse), 2)]


def _interval_cell(value: IntervalRecord, digits: int) -> Cell:
    if value.undefined:
        return Cell(text.MISSING, f"undefined: {value.undefined}", tone="said")
    return Cell(text.fixed(value.mean, digits), text.interval(value, digits), sort_key(value.mean))


def _thousandfold(value: IntervalRecord) -> IntervalRecord:
    return IntervalRecord(mean=value.mean * 1000, low=value.low * 1000, high=value.high * 1000)


def sort_key(value: float | None) -> str:
    """What a cell with this number sorts by."""
    return "" if value is None or math.isnan(value) else repr(float(value))


def _states(variation: VariationRecord) -> str:
    return text.listing([f"seed {run.seed} {run.status}" for run in variation.runs]) or text.MISSING
