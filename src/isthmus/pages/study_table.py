"""The table of a study, one row per variation, for papers, other programs and notebooks."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.columns import Columns, as_table
from isthmus.core.wording import on_one_line
from isthmus.evaluation.describe_measures import measures_in
from isthmus.pages.notebook.interfaces import ShownInNotebooks
from isthmus.pages.notebook.render import render
from isthmus.pages.report import text
from isthmus.run_files.findings import Findings, VariationRecord
from isthmus.run_files.scores import IntervalRecord, MeasureRecord, Score

_LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # fonts of the older encoding have other characters in their places
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    text.MINUS: "$-$",
    text.MISSING: "--",
    "∞": r"$\infty$",
}
_MARKDOWN = frozenset("\\|<*`")  # what would be read as a mark; an underscore within a word is none


@dataclass(frozen=True)
class TableCell:
    """A number as text with its interval, or a heading with its unit; the second is empty where there is none."""

    value: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.value} ({self.detail})" if self.detail else self.value


@dataclass(frozen=True, repr=False)
class StudyTable(ShownInNotebooks):
    """Scores with their 95 % intervals, the difference from PCA, and what each variation cost.

    rows: the variation's name first. notes: sentences to print below the table. columns: name -> the same as numbers,
    one per row, nan where nothing was measured; units are in the names.
    """

    headings: Sequence[TableCell]
    rows: Sequence[Sequence[TableCell]]
    notes: Sequence[str]
    columns: Mapping[str, Sequence[str | float]]

    def markdown(self) -> str:
        """A table as GitHub, Jupyter and pandoc show it, and the notes."""
        ruler = f"| :-- |{' --: |' * (len(self.headings) - 1)}"
        first, *others = [f"| {' | '.join(map(_in_markdown, line))} |" for line in (self.headings, *self.rows)]
        table = "\n".join([first, ruler, *others])
        return f"{table}\n\n{' '.join(self.notes)}\n"

    def latex(self) -> str:
        """A `tabular` with the rules of the package booktabs, which the document needs; the notes are a comment."""
        lines = [" & ".join(map(_in_latex, line)) + r" \\" for line in (self.headings, *self.rows)]
        notes = [f"% {on_one_line(note)}" for note in self.notes]  # a second line would not be a comment
        begin = rf"\begin{{tabular}}{{l{'r' * (len(self.headings) - 1)}}}"
        parts = [*notes, begin, r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule", r"\end{tabular}"]
        return "\n".join(parts) + "\n"

    def csv(self) -> str:
        """The numbers in full, with the ends of the intervals in columns of their own; nothing where there is none."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self.columns)
        for row in zip(*self.columns.values(), strict=True):
            writer.writerow("" if isinstance(value, float) and math.isnan(value) else value for value in row)
        return stream.getvalue()

    def numbers(self) -> Columns:
        """What `csv` writes, as a pandas DataFrame, or as a dictionary of arrays where pandas is not installed."""
        return as_table({name: np.array(values) for name, values in self.columns.items()})

    def __repr__(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str:
        return render("table.html.jinja", table=self)


def study_table(findings: Findings, *, tested_on: str = "") -> StudyTable:
    """The table of findings.json.

    tested_on: a sentence about the test images, where they are not the same for all rows.
    """
    scored = [row.scores for row in findings.variations if row.scores is not None]
    measures = measures_in((name for scores in scored for name in scores.by_measure), findings.measures)
    first, *others = [TableCell(one.name, one.unit) for one in measures.values()] or [TableCell("PSNR", "dB")]
    costs = map(TableCell, ("Latent", "Parameters", "Multiply-adds", "Epochs"))
    headings = (
        *(TableCell("Variation"), first, TableCell("Over PCA", "dB"), *others),
        *(*costs, TableCell("Training", "s"), TableCell("Seeds")),
    )
    rows = [_row(row, measures) for row in findings.variations]
    numbers = [_numbers(row, measures) for row in findings.variations]
    columns = {name: [row[name] for row in numbers] for name in numbers[0]}
    return StudyTable(headings, rows, _notes(findings, measures, tested_on), columns)


def _row(row: VariationRecord, measures: Mapping[str, MeasureRecord]) -> list[TableCell]:
    if row.scores is None:
        return [TableCell(row.name), TableCell("no finished run"), *[TableCell("")] * (max(len(measures), 1) + 6)]
    scores, cost = row.scores.by_measure, row.cost
    first, *others = [
        _with_interval(scores.get(name, IntervalRecord()), measure.decimals) for name, measure in measures.items()
    ]
    over = TableCell("is PCA") if row.stayed_at_pca else _with_interval(row.against_pca.psnr, 2, sign=True)
    costs = (
        text.count(row.latent_size),
        text.count(cost.parameters),
        text.short(cost.multiply_adds),
        text.count(cost.epochs),
        text.fixed(cost.train_seconds, 1),
        text.count(_seeds(row)),
    )
    return [TableCell(row.name), first, over, *others, *map(TableCell, costs)]


def _numbers(row: VariationRecord, measures: Mapping[str, MeasureRecord]) -> dict[str, str | float]:
    scores = (row.scores or Score()).by_measure
    found: dict[str, str | float] = {"variation": row.name}
    ends = {_name(name, measure): scores.get(name, IntervalRecord()) for name, measure in measures.items()}
    for name, value in {**ends, "over_pca_db": row.against_pca.psnr}.items():
        found |= {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}
    cost = row.cost
    return found | {
        "latent_size": float("nan") if row.latent_size is None else row.latent_size,
        "parameters": cost.parameters,
        "multiply_adds": cost.multiply_adds,
        "epochs": cost.epochs,
        "train_seconds": cost.train_seconds,
        "seeds": _seeds(row),
    }


def _seeds(row: VariationRecord) -> int:
    return sum(run.status == "done" for run in row.runs)


def _with_interval(value: IntervalRecord, digits: int, *, sign: bool = False) -> TableCell:
    mean = (text.signed if sign else text.fixed)(value.mean, digits)
    return TableCell(mean, text.interval(value, digits, sign=sign))


def _name(name: str, measure: MeasureRecord) -> str:
    return f"{name}_{measure.unit.lower()}" if measure.unit.isalpha() else name


def without_result(findings: Findings) -> list[str]:
    """The runs that a table does not cover, such as `vae, seed 1 (failed)`."""
    return [
        f"{row.name}, seed {run.seed} ({run.status})"
        for row in findings.variations
        for run in row.runs
        if run.status != "done"
    ]


def _notes(findings: Findings, measures: Mapping[str, MeasureRecord], tested_on: str) -> list[str]:
    data, notes = findings.data, ["Intervals: 95 %."]
    if findings.intervals:
        notes[0] = f"Intervals: {findings.intervals}."
    if tested_on:
        notes.append(tested_on)
    elif data is not None:
        notes.append(f"Scored on {text.count(data.test_images)} held-out images of {data.source}.")
    scored = [row.scores.by_measure for row in findings.variations if row.scores is not None]
    reasons = {measures[name].name: value.undefined for one in scored for name, value in one.items() if value.undefined}
    if missing := without_result(findings):
        notes.append(f"Without a result: {'; '.join(missing)}.")
    return [*notes, *(f"{name} is undefined: {reason}." for name, reason in reasons.items())]


def _in_markdown(cell: TableCell) -> str:
    return "".join(f"\\{letter}" if letter in _MARKDOWN else letter for letter in on_one_line(str(cell)))


def _in_latex(cell: TableCell) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in on_one_line(str(cell)))
