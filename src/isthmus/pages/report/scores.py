"""Tables of scores: numbers with their intervals, units in the headings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from isthmus.core.wording import pca_of
from isthmus.evaluation.describe_measures import measures_in
from isthmus.pages.report import text
from isthmus.pages.report.read_folder import Compared, RunFolder
from isthmus.run_files.denoising import METHODS, DenoisingRecord
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.findings import Findings, VariationRecord
from isthmus.run_files.scores import IntervalRecord, MeasureRecord, Score


@dataclass(frozen=True)
class Column:
    """A heading with the unit of its column in small print; `words` if the column is not numeric.

    word: its key in the glossary. about: a line of explanation, for what the glossary does not have.
    caption: a sentence for the text below the table. higher_is_better: of a measure; None for other columns.
    """

    title: str
    unit: str = ""
    about: str = ""
    words: bool = False
    word: str = ""
    caption: str = ""
    higher_is_better: bool | None = None


@dataclass(frozen=True)
class Cell:
    """A value as text, a smaller line below it, and its sort key (empty: always last).

    tone: better, worse, or said; with said, the smaller line is a sentence and may wrap.
    """

    value: str
    detail: str = ""
    sort: str = ""
    tone: str = ""


@dataclass(frozen=True)
class ScoreRow:
    """One model; `colour` is its place in the palette, None for a baseline."""

    name: str
    cells: Sequence[Cell]
    colour: int | None = None


@dataclass(frozen=True)
class ScoreTable:
    """The columns after the model's name, and one row per model."""

    columns: Sequence[Column]
    rows: Sequence[ScoreRow]

    @property
    def captions(self) -> str:
        """What to say about the columns, each sentence once."""
        return " ".join(dict.fromkeys(column.caption for column in self.columns if column.caption))

    def has(self, title: str) -> bool:
        """Whether there is a column with this heading."""
        return any(column.title == title for column in self.columns)


_STUDY = (
    Column(
        "Against PCA",
        "PSNR, dB",
        word="pca",
        caption="“Against PCA” is the paired difference to the best linear method with as many numbers.",
    ),
    Column("Latent", "numbers", word="latent"),
    Column("Parameters", "count"),
    Column("Multiply-adds", "per image", word="multiply-adds"),
    Column("Training", "time a run"),
    Column("Epochs", "count", word="epoch"),
    Column("Why it stopped", words=True),
)
_OF_THE_MEAN = Column(
    "PSNR of the mean MSE",
    "dB",
    caption="The last column is the PSNR of the average error. It is lower than the average PSNR, and other sources "
    "quote either of them.",
)
_BASELINES = {
    "model": "This model",
    "pca": "PCA",
    "mean_image": "Mean image",
    "denoised": "This model, noisy input",
    "noisy_input": "Noisy input itself",
}


def study_table(study: Findings, subjects: Sequence[Compared]) -> ScoreTable:
    """One row per variation, finished or not, with its verdict against PCA."""
    scored = [v.scores for v in study.variations if v.scores is not None]
    measures = measures_in(_names(scored), study.measures)
    runs = {subject.name: subject.runs for subject in subjects}
    verdicts = {finding.variation: finding.final_verdict or "" for finding in study.findings if finding.kind == "pca"}
    rows = [
        ScoreRow(v.name, _variation_cells(v, measures, runs.get(v.name, ()), verdicts.get(v.name, "")), colour)
        for colour, v in enumerate(study.variations)
    ]
    return without_empty(ScoreTable((*map(_column, measures.values()), *_STUDY), rows))


def baseline_table(evaluation: EvaluationRecord) -> ScoreTable:
    """A run's scores above the baselines' scores on the same test images."""
    scores = evaluation.scores
    measures = measures_in(_names(scores.values()), evaluation.measures)
    rows: list[ScoreRow] = []
    for key, name in _BASELINES.items():
        if key in scores:
            score = scores[key]
            title = pca_of(score.components, score.square or 0) if score.components else name
            whole = Cell(text.fixed(score.psnr_of_mean_mse, 2), sort=sort_key(score.psnr_of_mean_mse))
            rows.append(ScoreRow(title, [*_quality_cells(score, measures), whole], 0 if key == "model" else None))
    return without_empty(ScoreTable((*map(_column, measures.values()), _OF_THE_MEAN), rows))


