"""The latent of a run as a search key, beside PCA's numbers and raw pixels, on labelled pictures that are searched."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isthmus.core.errors import InputError, RunError
from isthmus.core.paths import cache_folder
from isthmus.core.wording import counted, pca_of
from isthmus.data.content_hashes import as_keys, content_hashes, hashes_of
from isthmus.data.splits import Splits
from isthmus.evaluation.baselines import pca
from isthmus.evaluation.baselines.yardstick import yardstick_of
from isthmus.inference.gallery import Gallery
from isthmus.inference.nearest import Distance, Whitening, fit_whitening
from isthmus.inference.search_key import FEWEST, SearchKey, search_key
from isthmus.models.autoencoder import Autoencoder
from isthmus.runs.load import load_run_data

LATENT, PIXELS = "its latent", "raw pixels"


def compare_keys(
    run: Path, model: Autoencoder, gallery: Gallery, distance: Distance, whitening: Whitening | None
) -> tuple[SearchKey | None, list[str]]:
    """Precision at 10 of the latent, of PCA's numbers and of pixels, and sentences on how it was measured.

    All three are compared by `distance`, and the first two are whitened where the search is. PCA is the run's
    yardstick, fitted to its training images. None where too few pictures have a label.
    """
    sample = gallery.sample()
    if sum(label is not None for label in sample.labels) < FEWEST:
        return None, []
    keys = {LATENT: sample.z if whitening is None else whitening(sample.z)}
    notices: list[str] = []
    held_out = None
    if sample.pixels is None:
        notices.append("The pictures are not where the table says, so PCA and raw pixels are not compared.")
    else:
        splits, why = _run_data(run)
        if splits is None:
            notices.append(f"PCA is fitted to the searched pictures, because those of the run are not here ({why}).")
            found = pca.fit(sample.pixels, model.yardstick_size)
            size, square = min(model.yardstick_size, len(found.directions)), 0
            numbers = found.encode(sample.pixels, size)
        else:
            yardstick = yardstick_of(model, splits.train.images, splits.hash, cache_folder())
            size, square, numbers = yardstick.size, yardstick.square, yardstick.encode(sample.pixels)
            held_out = ~np.isin(as_keys(content_hashes(sample.pixels)), as_keys(hashes_of(splits.train)))
        keys[pca_of(size, square)] = numbers if whitening is None else fit_whitening([numbers])(numbers)
        keys[PIXELS] = sample.pixels.reshape(len(sample.pixels), -1)
    if held_out is not None:
        notices += _said_of_training(held_out)
        held_out = held_out if held_out.sum() >= FEWEST else None
    return search_key(keys, sample.labels, distance, queries=held_out), notices


def _run_data(run: Path) -> tuple[Splits | None, str]:
    """The images of a run; None, and why, where they are not here any more."""
    try:
        return load_run_data(run), ""
    except (InputError, RunError) as error:
        return None, str(error).partition("; ")[0]
    except OSError as error:
        return None, error.strerror or str(error)


def _said_of_training(held_out: np.ndarray) -> list[str]:
    """A sentence where the run was trained on some of the pictures."""
    trained = int((~held_out).sum())
    if not trained:
        return []
    sentence = f"The run was trained on {trained:,} of {counted(len(held_out), 'searched picture')}"
    if held_out.sum() >= FEWEST:
        return [f"{sentence}; precision is measured with the others as queries."]
    return [f"{sentence}, so its precision on new pictures may be lower."]
