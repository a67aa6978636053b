"""Scores in evaluation.json and findings.json, and descriptions of measures."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import ConfigDict, Field

from isthmus.run_files.record import Count, Decibels, Flag, Number, Real, Record

HEADLINE = "psnr"


class IntervalRecord(Record):
    """A mean and its 95 % interval, in the unit of its measure."""

    mean: Number = math.nan
    """The mean; null if it is undefined."""
    low: Number = math.nan
    """Lower end of the interval."""
    high: Number = math.nan
    """Upper end of the interval."""
    undefined: str | None = None
    """Why there is no mean; only if there is none."""


class Score(Record):
    """Means over test images on output rounded to their depth, one per measure; every key that is not listed here is a
    measure."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, IntervalRecord] = Field(init=False)  # pyright: ignore[reportIncompatibleVariableOverride]

    mse: IntervalRecord = IntervalRecord()
    """Mean squared error per pixel value, pixels in [0, 1]."""
    psnr: IntervalRecord = IntervalRecord()
    """Peak signal-to-noise ratio in dB, mean over images."""
    psnr_of_mean_mse: Decibels = math.nan
    """The PSNR of the mean MSE; never above the mean PSNR."""
    components: Count | None = None
    """Components of PCA; only in PCA's score."""
    square: Count | None = None
    """Side of the squares, pixels, where PCA is of squares and not of whole images; `components` is then the numbers of
    all squares of an image."""

    @property
    def by_measure(self) -> dict[str, IntervalRecord]:
        """measure -> its mean and interval, for every measure in this score."""
        own = {name: getattr(self, name) for name in ("mse", "psnr") if name in self.model_fields_set}
        return {**own, **(self.__pydantic_extra__ or {})}


class MeasureRecord(Record):
    """Description of a measure, so that programs without it can show its scores."""

    name: str
    """Its name in tables."""
    unit: str = ""
    """Its unit; empty if it has none."""
    higher_is_better: Flag = True
    """Whether a higher score is better."""
    decimals: Annotated[int, Field(strict=True, ge=0, le=12)] = 3
    """Decimals that tables show."""
    about: str = ""
    """One line of explanation."""
    least: Real | None = None
    """The lowest possible score; null if there is no bound."""
    most: Real | None = None
    """The highest possible score; null if there is no bound."""
    undefined: str | None = None
    """Why a score can be missing; null if it never is."""
