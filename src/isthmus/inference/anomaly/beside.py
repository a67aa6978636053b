"""How well errors tell labelled anomalies from normal pictures, beside two methods that are not trained by steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import isthmus
from isthmus.core.wording import counted, pca_of
from isthmus.data.content_hashes import as_keys, content_hashes
from isthmus.data.splits import Splits
from isthmus.evaluation.baselines.yardstick import yardstick_of
from isthmus.evaluation.measures.mse import Mse
from isthmus.evaluation.statistics.detection import auroc, auroc_difference, average_precision
from isthmus.inference.anomaly.conformal import Promise
from isthmus.inference.anomaly.known_pictures import KnownPictures
from isthmus.inference.anomaly.normal_label import Label
from isthmus.inference.anomaly.pixel_neighbours import PixelNeighbours
from isthmus.models.autoencoder import Autoencoder
from isthmus.run_files.anomalies import AnomalyRecord, Kind, Separation
from isthmus.run_files.calibration import Calibration

_MOST_KINDS = 100


@dataclass(frozen=True)
class Judged:
    """The record for anomalies.json, None where one of the two kinds is missing, and notices for the user."""

    record: AnomalyRecord | None
    notices: tuple[str, ...]


class Beside:
    """Goes through the pictures block by block, and keeps what the other methods say of each.

    splits: the run's images. known: those that took part in training. calibrated: keys of the calibration's pictures.
    cache: a folder for fitted baselines.
    """

    def __init__(
        self, model: Autoencoder, splits: Splits, known: KnownPictures, calibrated: np.ndarray, cache: Path
    ) -> None:
        self._known, self._calibrated = known, calibrated
        self._pca = yardstick_of(model, splits.train.images, splits.hash, cache)
        self._neighbours = PixelNeighbours(splits.train.images)
        self._columns: dict[str, list[np.ndarray]] = {"mse": [], "pca": [], "pixel_neighbours": [], "counts": []}

    def add(self, pixels: np.ndarray, mse: np.ndarray) -> None:
        """pixels (B, C, H, W) and the model's own mean squared errors (B,)."""
        output = self._pca.decode(self._pca.encode(pixels), pixels.shape[1:], pixels.dtype)
        trained, chose = self._known.which(pixels)
        seen = trained | chose | np.isin(as_keys(content_hashes(pixels)), self._calibrated)
        found = {
            "mse": mse,
            "pca": Mse()(torch.from_numpy(output), torch.from_numpy(pixels)).numpy(),
            "pixel_neighbours": self._neighbours.distances(pixels),
            "counts": ~seen,
        }
        for name, values in found.items():
            self._columns[name].append(values)

    def column(self, name: str) -> np.ndarray:
        """(N,): "mse", "pca" or "pixel_neighbours", or "counts": false for pictures that the run has seen before."""
        return np.concatenate(self._columns[name])

    @property
    def pca(self) -> tuple[int, int]:
        """PCA's number of components, and the side of its squares or 0."""
        return self._pca.size, self._pca.square

    @property
    def searched(self) -> int:
        """Training images among which neighbours are looked for."""
        return self._neighbours.count


def judge(
    beside: Beside,
    calibration: Calibration,
    promised: Promise,
    normal: str,
    labels: Sequence[Label],
    error: np.ndarray,
    flag: np.ndarray,
) -> Judged:
    """labels, error, flag: (N,) of all pictures, in the order in which `beside` saw them.

    Pictures without a label, and those that the run has seen before, are left out.
    """
    names = np.array(["" if label is None else str(label) for label in labels])
    known = np.array([label is not None for label in labels])
    counts = beside.column("counts")
    rows = np.flatnonzero(known & counts)
    anomalous, left_out = names[rows] != normal, int((known & ~counts).sum())
    notices = _left_out(left_out, int((~known).sum()))
    if anomalous.all() or not anomalous.any():
        missing = "normal picture" if anomalous.all() and len(rows) else "anomaly"
        return Judged(
            None, (*notices, f"There is no {missing} to be told apart, so no AUROC and no average precision.")
        )
    mse, error, flag = beside.column("mse")[rows], error[rows], flag[rows]
    others = {name: beside.column(name)[rows] for name in ("pca", "pixel_neighbours")}
    components, square = beside.pca
    record = AnomalyRecord(
        isthmus=isthmus.__version__,
        weights=calibration.record.weights,
        measure=calibration.record.measure,
        normal=normal,
        normal_pictures=int((~anomalous).sum()),
        anomalies=int(anomalous.sum()),
        left_out=left_out,
        level=promised.level,
        false_alarms=float(flag[~anomalous].mean()),
        detected=float(flag[anomalous].mean()),
        methods={
            name: Separation(auroc=auroc(values, anomalous), average_precision=average_precision(values, anomalous))
            for name, values in {"model": error, **others}.items()
        },
        over={name: auroc_difference(error, values, anomalous) for name, values in others.items()},
        kinds=_kinds(names[rows], normal, error, flag),
        reconstruction=auroc(mse, anomalous),
        normal_mse=float(mse[~anomalous].mean()),
        anomaly_mse=float(mse[anomalous].mean()),
        pca=pca_of(components, square),
        neighbours_of=beside.searched,
    )
    return Judged(record, tuple(notices))


def _kinds(names: np.ndarray, normal: str, error: np.ndarray, flag: np.ndarray) -> dict[str, Kind]:
    """Each kind of anomaly against all normal pictures; empty where there is one kind, or very many."""
    others = sorted(set(names.tolist()) - {normal})
    if not 1 < len(others) <= _MOST_KINDS:
        return {}
    found: dict[str, Kind] = {}
    for name in others:
        rows = (names == name) | (names == normal)
        own = names == name
        found[name] = Kind(
            pictures=int(own.sum()), auroc=auroc(error[rows], own[rows]), flagged=float(flag[own].mean())
        )
    return found


def _left_out(seen: int, unlabelled: int) -> list[str]:
    said: list[str] = []
    if seen:
        said.append(
            f"{counted(seen, 'labelled picture')} {'has' if seen == 1 else 'have'} been seen before: trained on, used "
            "to choose the weights, or calibrated on. AUROC and average precision leave them out."
        )
    if unlabelled:
        said.append(f"AUROC and average precision leave out {counted(unlabelled, 'picture')} without a label.")
    return said
