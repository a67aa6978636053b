"""Load the images of a recipe and the trained model of a run folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import nn

from isthmus.core import registry
from isthmus.core.errors import InputError, RunError
from isthmus.core.paths import cache_folder
from isthmus.core.pixels import Depth
from isthmus.core.wording import size
from isthmus.data.datasets._picture_options import check_shown
from isthmus.data.form import Form
from isthmus.data.residence import resident
from isthmus.data.splits import Splits, split
from isthmus.data.store.cache import read
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.evaluation import Checkpoint
from isthmus.run_files.needed_packages import other_versions
from isthmus.run_files.remedies import RESTORE
from isthmus.run_files.state import Progress
from isthmus.runs.run_folder import check_data, read_environment, read_recipe
from isthmus.training import checkpoint as checkpoints
from isthmus.training import devices
from isthmus.training.memory_estimate import bytes_of_weights

_LARGE = 10**9  # bytes of weights: a smaller model is built at once, and reading its weights reports what does not fit


def load_data(recipe: Recipe) -> Splits:
    """The recipe's data set, split as the recipe says.

    Raises InputError if there are too few images to train or to evaluate, or pages cannot show `data.shown_channels`.
    """
    source = registry.build("datasets", recipe.data.kind, recipe.data.options)
    splits = resident(split(read(recipe.data.kind, source, cache_folder()), **recipe.split.model_dump()))
    check_shown(recipe.data.options.get("shown_channels"), splits.train.images.shape[1])
    if len(splits.test) < 2:
        raise InputError(f"data: {splits.source} leaves 1 test image, and an interval needs 2; use more images")
    return splits


def load_run_data(folder: Path) -> Splits:
    """The images of a run, seen to be those that it was trained on. Raises as `load_data` and `check_data`."""
    splits = load_data(read_recipe(folder))
    check_data(folder, splits)
    return splits


def form_of(folder: Path) -> Form:
    """In which the model of a run reads pictures. Raises as `read_recipe` and `read_environment`."""
    images = read_environment(folder).data
    assert images.image_shape is not None  # as every environment.json that could be read
    form = Form.of_model(read_recipe(folder).data.options, images.image_shape, 8 if images.depth == 8 else 16)
    return form if images.range is None else replace(form, range=images.range)


def load_model(folder: Path, device: str) -> tuple[Autoencoder, list[str]]:
    """The trained model of a run in evaluation mode, and notices for the user. Raises as `load_weights` does."""
    model, _, notices = load_trained(folder, device)
    return model, notices


def load_trained(folder: Path, device: str) -> tuple[Autoencoder, Checkpoint, list[str]]:
    """As `load_model`; also says which weights these are."""
    recipe = read_recipe(folder)
    images = read_environment(folder).data
    assert images.image_shape is not None  # as every environment.json that could be read
    model = built_model(folder, recipe, images.image_shape, images.depth)
    model.form = form_of(folder)
    which, progress, notices = load_weights(folder, model)
    checkpoint = Checkpoint(which=which, step=progress.step, epoch=progress.epoch)
    return model.to(devices.choose_device(device, "device")).eval(), checkpoint, notices


def load_weights(
    folder: Path, model: Autoencoder, objective: nn.Module | None = None
) -> tuple[str, Progress, list[str]]:
    """Load the best weights of a run, or the last ones if the best are damaged; with notices for the user."""
    notices: list[str] = []
    for which in ("best", "last"):
        try:
            progress, _, passed_over = checkpoints.load(folder / "checkpoints" / which, model, objective=objective)
        except FileNotFoundError:
            if which == "best" and (folder / "checkpoints" / "last").is_dir():
                notices.append(f"{folder / 'checkpoints' / which}: is missing.")
            continue
        except checkpoints.Damaged as error:
            notices.append(f"{error}.")
            continue
        notices += [f"{passed_over}."] if passed_over else []
        if which == "last" and notices:
            notices.append(f"{folder}: using the last weights instead of the best.")
        return which, progress, [*notices, *other_versions(folder)]
    reasons = f" ({'; '.join(notice.rstrip('.') for notice in notices)})" if notices else ""
    raise RunError(f"{folder}: holds no weights that can be read{reasons}; {RESTORE}")


def built_model(folder: Path, recipe: Recipe, image_shape: tuple[int, int, int], depth: Depth) -> Autoencoder:
    """The model of a run before its weights are read. Raises RunError if it is too large for the folder's files."""
    held = [path.lstat().st_size for path in folder.glob("checkpoints/*/model.safetensors")]
    wanted = bytes_of_weights(recipe, image_shape) or 0
    if wanted > max(held, default=0) and wanted > _LARGE:
        raise RunError(
            f"{folder}: recipe.toml and environment.json describe a model of {size(wanted)}, and checkpoints/ holds "
            f"{size(max(held, default=0))}; restore them from a copy, or train again with another --out"
        )
    return Autoencoder(recipe, image_shape, depth)
