"""Since when in its training a run has been better than PCA, read from its log.

metrics.jsonl, PCA's error -> Course
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from isthmus.files import read_json_lines

# A model that starts as PCA differs from it by rounding: by 0.00004 % at most in fp32, by 0.04 % in bf16, measured
# with 10 and 512 components on 403 validation images of CIFAR-10.
_ROUNDING = 1e-3


class Moment(BaseModel):
    """The end of an epoch; epoch 0 is the start. `seconds` of training, over all sittings."""

    model_config = ConfigDict(frozen=True)

    epoch: int
    step: int
    seconds: float


class Course(BaseModel):
    """A run's error on validation images beside PCA's of the same latent size, both on 8-bit output.

    pca_mse: PCA's, per pixel value in [0, 1].
    epochs: how many were trained. lowest_ratio: the run's lowest error over PCA's. Both None where that is not known.
    since: from when on, up to the weights that were kept, it was below PCA's; None where these are not below.
    """

    model_config = ConfigDict(frozen=True)

    pca_mse: float | None = None
    epochs: int | None = None
    lowest_ratio: float | None = None
    since: Moment | None = None


class _Line(Moment):
    """An epoch's line of metrics.jsonl."""

    kind: Literal["epoch"]
    validation_mse: float


def follow(journal: Path, pca_mse: float, *, epochs: int, kept: int) -> Course:
    """How the run that wrote `journal`, a metrics.jsonl, came to stand to PCA.

    epochs: how many were trained. kept: the epoch whose weights were. Where one of them is not in the log, nobody
    knows how it was, and only `pca_mse` is set. An epoch 0 need not be there; where it is, PCA's own error does.
    """
    lines = _epochs(journal)
    if not pca_mse > 0 or not set(range(1, epochs + 1)) <= set(lines):
        return Course(pca_mse=pca_mse)
    since = None
    for epoch in sorted((epoch for epoch in lines if epoch <= kept), reverse=True):
        line = lines[epoch]
        starts_as_pca = epoch == 0 and line.validation_mse <= pca_mse * (1 + _ROUNDING)
        if not (line.validation_mse < pca_mse or starts_as_pca):
            break
        since = Moment(epoch=epoch, step=line.step, seconds=line.seconds)
    errors = [line.validation_mse for line in lines.values() if math.isfinite(line.validation_mse)]
    lowest = min(errors) / pca_mse if errors else None
    return Course(pca_mse=pca_mse, epochs=epochs, lowest_ratio=lowest, since=since)


def read_course(against_pca: Mapping[str, Any]) -> Course:
    """The course in the `against_pca` of an evaluation.json; nothing is known where an older version wrote it."""
    return Course.model_validate(against_pca.get("validation") or {})


def _epochs(journal: Path) -> dict[int, _Line]:
    """The whole lines of epochs, the last one of each: a run that was killed may log an epoch twice."""
    lines: dict[int, _Line] = {}
    for row in read_json_lines(journal):
        try:
            line = _Line.model_validate(row)
        except ValidationError:  # a step's line
            continue
        lines[line.epoch] = line
    return lines
