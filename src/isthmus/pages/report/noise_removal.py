"""How well a run removes noise, beside methods without training: what `evaluate --noise` found, on the run's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.core.wording import counted, in_levels
from isthmus.pages.report.headlines import Headline, decibel_headlines
from isthmus.pages.report.scores import ScoreTable, method_table, which_is_better
from isthmus.run_files.denoising import DenoisingRecord


@dataclass(frozen=True)
class Strength:
    """The scores of all methods on noise of one strength."""

    title: str
    scores: ScoreTable


@dataclass(frozen=True)
class NoiseRemoval:
    """A sentence and a table for each strength; `how` says on what they were measured."""

    headlines: Sequence[Headline]
    tables: Sequence[Strength]
    how: str


def noise_removal(found: Sequence[DenoisingRecord]) -> NoiseRemoval | None:
    """None where nothing was found."""
    if not found:
        return None
    tables = [Strength(_noise(one), method_table(one)) for one in found]
    last = found[-1]
    images = f"{last.images:,}" if last.images == last.of else f"{last.images:,} of {last.of:,}"
    how = (
        f"Scored on {images} held-out images, with 95 % intervals in small print. Methods without training know how "
        f"strong the noise is, and are tuned on {counted(last.tuned_on, 'validation image')}; the model knows neither. "
        f"{which_is_better(tables[0].scores)}"
    )
    return NoiseRemoval(
        decibel_headlines([(f"{_noise(one)}: {one.sentence}", one.against_best) for one in found]), tables, how
    )


def _noise(one: DenoisingRecord) -> str:
    return f"Noise {one.noise_std:g}, {in_levels(one.noise_std)}"
