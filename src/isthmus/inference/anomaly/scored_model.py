"""A trained model with what its anomaly errors need: the likelihood that it learned, and the hash of its weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.interfaces import Distortion
from isthmus.models.weights_hash import weights_hash
from isthmus.recipes.recipe import Recipe
from isthmus.runs.load import built_model, load_weights
from isthmus.runs.run_folder import read_environment, read_recipe
from isthmus.training import devices


@dataclass(frozen=True)
class ScoredModel:
    """A trained model in evaluation mode.

    distortion: the negative log likelihood of a variational model, in nats; None where the ELBO is not defined.
    weights: hash of its parameters and of what its distortion learned.
    mirrors: whether it was trained on mirrored pictures too.
    """

    model: Autoencoder
    recipe: Recipe
    distortion: Distortion | None
    weights: str
    mirrors: bool = False


def load_scored(run: Path, device: str) -> tuple[ScoredModel, list[str]]:
    """The model of a run, and notices for the user. Raises as `isthmus.runs.load.load_model` does."""
    recipe, environment = read_recipe(run), read_environment(run)
    images = environment.data
    model = built_model(run, recipe, environment.image_shape, images.depth)
    if images.range is not None:
        model.form = replace(model.form, range=images.range)
    objective = build_objective(recipe, model)
    _, _, notices = load_weights(run, model, objective)
    place = devices.choose_device(device, "device")
    model.to(place).eval()
    objective.to(place).eval()
    variational = objective.distortion.nats and model.bottleneck.has_posterior
    mirrors = environment.mirror is not None and environment.mirror.mirrors
    distortion = objective.distortion if variational else None
    return ScoredModel(model, recipe, distortion, weights_hash(model, objective.distortion), mirrors), notices
