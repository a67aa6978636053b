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


class Scoring:
    """Scores the outputs of several methods for the same images, which come block by block.

    left_out: a sentence for each measure of another package that failed. It is left out of all blocks and methods,
    because scores are compared between methods.
    """

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self._measures = {kind: work for kind in registry.usable("measures") if (work := self._built(kind)) is not None}
        self._blocks: list[dict[str, dict[str, np.ndarray]]] = []

    def add(self, outputs: Mapping[str, np.ndarray], originals: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
        """Score outputs of originals, all (B, C, H, W) of one type: method -> measure -> (B,) float64."""
        block: dict[str, dict[str, np.ndarray]] = {name: {} for name in outputs}
        for kind, work in list(self._measures.items()):
            try:
                columns = {name: _each(work, output, originals) for name, output in outputs.items()}
            except InputError as error:
                self._leave_out(kind, error)
                continue
            for name, values in columns.items():
                block[name][kind] = values
        self._blocks.append(block)
        return block

    def scores(self) -> dict[str, dict[str, np.ndarray]]:
        """method -> measure -> (N,) float64, of all blocks so far."""
        names = self._blocks[0] if self._blocks else {}
        return {
            name: {kind: np.concatenate([block[name][kind] for block in self._blocks]) for kind in self._measures}
            for name in names
        }

    def _built(self, kind: str) -> Measure | partial[Tensor] | None:
        other = registry.foreign("measures", kind)
        try:
            measure: Measure = registry.build("measures", kind, {})
        except InputError as error:
            self._leave_out(kind, error)
            return None
        return measure if other is None else partial(_checked, other, measure)

    def _leave_out(self, kind: str, error: InputError) -> None:
        """Raises the error if the measure is one of ours."""
        if registry.foreign("measures", kind) is None:
            raise error
        self.left_out.append(str(error))
        self._measures.pop(kind, None)


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
