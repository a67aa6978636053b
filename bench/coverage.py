"""How often the intervals of `isthmus.evaluation.statistics` hold the truth, simulated in every cell.

    python -m bench.coverage

Two variations are compared in dB on the same N images, with S seeds each. Their difference varies over images with a
spread of 0.5 dB and one of the tails. Each training adds luck that all images share, and 0.2 dB of noise per image:

    a[s, i] = image[i] + luck_a[s] + own_a[s, i]        b[s, i] = luck_b[s] + own_b[s, i]

**The true value.** With two or more seeds it is the difference between the choices over all images and all seeds,
which is 0. With one seed it is the difference between these two models over all images, luck_a[0] - luck_b[0], since
a verdict on one seed is about these models. A nominal 95 % interval must hold it in at least 93 % of experiments.
"""

from __future__ import annotations

import argparse
import itertools
import math
from dataclasses import dataclass

import numpy as np

from bench import record
from bench.goals import Measured
from isthmus.evaluation.statistics.intervals import paired_difference

SEEDS, IMAGES, LUCKS = (1, 2, 3, 5), (20, 50, 200, 500), (0.0, 0.05)
TAILS = ("normal", "t(3)", "2 % outliers")
HARDER = ("log-normal",)  # an extra case, harder than the goal requires
IMAGE_DB, OWN_DB = 0.5, 0.2
GOAL = 0.93
_OFF = 20.0  # standard deviations, on one side: there Student's interval covers 75 % with 50 images


@dataclass(frozen=True)
class Case:
    """A cell: S seeds per side, N images, the distribution of differences over images, and training luck in dB."""

    seeds: int
    images: int
    tail: str
    luck: float


def covered(case: Case, experiments: int, *, seed: int) -> float:
    """The share of simulated experiments whose 95 % interval holds the true value."""
    rng = np.random.default_rng([seed, *(ord(letter) for letter in repr(case))])
    shape = (experiments, case.seeds, case.images)
    images = IMAGE_DB * _spread(rng, case.tail, (experiments, 1, case.images))
    luck = case.luck * rng.standard_normal((2, experiments, case.seeds, 1))
    a = images + luck[0] + OWN_DB * rng.standard_normal(shape)
    b = luck[1] + OWN_DB * rng.standard_normal(shape)
    truths = luck[0, :, 0, 0] - luck[1, :, 0, 0] if case.seeds == 1 else np.zeros(experiments)
    intervals = (paired_difference(ours, theirs) for ours, theirs in zip(a, b, strict=True))
    held = [one.low <= truth <= one.high for one, truth in zip(intervals, truths, strict=True)]
    return float(np.mean(held))


def _spread(rng: np.random.Generator, tail: str, shape: tuple[int, ...]) -> np.ndarray:
    """Draws with mean 0 and standard deviation 1, outliers not counted."""
    if tail == "normal":
        return rng.standard_normal(shape)
    if tail == "t(3)":
        return rng.standard_t(3, shape) / math.sqrt(3)
    if tail == "2 % outliers":
        return rng.standard_normal(shape) + _OFF * ((rng.random(shape) < 0.02) - 0.02)
    variance = math.e * (math.e - 1)
    return (rng.lognormal(0, 1, shape) - math.exp(0.5)) / math.sqrt(variance)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=4000, help="a cell")
    parser.add_argument("--quick", action="store_true", help="try it out: numbers without worth, kept in runs/")
    given = parser.parse_args()
    experiments = 100 if given.quick else given.experiments
    machine = record.hardware("cpu")
    cells = [Case(*values) for values in itertools.product(SEEDS, IMAGES, (*TAILS, *HARDER), LUCKS)]
    found = {cell: covered(cell, experiments, seed=20261128) for cell in cells}
    lines = ["| tail | luck | seeds | " + " | ".join(f"N = {n}" for n in IMAGES) + " |", "|---" * 7 + "|"]
    for tail, luck, seeds in itertools.product((*TAILS, *HARDER), LUCKS, SEEDS):
        row = [found[Case(seeds, images, tail, luck)] for images in IMAGES]
        lines.append(f"| {tail} | {luck:g} dB | {seeds} | " + " | ".join(f"{share:.1%}" for share in row) + " |")
    rows = [
        Measured(f"{tail}: the least of {len(SEEDS) * len(IMAGES) * len(LUCKS)} cells", (least,), goal)
        for tail, goal in [*((tail, GOAL) for tail in TAILS), *((tail, None) for tail in HARDER)]
        for least in [min(share for cell, share in found.items() if cell.tail == tail)]
    ]
    error = math.sqrt(GOAL * (1 - GOAL) / experiments)
    record.write(
        "coverage",
        "How often a 95 % interval holds the truth",
        f"Simulated: {experiments:,} experiments a cell (a share is uncertain by {error:.1%}). Images differ by 0.5 dB "
        "between two variations, by the tail; 2 % of outliers lie 20 such spreads to one side. Each training adds its "
        "luck to all images and 0.2 dB of its own to each. With two or more seeds the truth is the difference of the "
        "choices; with one seed that of these very two models, over all images, for a verdict on one seed is about "
        "them.",
        [row for row in rows if row.goal is None] + [row for row in rows if row.goal is not None],
        machine=machine,
        details={"experiments": experiments, "cells": [{**vars(cell), "covered": found[cell]} for cell in cells]},
        out=record.folder(given.quick),
        beside="\n".join(lines),
    )


if __name__ == "__main__":
    main()
