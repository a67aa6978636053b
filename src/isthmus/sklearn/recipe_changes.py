"""The estimator's parameters as changes to a recipe, and what contradicts another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from isthmus.core.errors import InputError
from isthmus.core.wording import shown
from isthmus.recipes.study_plan import load_recipe

_OWNERS = {
    "seed": "random_state",
    "split.validation": "validation_fraction",
    "split.test": "calibration_fraction",
    "split.seed": "random_state",
    "train.device": "device",
}
"""Options that a parameter sets."""


def seed_of(random_state: Any) -> int:
    """The recipe's seed: a whole number as it is; else drawn, from the generator given or from NumPy's global one."""
    if isinstance(random_state, int | np.integer) and 0 <= random_state < 2**31:
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def changes_of(
    recipe: Any,
    *,
    columns: int,
    are_images: bool,
    latent_dim: int | None,
    epochs: int | None,
    validation: float,
    calibration: float,
    device: str,
    seed: int,
    options: Any,
) -> dict[str, Any]:
    """Dotted changes to `recipe` for samples of so many `columns`.

    Raises InputError where `options` sets what a parameter sets, or describes data.
    """
    if not isinstance(recipe, str):
        raise InputError(f"recipe: {shown(recipe)} does not fit; give a recipe's name or a path as text")
    if not isinstance(options, Mapping | None):
        raise InputError(f"options: {shown(options)} does not fit; give dotted options, {{'train.batch': 32}}")
    given = dict(options or {})
    for option in given:
        if option in _OWNERS or option.startswith("data."):
            what = _OWNERS.get(option, "X and image_shape")
            raise InputError(f"options: {option} is set by {what}; leave it out of options")
    for option, value, parameter in (("bottleneck.dim", latent_dim, "latent_dim"), ("train.epochs", epochs, "epochs")):
        if value is not None and option in given:
            raise InputError(f"options: {option} is set by {parameter} too; leave one of them out")
    changes = {
        "seed": seed,
        "split.seed": seed,
        "split.validation": validation,
        "split.test": calibration,
        "train.device": device,
        **given,
    }
    if not are_images and "train.precision" not in given:
        changes["train.precision"] = "fp32"  # bfloat16 keeps three digits of a number
    if epochs is not None:
        changes["train.epochs"] = epochs
    dim = _latent_dim(recipe, latent_dim, given, columns)
    return changes if dim is None else {**changes, "bottleneck.dim": dim}


def _latent_dim(recipe: str, wanted: int | None, given: Mapping[str, Any], columns: int) -> int | None:
    """As asked; else as in the recipe, at most half of the columns: wider, it need not compress anything."""
    if wanted is not None:
        return int(wanted) if isinstance(wanted, np.integer) else wanted
    if "bottleneck.dim" in given:
        return None
    kind = {key: value for key, value in given.items() if key.startswith("bottleneck.")}
    own = load_recipe(recipe, kind).bottleneck.options.get("dim")
    return min(own, max(1, columns // 2)) if isinstance(own, int) else None


def check_share(name: str, value: Any) -> float:
    """`value` as a float. Raises InputError where it is no number between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < 1:
        raise InputError(f"{name}: {shown(value)} does not fit; give a number between 0 and 1, such as 0.1")
    return float(value)
