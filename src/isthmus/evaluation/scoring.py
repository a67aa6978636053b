"""Scores pictures by every measure; a measure of another package that fails is left out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.part_packages import ForeignPart
from isthmus.evaluation.interfaces import Measure
from isthmus.kernels import threads

_ROUNDING = 1e-6  # a score may exceed its bounds by that much


def score_all(
    outputs: Mapping[str, np.ndarray], originals: np.ndarray
) -> tuple[dict[str, dict[str, np.ndarray]], tuple[str, ...]]:
    """Every output's scores of the originals, all (N, 3, H, W) uint8: name -> measure -> (N,) float64.

    A measure of another package that fails for one output is left out of all, because scores are compared between
    outputs: the second value has a sentence for each.
    """
    scored: dict[str, dict[str, np.ndarray]] = {name: {} for name in outputs}
    left_out: list[str] = []
    for kind in registry.usable("measures"):
        other = registry.foreign("measures", kind)
        try:
            measure: Measure = registry.build("measures", kind, {})
            work = measure if other is None else partial(_checked, other, measure)
            columns = {name: _each(work, output, originals) for name, output in outputs.items()}
        except InputError as error:
            if other is None:
                raise
            left_out.append(str(error))
            continue
        for name, values in columns.items():
            scored[name][kind] = values
    return scored, tuple(left_out)


def _each(work: Measure | partial[Tensor], output: np.ndarray, originals: np.ndarray) -> np.ndarray:
    return torch.cat(threads.pieces(work, torch.from_numpy(output), torch.from_numpy(originals))).numpy()


def _checked(part: ForeignPart, measure: Measure, output: Tensor, original: Tensor) -> Tensor:
    """The scores (B,) float64 of a measure of another package. Raises InputError where it gives something else."""
    with part.used():
        scores: Any = measure(output.clone(), original.clone())  # clones: it may change what other measures get
        if not isinstance(scores, Tensor) or scores.shape != output.shape[:1] or scores.is_complex():
            raise part.refused(f"gave {_described(scores)} for {len(output)} images, and one number each is needed")
        numbers = scores.detach().to("cpu", torch.float64)
        if numbers.isinf().any():
            raise part.refused("gave an infinite score, and only finite ones and NaN have a mean")
        beyond = numbers[(numbers < measure.least - _ROUNDING) | (numbers > measure.most + _ROUNDING)]
        if len(beyond):  # the interval of their mean would end before the mean
            told = f"between {measure.least:g} and {measure.most:g}"
            raise part.refused(f"gave the score {float(beyond[0]):g}, and says that its scores lie {told}")
    return numbers


def _described(scores: Any) -> str:
    if not isinstance(scores, Tensor):
        return f"a {type(scores).__name__}"
    return f"a tensor of shape {(*scores.shape,)} and type {str(scores.dtype).removeprefix('torch.')}"
