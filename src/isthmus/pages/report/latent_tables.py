"""Measures of the latent as a table: one row per model, one column per measure that any model has."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from isthmus.pages.report import text
from isthmus.pages.report.scores import Cell, Column, ScoreRow, ScoreTable, sort_key
from isthmus.run_files.findings import VariationRecord
from isthmus.run_files.latent import Beside, LatentRecord


@dataclass(frozen=True)
class _Measure:
    column: Column
    cell: Callable[[LatentRecord], Cell]


def latent_table(rows: Sequence[tuple[str, int, LatentRecord]]) -> ScoreTable | None:
    """rows: (name, place in the palette, its latent's measures). None if no model has any."""
    held = [one for one in _MEASURES if any(one.cell(latent).sort for _, _, latent in rows)]
    if not held:
        return None
    return ScoreTable(
        [one.column for one in held],
        [ScoreRow(name, [one.cell(latent) for one in held], colour) for name, colour, latent in rows],
    )


def study_latents(variations: Sequence[VariationRecord]) -> ScoreTable | None:
    """One row per variation with a finished run."""
    return latent_table([(v.name, colour, v.latent) for colour, v in enumerate(variations) if v.scores is not None])


def measured(table: ScoreTable | None) -> str:
    """The beginning of a sentence about the images on which the table's columns are measured."""
    return "All but the rate is" if table is not None and table.has("Rate") else "All of it is"


def causes(latent: LatentRecord) -> list[tuple[str, str]]:
    """(cause, R2 of its linear probe) for images with known causes."""
    found = latent.factors.linear_r2 if latent.factors else {}
    return [(name.replace("_", " ").capitalize(), text.fixed(value, 2)) for name, value in found.items()]


def _rate(latent: LatentRecord) -> Cell:
    if latent.codes is not None:
        return _cell(latent.codes.bits, 0, "at most")
    return _cell(latent.rate.bits, 1) if latent.rate else Cell(text.MISSING)


def _in_use(latent: LatentRecord) -> Cell:
    if latent.codes is not None:
        codes = latent.codes
        return Cell(text.fixed(codes.perplexity, 0), f"of {text.count(codes.count)} codes", sort_key(codes.used))
    if latent.active_units is not None:
        part = latent.active_units
        return Cell(text.count(part.count), f"of {text.count(part.of)} numbers", sort_key(part.count))
    return Cell(text.MISSING)


def _bits(latent: LatentRecord) -> Cell:
    return _cell(latent.likelihood.bits_per_dimension, 2) if latent.likelihood else Cell(text.MISSING)


def _linear(latent: LatentRecord) -> Cell:
    return _beside(latent.labels.linear_probe) if latent.labels else Cell(text.MISSING)


def _nearest(latent: LatentRecord) -> Cell:
    return _beside(latent.labels.nearest_neighbours) if latent.labels else Cell(text.MISSING)


def _causes(latent: LatentRecord) -> Cell:
    known = latent.factors.linear_r2 if latent.factors else {}
    return _cell(math.fsum(known.values()) / len(known), 2) if known else Cell(text.MISSING)


def _mig(latent: LatentRecord) -> Cell:
    return _cell(latent.factors.mig, 3) if latent.factors else Cell(text.MISSING)


def _dci(latent: LatentRecord) -> Cell:
    return _cell(latent.factors.dci.disentanglement, 2) if latent.factors else Cell(text.MISSING)


def _cell(value: float, digits: int, detail: str = "") -> Cell:
    return Cell(text.fixed(value, digits), "" if math.isnan(value) else detail, sort_key(value))


def _beside(value: Beside) -> Cell:
    pca = f"PCA {text.fixed(100 * value.pca, 1)}" if not math.isnan(value.pca) else ""
    return Cell(text.fixed(100 * value.model, 1), pca, sort_key(value.model))


_PROBED = (
    "Accuracies are those of probes trained on training images and tested on test images; the same probe’s accuracy on "
    "PCA’s numbers is in small print."
)
_MEASURES = (
    _Measure(
        Column(
            "Rate",
            "bits an image",
            word="rate",
            caption="Rate: the bits that a latent says beyond its prior; for codes, the most bits they can hold.",
        ),
        _rate,
    ),
    _Measure(
        Column(
            "In use",
            "active or perplexity",
            word="active",
            caption="In use: the active numbers of a latent; of codes, their perplexity.",
        ),
        _in_use,
    ),
    _Measure(
        Column(
            "Likelihood",
            "bits a value, at most",
            word="likelihood",
            caption="Likelihood: lower is better.",
        ),
        _bits,
    ),
    _Measure(Column("Linear probe", "% right", word="probe", caption=_PROBED), _linear),
    _Measure(Column("10 neighbours", "% right", word="probe", caption=_PROBED), _nearest),
    _Measure(
        Column(
            "Causes",
            "mean R² of a line",
            word="causes",
            caption="Causes: how well a linear fit reads a drawn image’s known causes from the latent; 1 is exact.",
        ),
        _causes,
    ),
    _Measure(Column("MIG", "1 = one number a cause", word="causes"), _mig),
    _Measure(Column("Disentangled", "DCI, up to 1", word="causes"), _dci),
)
