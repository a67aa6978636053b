"""The tests of a study: variation against variation and against PCA, with and without correction for many tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from isthmus.evaluation.baselines.pca_comparison import (
    mse_ratio,
    neither_improved,
    pca_sentence,
    with_stayed,
)
from isthmus.evaluation.baselines.pca_timeline import Course
from isthmus.evaluation.statistics.intervals import Interval, mean_interval, paired_difference
from isthmus.evaluation.statistics.sentences import comparison_sentence, scope_of, unequal_effort, with_correction
from isthmus.evaluation.statistics.verdicts import corrected_verdict, holm, verdict
from isthmus.run_files.evaluation import Cost
from isthmus.run_files.findings import Corrected, Finding
from isthmus.run_files.scores import HEADLINE


@dataclass(frozen=True)
class Effort:
    """Training cost of a variation, mean over seeds: number of images seen (with repeats), and seconds.

    nan if runs of an earlier version do not record it.
    """

    images: float
    seconds: float

    @classmethod
    def of(cls, costs: Sequence[Cost]) -> Effort:
        """From `cost` of every seed's evaluation; seeds of another version without these numbers are left out."""
        # multiply per run, then average: mean rate times mean time is not the mean number of images
        each = [(cost.train_seconds * cost.images_per_second, cost.train_seconds) for cost in costs]
        told = [pair for pair in each if not math.isnan(pair[0])]
        return cls(*(float(mean) for mean in np.mean(told, axis=0))) if told else cls(math.nan, math.nan)


@dataclass(frozen=True)
class TestImages:
    """Names the images that a run was tested on. hash: empty if it is not known which they are."""

    hash: str
    count: int

    def known_same(self, other: TestImages) -> bool:
        """Whether both are known to be the same images in the same order."""
        return self == other and bool(self.hash)


@dataclass(frozen=True)
class Contender:
    """The finished runs of a variation, one per seed; scores are (S, N), PCA's scores (1, N).

    stayed: number of runs that kept the weights from before their first step, which are PCA. yardstick: PCA in words.
    multiply_adds: for one image. courses: of each other run, its validation error against PCA's during training.
    """

    name: str
    tested_on: TestImages
    psnr: np.ndarray
    mse: np.ndarray
    pca_psnr: np.ndarray
    pca_mse: np.ndarray
    yardstick: str
    stayed: int
    multiply_adds: float
    effort: Effort
    courses: Sequence[Course]

    @property
    def seeds(self) -> int:
        return len(self.psnr)

    @property
    def is_pca(self) -> bool:
        """Whether every run stayed at PCA, its start."""
        return self.stayed == self.seeds

    def over_pca(self) -> Interval:
        # PCA does not depend on the seed, so all variance over seeds comes from the model
        return mean_interval(self.psnr - self.pca_psnr)

    def mse_over_pca(self) -> float | None:
        return mse_ratio(float(self.mse.mean()), float(self.pca_mse.mean()))


@dataclass(frozen=True)
class Comparison:
    """`name` less `against`, in dB of PSNR; `difference` is None where nothing was tested."""

    kind: Literal["comparison", "pca"]
    name: str
    against: str
    about: Literal["choice", "models"]
    sentence: str
    difference: Interval | None = None
    beside: str = ""  # a second sentence, or empty


def compare(one: Contender, against: Contender) -> Comparison:
    """A variation and the one that it is compared with; not tested where both are PCA, or their test images differ."""
    about = "choice" if min(one.seeds, against.seeds) > 1 else "models"
    if not one.tested_on.known_same(against.tested_on):
        unknown = [side.name for side in (one, against) if not side.tested_on.hash]
        why = (
            f"it is not recorded on which images {' and '.join(unknown)} {'was' if len(unknown) == 1 else 'were'} "
            "tested; evaluate each of these runs again with `isthmus evaluate`, or train both with another --out"
            if unknown
            else "they were tested on other images; train both on the same images with another --out"
        )
        sentence = f"{one.name} and {against.name} are not comparable: {why}."
        return Comparison("comparison", one.name, against.name, about, sentence)
    if one.is_pca and against.is_pca:
        return Comparison("comparison", one.name, against.name, about, neither_improved(one.name, against.name))
    difference = paired_difference(one.psnr, against.psnr)
    sentence = comparison_sentence(
        one.name,
        against.name,
        difference,
        cost_ratio=one.multiply_adds / max(against.multiply_adds, 1),
        scope=scope_of(one.seeds, one.name, (against.seeds, against.name)),
    )
    sentence = with_stayed(sentence, [(side.name, side.stayed, side.seeds) for side in (one, against)])
    effort = unequal_effort(*((side.name, side.effort.images, side.effort.seconds) for side in (one, against)))
    return Comparison("comparison", one.name, against.name, about, sentence, difference, effort)


def against_pca(one: Contender) -> Comparison:
    """Compare a variation with PCA of the same latent size."""
    about = "choice" if one.seeds > 1 else "models"
    difference = one.over_pca()
    sentence = pca_sentence(
        one.name, one.yardstick, difference, ratio=one.mse_over_pca(), courses=one.courses, stayed=one.stayed
    )
    return Comparison("pca", one.name, "pca", about, sentence, None if one.is_pca else difference)


def as_findings(comparisons: Sequence[Comparison]) -> list[Finding]:
    """Findings for findings.json; two or more tests against the same base are corrected for multiple comparisons."""
    corrected: dict[int, tuple[float, int]] = {}
    for base in dict.fromkeys(one.against for one in comparisons):
        family = [
            (place, one.difference.p)
            for place, one in enumerate(comparisons)
            if one.against == base and one.difference is not None
        ]
        if len(family) > 1:
            p_values = holm([p for _, p in family])
            corrected |= {place: (p, len(family)) for (place, _), p in zip(family, p_values, strict=True)}
    return [_as_finding(one, corrected.get(place)) for place, one in enumerate(comparisons)]


def _as_finding(one: Comparison, corrected: tuple[float, int] | None) -> Finding:
    found = Finding(
        kind=one.kind,
        variation=one.name,
        against=one.against,
        about=one.about,
        verdict="not tested",
        sentence=one.sentence,
    )
    if one.difference is None:
        return found
    plain, sentence = verdict(one.difference), one.sentence
    tested: dict[str, Any] = {
        "measure": HEADLINE,
        "difference": one.difference.mean,
        "low": one.difference.low,
        "high": one.difference.high,
        "p": one.difference.p,
        "verdict": plain,
    }
    if corrected is not None:
        p, comparisons = corrected
        left = corrected_verdict(plain, p)
        tested["corrected"] = Corrected(method="Holm", comparisons=comparisons, p=p, verdict=left)
        sentence = with_correction(sentence, plain, p, comparisons)
    return found.model_copy(update={**tested, "sentence": f"{sentence} {one.beside}".rstrip()})
