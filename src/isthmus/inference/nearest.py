"""Exact search for the nearest of many vectors, block by block, and whitening."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isthmus.core.errors import InputError

Distance = Literal["euclidean", "cosine"]
_STEP = 1024  # vectors that are compared at once
_WIDEST = 8192  # numbers of a vector that can be whitened: the covariance takes half a gigabyte
_FLAT = 1e-10  # of the largest variance: what varies less does not vary


class Nearest:
    """The `count` vectors that are nearest to each query, of all that were added.

    queries: (Q, D). distance: "euclidean", or "cosine": one minus the cosine of the angle, from 0 to 2; a vector of
    zeros is at 1 from everything. Of vectors at the same distance, those added first come first.

    >>> found = Nearest(np.zeros((1, 2)), 2, "euclidean")
    >>> found.add(np.array([[3.0, 4.0], [0.0, 1.0], [0.0, 2.0]]))
    >>> found.rows.tolist(), found.distances.tolist()
    ([[1, 2]], [[1.0, 2.0]])
    """

    def __init__(self, queries: np.ndarray, count: int, distance: Distance) -> None:
        self.distance: Distance = distance
        self.queries = self._prepared(queries)
        self.squares = (self.queries**2).sum(axis=1, keepdims=True)
        self.count, self.added = count, 0
        self.rows: np.ndarray = np.empty((len(queries), 0), np.int64)
        self.distances: np.ndarray = np.empty((len(queries), 0))

    def add(self, vectors: np.ndarray) -> None:
        """vectors (B, D), which are numbered from the first that was ever added."""
        for start in range(0, len(vectors), _STEP):
            self._add(self._prepared(vectors[start : start + _STEP]))

    def _prepared(self, vectors: np.ndarray) -> np.ndarray:
        """float64, because distances of nearly equal vectors are differences of large numbers."""
        exact = vectors.astype(np.float64)
        if self.distance == "euclidean":
            return exact
        lengths = np.linalg.norm(exact, axis=1, keepdims=True)
        return exact / np.where(lengths > 0, lengths, 1)

    def _add(self, block: np.ndarray) -> None:
        products = self.queries @ block.T
        if self.distance == "cosine":
            found = np.clip(1 - products, 0, 2)
        else:
            squares = self.squares + (block**2).sum(axis=1) - 2 * products
            found = np.sqrt(np.maximum(squares, 0))
        best = np.argsort(found, axis=1, kind="stable")[:, : self.count]
        distances = np.take_along_axis(found, best, axis=1)
        if self.distance == "euclidean":
            distances = self._exact(block, best)
        rows = np.concatenate([self.rows, best + self.added], axis=1)
        distances = np.concatenate([self.distances, distances], axis=1)
        order = np.lexsort((rows, distances))[:, : self.count]
        self.rows, self.distances = (np.take_along_axis(values, order, axis=1) for values in (rows, distances))
        self.added += len(block)

    def _exact(self, block: np.ndarray, best: np.ndarray) -> np.ndarray:
        """Distances (Q, n) without the rounding of the fast formula, so that equal vectors are at 0."""
        return np.stack(
            [np.linalg.norm(block[row] - query, axis=1) for row, query in zip(best, self.queries, strict=True)]
        )


@dataclass(frozen=True)
class Whitening:
    """Makes all directions of vectors vary alike. mean: (D,). matrix: (D, K), K the directions that vary at all."""

    mean: np.ndarray
    matrix: np.ndarray

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """(B, D) -> (B, K), of mean 0 and covariance 1 over the vectors that it was fitted to."""
        return (vectors.astype(np.float64) - self.mean) @ self.matrix


def fit_whitening(blocks: Iterable[np.ndarray]) -> Whitening:
    """Of vectors (B, D) that come in blocks. Raises InputError for too few, and for too many numbers each."""
    count, first = 0, None
    total = products = np.empty(0)
    for block in blocks:
        exact = block.astype(np.float64)
        if first is None:
            if exact.shape[1] > _WIDEST:
                raise InputError(
                    f"latents of {exact.shape[1]:,} numbers are too large to be whitened (at most {_WIDEST:,}); leave "
                    "--whiten out"
                )
            first = exact.mean(axis=0)  # near the mean, so that sums of squares lose no digits
            total, products = np.zeros(len(first)), np.zeros((len(first), len(first)))
        exact -= first
        count += len(exact)
        total += exact.sum(axis=0)
        products += exact.T @ exact
    if first is None or count < 2:
        raise InputError("one picture alone says nothing of how latents vary; search more, or leave --whiten out")
    mean = total / count
    variances, directions = np.linalg.eigh(products / (count - 1) - np.outer(mean, mean) * count / (count - 1))
    varying = variances > _FLAT * max(float(variances.max()), 0.0)
    varying &= variances > 0
    if not varying.any():
        raise InputError("all pictures have the same latent, so there is nothing to search; see `isthmus doctor`")
    return Whitening(first + mean, directions[:, varying] / np.sqrt(variances[varying]))