def method_table(found: DenoisingRecord) -> ScoreTable:
    """How near a model and methods without training bring noisy images to those without noise."""
    measures = measures_in(_names(found.scores.values()), found.measures)
    rows = [
        ScoreRow(METHODS[who][:1].upper() + METHODS[who][1:], _quality_cells(found.scores[who], measures), colour)
        for who, colour in ((who, 0 if who == "model" else None) for who in METHODS if who in found.scores)
    ]
    return without_empty(ScoreTable([*map(_column, measures.values())], rows))


def without_empty(table: ScoreTable) -> ScoreTable:
    """The table without the columns in which no row has a value, other than measures."""
    kept = [
        n
        for n, column in enumerate(table.columns)
        if column.higher_is_better is not None or any(row.cells[n].value != text.MISSING for row in table.rows)
    ]
    rows = [ScoreRow(row.name, [row.cells[n] for n in kept], row.colour) for row in table.rows]
    return ScoreTable([table.columns[n] for n in kept], rows)


def which_is_better(table: ScoreTable) -> str:
    """'Higher PSNR and SSIM are better, lower MSE is better.', of the measures in the table."""
    said: list[str] = []
    for side, higher in (("higher", True), ("lower", False)):
        names = [column.title for column in table.columns if column.higher_is_better is higher]
        if names:
            said.append(f"{side} {text.listing(names)} {'is' if len(names) == 1 else 'are'} better")
    sentence = ", ".join(said)
    return f"{sentence[:1].upper()}{sentence[1:]}." if said else ""


def _variation_cells(
    variation: VariationRecord, measures: Mapping[str, MeasureRecord], runs: Sequence[RunFolder], verdict: str
) -> list[Cell]:
    cost = variation.cost
    size = variation.latent_size
    of = f"of {variation.image_values:,}" if variation.image_values else ""
    stopped = dict.fromkeys(run.evaluation.cost.sentence for run in runs if run.evaluation.cost.sentence)
    return [
        *_quality_cells(variation.scores or Score(), measures),
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


def _names(scores: Iterable[Score]) -> set[str]:
    """The names of the measures in a table."""
    return {name for score in scores for name in score.by_measure}


def _column(measure: MeasureRecord) -> Column:
    unit = ", ".join(filter(None, ("×10⁻³" if _is_small(measure) else "", measure.unit)))
    word = measure.name.lower()
    return Column(measure.name, unit, measure.about, word=word, higher_is_better=measure.higher_is_better)


def _quality_cells(score: Score, measures: Mapping[str, MeasureRecord]) -> list[Cell]:
    found = score.by_measure
    return [_quality_cell(found.get(name, IntervalRecord()), measure) for name, measure in measures.items()]


def _quality_cell(value: IntervalRecord, measure: MeasureRecord) -> Cell:
    if _is_small(measure):
        return _interval_cell(_thousandfold(value), measure.decimals - 3)
    return _interval_cell(value, measure.decimals)


def _is_small(measure: MeasureRecord) -> bool:
    """Whether to write scores in thousandths: with this many decimals, the first ones are zeros."""
    return measure.decimals > 4


def _interval_cell(value: IntervalRecord, digits: int) -> Cell:
    if value.undefined:
        return Cell(text.MISSING, f"undefined: {value.undefined}", tone="said")
    return Cell(text.fixed(value.mean, digits), text.interval(value, digits), sort_key(value.mean))


def _thousandfold(value: IntervalRecord) -> IntervalRecord:
    return IntervalRecord(mean=value.mean * 1000, low=value.low * 1000, high=value.high * 1000)


def sort_key(value: float | None) -> str:
    """The sort key of a cell with this number."""
    return "" if value is None or math.isnan(value) else repr(float(value))


def _states(variation: VariationRecord) -> str:
    return text.listing([f"seed {run.seed} {run.status}" for run in variation.runs]) or text.MISSING
