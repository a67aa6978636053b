"""Two-dimensional maps of latents, and the nearest neighbours of each image."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from isthmus.core.streams import sealed

NEIGHBOURS = 8
_COORDINATES = 50  # used by t-SNE and UMAP; more of them cost much and change the distances little
_FEWEST = 20


def planes(coordinates: np.ndarray) -> dict[str, np.ndarray]:
    """coordinates (P, K) in standard deviations -> (P, 2) by plane: PCA, t-SNE, and UMAP if it is installed."""
    first = np.zeros((len(coordinates), 2))
    first[:, : min(2, coordinates.shape[1])] = coordinates[:, :2]
    found = {"PCA": first}
    if len(coordinates) >= _FEWEST and coordinates.shape[1] > 2:
        held = coordinates[:, :_COORDINATES]
        found["t-SNE"] = _t_sne(held)
        if importlib.util.find_spec("umap") is not None:
            found["UMAP"] = _umap(held)
    return {name: plane.astype(np.float32) for name, plane in found.items()}


def neighbours(rows: np.ndarray) -> np.ndarray:
    """rows (P, D) -> (P, n) uint16: the nearest others of each row, nearest first; n is NEIGHBOURS or P - 1."""
    from sklearn.neighbors import NearestNeighbors

    count = min(NEIGHBOURS, len(rows) - 1)
    index = NearestNeighbors(n_neighbors=count).fit(rows).kneighbors(return_distance=False)
    return np.asarray(index).astype(np.uint16)


def _t_sne(rows: np.ndarray) -> np.ndarray:
    from sklearn.manifold import TSNE

    return np.asarray(
        TSNE(perplexity=min(30, (len(rows) - 1) / 3), random_state=sealed("page"), init="pca").fit_transform(rows)
    )


def _umap(rows: np.ndarray) -> np.ndarray:
    umap: Any = importlib.import_module("umap")
    return np.asarray(umap.UMAP(random_state=sealed("page"), n_neighbors=min(15, len(rows) - 1)).fit_transform(rows))
