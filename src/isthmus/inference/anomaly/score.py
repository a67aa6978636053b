"""Anomaly scores of pictures: their errors, the p-values that the run's calibration gives them, and flags."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.paths import cache_folder
from isthmus.core.wording import counted
from isthmus.data.content_hashes import as_keys, content_hashes
from isthmus.inference.anomaly.beside import Beside, Judged, judge
from isthmus.inference.anomaly.calibrate import USUAL_LEVEL
from isthmus.inference.anomaly.conformal import Promise, check_level, p_values, percent, promise
from isthmus.inference.anomaly.errors import UNITS, errors_of
from isthmus.inference.anomaly.known_pictures import known_pictures, training_images
from isthmus.inference.anomaly.latent_distance import LatentReference
from isthmus.inference.anomaly.local_errors import Place, places
from isthmus.inference.anomaly.normal_label import Label, NormalLabel
from isthmus.inference.anomaly.scored_model import load_scored
from isthmus.inference.named_images import NamedImages
from isthmus.inference.picture_sources import Source
from isthmus.run_files.calibration import NAME, Calibration, read_calibration

HIGHEST = 12  # pictures that a sheet shows
_WHY = "with --normal, the run's training images are needed, for PCA and for pixel neighbours"


@dataclass(frozen=True)
class Highest:
    """One of the pictures with the largest errors.

    index: its place among the pictures. pixels, output: (C, H, W). place: the window with the largest error.
    """

    index: int
    pixels: np.ndarray
    output: np.ndarray
    place: Place


@dataclass(frozen=True)
class Scored:
    """The scores of N pictures, in the order of the source.

    error: (N,) float64, larger is more unusual. p_value: (N,): the share of normal pictures whose error is as large;
    conformal. flag: (N,) bool, at the promised level. label: what the source says, or None.
    highest: the pictures with the largest errors, the largest first. judged: with labels, how well errors tell
    anomalies from normal pictures. notices: sentences for the user.
    """

    path: tuple[str, ...]
    error: np.ndarray
    p_value: np.ndarray
    flag: np.ndarray
    label: tuple[Label, ...]
    calibration: Calibration
    promise: Promise
    highest: tuple[Highest, ...] = ()
    judged: Judged | None = None
    notices: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """In one line, whatever the number of pictures: notebooks show it."""
        flagged, measure = int(self.flag.sum()), self.calibration.record.measure
        return (
            f"Scored({counted(len(self.path), 'picture')}, {flagged:,} flagged at {self.promise.level:g}, by {measure})"
        )

    def columns(self) -> dict[str, Any]:
        """The table as columns: `path`, `error`, `p_value`, `flag`."""
        return {"path": self.path, "error": self.error, "p_value": self.p_value, "flag": self.flag}

    @property
    def summary(self) -> str:
        """How many are flagged, and what that means."""
        flagged, every, promised = int(self.flag.sum()), len(self.path), self.promise
        low, high = promised.likely
        return (
            f"{flagged:,} of {counted(every, 'picture')} {'is' if flagged == 1 else 'are'} flagged (p-value at most "
            f"{promised.level:.3g}); if all were normal, about {promised.rate * every:,.1f} would be. The promise: of "
            f"normal pictures like the {promised.n:,} calibration pictures, at most {percent(promised.level)} are "
            f"flagged, on average over calibrations. With this calibration, the share is between {percent(low)} and "
            f"{percent(high)} (95 %)."
        )

    @property
    def measured(self) -> str:
        """'Error: mse (mean squared error, pixels 0-1).'"""
        measure = self.calibration.record.measure
        return f"Error: {measure} ({UNITS[measure]})."


@dataclass
class _Reading:
    """What has been read so far."""

    names: list[str] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    errors: list[np.ndarray] = field(default_factory=list)
    calibrated: int = 0
    top: list[tuple[float, int, np.ndarray, np.ndarray]] = field(default_factory=list)

    def keep_highest(self, errors: np.ndarray, pixels: np.ndarray, output: np.ndarray) -> None:
        """Keep the pixels of the pictures with the largest errors so far; of equal ones, the first."""
        start = len(self.names)
        for row in np.argsort(-errors, kind="stable")[:HIGHEST].tolist():
            one = (float(errors[row]), -(start + row), pixels[row].copy(), output[row].copy())
            if len(self.top) < HIGHEST:
                heapq.heappush(self.top, one)
            elif one[:2] > self.top[0][:2]:
                heapq.heapreplace(self.top, one)
            else:
                break


def score_run(
    run: Path,
    sources: Sequence[Source],
    *,
    false_alarms: float = USUAL_LEVEL,
    normal: str | None = None,
    device: str = "auto",
    skip_broken: bool = False,
    quiet: bool = False,
) -> Scored:
    """Score the pictures of a source by the run's calibration.

    sources: as `NamedImages` takes them. false_alarms: the rate at which normal pictures may be flagged.
    normal: the label of the normal pictures, where the source has labels: all others count as anomalies, and the result
    says how well the errors tell the two apart, beside methods that need no training.
    Raises InputError where the run is not calibrated or has other weights than then, and where the calibration has too
    few pictures for the rate.
    """
    check_level(false_alarms)
    calibration = read_calibration(run)
    promised = promise(false_alarms, calibration.record.pictures)
    scored, notices = load_scored(run, device)
    _check_weights(run, calibration, scored.weights)
    pictures = NamedImages(sources, scored.model.form, skip_broken=skip_broken, quiet=quiet)
    measure = calibration.record.measure
    reference = None if calibration.latent is None else LatentReference(*calibration.latent)
    beside: Beside | None = None
    if normal is not None:
        splits = training_images(run, _WHY)
        known = known_pictures(splits, mirrored=scored.mirrors)
        beside = Beside(scored.model, splits, known, as_keys(calibration.hashes), cache_folder())
    measures = (measure,) if beside is None or measure == "mse" else (measure, "mse")
    label, own = NormalLabel(normal), as_keys(calibration.hashes)
    reading = _Reading()
    for block in pictures.blocks():
        seen = errors_of(scored, block.pixels, measures, reference)
        errors = np.nan_to_num(seen.errors[measure], nan=np.inf, posinf=np.inf)
        if beside is not None:
            beside.add(block.pixels, seen.errors["mse"])
        reading.calibrated += int(np.isin(as_keys(content_hashes(block.pixels)), own).sum())
        reading.keep_highest(errors, block.pixels, seen.output)
        reading.names += block.names
        reading.labels += block.labels
        reading.errors.append(errors)
        label.rows(block.labels)
    label.check(label.counts[normal] if normal is not None else 0)
    error = np.concatenate(reading.errors)
    p = p_values(calibration.errors, error)
    flag = promised.flags(p)
    judged = None
    if beside is not None and normal is not None:
        judged = judge(beside, calibration, promised, normal, reading.labels, error, flag)
    said = [*notices, *pictures.notices(), *label.notices("none is taken as normal"), *_overlap(reading.calibrated)]
    return Scored(
        tuple(reading.names),
        error,
        p,
        flag,
        tuple(reading.labels),
        calibration,
        promised,
        _highest(reading),
        judged,
        (*said, *(judged.notices if judged is not None else ())),
    )


def _check_weights(run: Path, calibration: Calibration, weights: str) -> None:
    if calibration.record.weights != weights:
        raise InputError(
            f"{run / NAME}: is of other weights than the run has now, so its errors do not compare; calibrate again: "
            f"`isthmus calibrate {run} SOURCE`"
        )


def _highest(reading: _Reading) -> tuple[Highest, ...]:
    top = sorted(reading.top, key=lambda one: one[:2], reverse=True)
    if not top:
        return ()
    where = places(np.stack([one[3] for one in top]), np.stack([one[2] for one in top]))
    return tuple(
        Highest(-place, pixels, output, window) for (_, place, pixels, output), window in zip(top, where, strict=True)
    )


def _overlap(calibrated: int) -> list[str]:
    if not calibrated:
        return []
    verb = "is a calibration picture" if calibrated == 1 else "are calibration pictures"
    return [
        f"{calibrated:,} of these {verb} of this run: their p-values compare them with themselves, and promise nothing."
    ]
