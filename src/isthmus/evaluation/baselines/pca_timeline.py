"""The time in training from which a run is better than PCA, read from its log.

metrics.jsonl, PCA's error -> Course
"""

from __future__ import annotations

import math
from pathlib import Path

from isthmus.run_files.evaluation import Course, Moment
from isthmus.run_files.read import read_log

__all__ = ["Course", "Moment", "follow"]

# The error of a model that starts as PCA differs from PCA's by rounding: at most 0.00004 % in fp32, 0.04 % in bf16,
# measured with 10 and 512 components on 403 validation images of CIFAR-10.
_ROUNDING = 1e-3


def follow(journal: Path, pca_mse: float, *, epochs: int, kept: int) -> Course:
    """Compare the training run that wrote `journal`, a metrics.jsonl, with PCA, epoch by epoch.

    epochs: how many were trained. kept: the epoch whose weights were kept. If an epoch is missing from the log, only
    `pca_mse` is set, because the comparison is unknown. Epoch 0 may be missing: an error equal to PCA's suffices there.
    """
    log = read_log(journal).epochs
    lines = {line.epoch: (line, line.validation_mse) for line in log if line.validation_mse is not None}
    if not pca_mse > 0 or epochs > len(lines) or not set(range(1, epochs + 1)) <= set(lines):
        return Course(pca_mse=pca_mse)
    since = None
    for epoch in sorted((epoch for epoch in lines if epoch <= kept), reverse=True):
        line, error = lines[epoch]
        starts_as_pca = epoch == 0 and error <= pca_mse * (1 + _ROUNDING)
        if not (error < pca_mse or starts_as_pca):
            break
        since = Moment(epoch=epoch, step=line.step, seconds=line.seconds)
    errors = [error for _, error in lines.values() if math.isfinite(error)]
    lowest = min(errors) / pca_mse if errors else None
    return Course(pca_mse=pca_mse, epochs=epochs, lowest_ratio=lowest, since=since)
