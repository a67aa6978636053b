"""One trained model as the page holds it: graphs, PCA baseline, latents, and the loss from storing them in few bits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isthmus.core.pixels import levels
from isthmus.core.streams import sealed
from isthmus.data.splits import Splits
from isthmus.evaluation.baselines.yardstick import yardstick_of
from isthmus.models import latent_mixture
from isthmus.models.autoencoder import Autoencoder, with_sane_numbers
from isthmus.models.batched import batched_array
from isthmus.pages.explorer import maps
from isthmus.pages.explorer.embed import blob, tensors
from isthmus.pages.explorer.latent_space import describe
from isthmus.pages.explorer.pca_graphs import pca_graph
from isthmus.pages.explorer.pictures import Chosen
from isthmus.pages.explorer.quantise import small_graphs
from isthmus.pages.report.read_folder import RunFolder
from isthmus.run_files.scores import Score
from isthmus.runs.load import load_model
from isthmus.runs.run_folder import read_recipe

_TRAINING_IMAGES = 5000  # encoded to describe the latent space
_FEWEST_TRAINING_IMAGES, _TRAINING_VALUES = 500, 100_000_000  # of larger images fewer are encoded, for memory and time
_COST_IMAGES = 200
_MOST_CODES = 4096


@dataclass(frozen=True)
class ModelEntry:
    """A model's entry of `about` without its place in the list, its blobs as text, and notices for the user."""

    about: dict[str, Any]
    encoder: str
    decoder: str
    pca: str
    arrays: str
    notices: tuple[str, ...]


def build(name: str, about: str, run: RunFolder, splits: Splits, chosen: Chosen, cache: Path) -> ModelEntry:
    """Everything the page needs about one run. `splits` are the images that the run was trained on."""
    model, notices = load_model(run.path, "cpu")
    recipe = read_recipe(run.path)
    small = small_graphs(model, splits.test.images[:_COST_IMAGES])
    yardstick = yardstick_of(model, splits.train.images, splits.hash, cache)

    drawn = np.sort(np.random.default_rng(sealed("page")).permutation(len(splits.train))[: _seen(model)])
    seen = splits.train.images[drawn]
    known = _latents(model, seen)
    space = describe(known, seen)
    pixels = splits.test.images[chosen.points]
    latents = _latents(model, pixels)
    planes = maps.planes(space.coordinates(latents))
    has_prior = model.bottleneck.has_posterior and model.prior.closed_form
    arrays = {
        **space.arrays(),
        "shown_latents": latents[: len(chosen.shown)],
        "latent_neighbours": maps.neighbours(latents / np.maximum(space.std, 1e-6 * space.std.max() or 1)),
        "pixel_neighbours": maps.neighbours(pixels.reshape(len(pixels), -1).astype(np.float32)),
        **{f"map/{plane}": places for plane, places in planes.items()},
        **({} if has_prior else latent_mixture.fit(space.coordinates(known))),
        **_codebook(model),
    }
    scores = run.evaluation.scores
    return ModelEntry(
        {
            "name": name,
            "about": about,
            "latent_shape": list(model.latent_shape),
            "kind": recipe.bottleneck.kind,
            "pca_components": run.evaluation.pca_components,
            "pca_square": yardstick.square,
            "psnr_db": _known(scores.get("model", Score()).psnr.mean),
            "pca_psnr_db": _known(scores.get("pca", Score()).psnr.mean),
            "storage_cost_db": _known(small.loss.psnr_db),
            "corruption": recipe.corruption.kind,
            "draws": "prior" if has_prior else "mixture",
            "neighbours": int(arrays["latent_neighbours"].shape[1]),
            "maps": list(planes),
            "code_grid": _code_grid(model) if "codebook" in arrays else None,
        },
        blob(small.encoder.SerializeToString()),
        blob(small.decoder.SerializeToString()),
        blob(pca_graph(yardstick, model.image_shape, levels(pixels.dtype)).SerializeToString()),
        blob(tensors(arrays)),
        tuple(notices),
    )


def _seen(model: Autoencoder) -> int:
    """How many training images are encoded."""
    fit = _TRAINING_VALUES // math.prod(model.image_shape)
    return int(np.clip(fit, _FEWEST_TRAINING_IMAGES, _TRAINING_IMAGES))


def _codebook(model: Autoencoder) -> dict[str, np.ndarray]:
    """The codebook vectors of a discrete latent; empty if there are too many to choose from."""
    vectors = model.bottleneck.codebook() if model.bottleneck.codes <= _MOST_CODES else None
    return {} if vectors is None else {"codebook": vectors.numpy().astype(np.float32)}


def _code_grid(model: Autoencoder) -> dict[str, Any]:
    return {"shape": list(model.latent_shape[1:]), "codes": model.bottleneck.codes}


def _latents(model: Autoencoder, pixels: np.ndarray) -> np.ndarray:
    """pixels (N, C, H, W) -> (N, D). Raises RunError if the weights are damaged."""
    latents = batched_array(model, lambda part: with_sane_numbers(model.encode_pixels(part)), torch.from_numpy(pixels))
    return latents.reshape(len(pixels), -1)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
