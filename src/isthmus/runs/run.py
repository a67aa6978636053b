"""The run folder: one training with everything needed to resume, rerun, judge and use it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

import isthmus
from isthmus.core import registry
from isthmus.core.atomic_files import is_leftover, refuse_link, remove_leftovers, write_bytes, write_json, write_text
from isthmus.core.errors import InputError, RunError
from isthmus.core.json_files import read_json
from isthmus.core.locks import locked_file
from isthmus.core.wording import size
from isthmus.data.array_file import ARRAY_FILE, keep
from isthmus.data.splits import Splits, split
from isthmus.evaluation.baselines.pca_timeline import follow
from isthmus.evaluation.doctor.examine import examine
from isthmus.evaluation.doctor.measure import measure_run
from isthmus.evaluation.evaluate import evaluate
from isthmus.models.autoencoder import Autoencoder, build_objective
from isthmus.recipes.recipe import Raw, Recipe, as_written_then, read_toml, resolve
from isthmus.run_files.arrays import pictures_bytes, read_scores, scores_bytes
from isthmus.run_files.needed_packages import check_packages
from isthmus.run_files.read import holds, read_record
from isthmus.run_files.schema import EvaluationRecord
from isthmus.run_files.training import Environment, TrainingRecord
from isthmus.training import checkpoint, devices
from isthmus.training.in_folder import Notice, Started, train_in_folder
from isthmus.training.loop import Epoch, Progress, Step
from isthmus.training.memory_estimate import bytes_of_weights
from isthmus.training.notices import sentences
from isthmus.training.preview import Preview


@dataclass(frozen=True)
class Done:
    """Yielded last: the folder holds trained weights and an evaluation."""

    folder: Path
    summary: dict[str, Any]


Event = Started | Notice | Step | Epoch | Preview | Done

# what a run writes before there is something to lose; a study keeps its failures there
_BEFORE_CHECKPOINTS = frozenset({"lock", "recipe.toml", "environment.json", "metrics.jsonl", "failed.json", ARRAY_FILE})

_LARGE = 10**9  # bytes of weights: a model of fewer is built, and reading its weights says what does not fit

_NEVER_IMPROVED = "Training never improved on its start at PCA, so the weights scored are those before the first step."


def load_data(recipe: Recipe) -> Splits:
    """The recipe's data set, split as the recipe says.

    Raises InputError where there are too few images to train or to judge.
    """
    dataset = registry.build("datasets", recipe.data.kind, recipe.data.options).load()
    splits = split(dataset, **recipe.split.model_dump())
    if len(splits.test) < 2:
        raise InputError(f"data: {splits.source} leaves 1 test image, and an interval needs 2; use more images")
    return splits


def read_recipe(folder: Path) -> Recipe:
    """The resolved recipe of a run folder. Raises InputError where `folder` is no run."""
    path = folder / "recipe.toml"
    if not path.is_file():
        held = sorted(str(home.parent) for home in folder.glob("*/seed-*/recipe.toml"))
        if held:
            raise InputError(f"{folder}: a study, not a run; name one of the runs in it: {', '.join(held)}")
        raise InputError(f"{folder}: not a run folder (no recipe.toml); `isthmus train` makes one")
    try:
        table = read_toml(path)
        if "train" not in table:  # written last: a file cut between two lines would read as a recipe of defaults
            raise InputError("has no [train], so it is not whole; restore it from a copy, or train again")
        check_packages(folder)
        return resolve(as_written_then(table))
    except InputError as error:
        sentence = str(error)
        raise InputError(sentence if sentence.startswith(str(folder)) else f"{path}: {sentence}") from None


def read_environment(folder: Path) -> Environment:
    """environment.json of a run. Raises RunError where it does not say how and on what it was trained."""
    return read_record(folder / "environment.json", Environment)


def is_begun(folder: Path) -> bool:
    """Whether something would be lost with the folder: it holds a checkpoint."""
    return (folder / "checkpoints").is_dir()


def is_trained(folder: Path) -> bool:
    """Whether training.json is there and whole; where it is damaged, resuming writes it anew."""
    return holds(folder / "training.json", TrainingRecord)


def is_evaluated(folder: Path) -> bool:
    """Whether the evaluation is there and whole; where it is damaged, evaluating writes it anew."""
    try:
        evaluation = read_record(folder / "evaluation.json", EvaluationRecord)
        rows = read_scores(folder / "per_image.parquet")
    except (OSError, RunError):
        return False
    return evaluation.is_whole and evaluation.data.test_images == len(rows["model_psnr"])


def run(recipe: Recipe, folder: Path, splits: Splits, cache: Path) -> Iterator[Event]:
    """Train in `folder` from its last checkpoint or from the start, then evaluate; done parts are not redone.

    Yields every event; SIGINT is answered at the next safe step by saving and raising KeyboardInterrupt.
    Raises InputError where the folder holds a run of another recipe, Diverged where the loss is not finite.
    """
    check(folder, recipe)
    with locked(folder):
        yield from _run(recipe, folder, splits, cache)


def _run(recipe: Recipe, folder: Path, splits: Splits, cache: Path) -> Iterator[Event]:
    """`run` in a folder whose lock is held."""
    for sort in ("measures", "checks", "samplers"):
        registry.usable(sort)  # raises before the training what would stop the evaluation after it
    begun = claim(folder, recipe)
    if begun != recipe and not is_trained(folder):
        yield Notice(f"{folder}: goes on with train.threads {begun.train.threads or 'unset'}, as it began.")
    if is_begun(folder):
        _check_data(folder, splits)
    if not is_trained(folder):
        yield from train_in_folder(begun, folder, splits, cache)
    if not is_evaluated(folder):
        for sentence in evaluate_run(folder, splits, cache):
            yield Notice(sentence)
    yield Done(folder, read_json(folder / "evaluation.json"))


def load_and_run(recipe: Recipe, folder: Path, cache: Path, *, images: bytes | None = None) -> Iterator[Event]:
    """`run` on the recipe's own data, after notices of what was done to the images. Raises as `load_data` and `run`.

    images: a file of images to keep in the folder and to train on, for the data set `arrays`.
    """
    check(folder, recipe)
    if images is None:
        yield from _told(recipe, load_data(recipe), lambda splits: run(recipe, folder, splits, cache))
        return
    with locked(folder):  # before they are written: another process may be training on the file that is there
        keep(images, folder, begun=is_begun(folder))
        yield from _told(recipe, load_data(recipe), lambda splits: _run(recipe, folder, splits, cache))


def _told(recipe: Recipe, splits: Splits, start: Callable[[Splits], Iterator[Event]]) -> Iterator[Event]:
    events = start(splits)
    first = next(events)  # before its first step; a recipe that is refused is refused without a word about pictures
    for sentence in sentences(recipe, splits):
        yield Notice(sentence)
    yield first
    yield from events


def evaluate_run(folder: Path, splits: Splits, cache: Path, device: str | None = None) -> list[str]:
    """Evaluate the best weights of a trained run and write evaluation.json, per_image.parquet, pictures.

    device: by default the recipe's, or what is here where it names one that is not.
    Returns sentences the user should read.
    """
    recipe = read_recipe(folder)
    if not is_trained(folder):
        raise RunError(f"{folder}: training has not ended yet; `isthmus train --resume {folder}` goes on")
    environment, training = _check_data(folder, splits), read_record(folder / "training.json", TrainingRecord)
    model = _built(folder, recipe, splits.train.images.shape[1:])
    place, elsewhere = _where(recipe, device)
    model.to(place)
    objective = build_objective(recipe, model).to(model.device)
    which, progress, notices = load_weights(folder, model, objective)
    notices += elsewhere
    notices += _left_out()
    result = evaluate(model, recipe, splits, cache, objective)
    measured = measure_run(
        model,
        recipe,
        splits,
        result.learnt,
        result.tested.latents,
        result.summary,
        folder / "metrics.jsonl",
        steps=training.steps,
        kept=progress.epoch,
    )
    against_pca = result.summary["against_pca"]
    pca_mse = against_pca["validation"]["pca_mse"]
    course = follow(folder / "metrics.jsonl", pca_mse, epochs=training.epochs, kept=progress.epoch)
    extra = {
        "train_seconds": training.seconds,
        "device": environment.device,
        "precision": environment.precision,
        **training.model_dump(exclude={"seconds"}),
    }
    summary = {
        "format": 1,
        "isthmus": isthmus.__version__,
        "name": recipe.name,
        "seed": recipe.seed,
        "data": environment.data.model_dump(),
        "checkpoint": {"which": which, "step": progress.step, "epoch": progress.epoch},
        **result.summary,
        "flags": [*result.summary["flags"], *([_NEVER_IMPROVED] if progress.epoch == 0 else [])],
        "against_pca": {**against_pca, "validation": course.model_dump(exclude_unset=True)},
        "cost": {**result.summary["cost"], **extra},
        "doctor": [one.as_dict() for one in examine(measured)],
    }
    write_bytes(folder / "per_image.parquet", scores_bytes(result.per_image))
    write_bytes(folder / "pictures.safetensors", pictures_bytes(result.pictures))
    write_json(folder / "evaluation.json", summary)  # last: its presence means that all is there
    return notices


def _left_out() -> list[str]:
    """A sentence for each measure and check of another package that cannot be used: the evaluation does without."""
    return [f"Left out: {said}." for sort in ("measures", "checks") for said in registry.problems(sort)]


def _where(recipe: Recipe, wanted: str | None) -> tuple[torch.device, list[str]]:
    """The device to evaluate on, and a sentence where it is not the one that the recipe names."""
    if wanted is not None:
        return devices.choose_device(wanted), []
    try:
        return devices.choose_device(recipe.train.device), []
    except InputError:
        place = devices.choose_device("auto")
        return place, [f"{recipe.train.device}, on which it was trained, is not here: evaluated on {place.type}."]


def load_weights(
    folder: Path, model: Autoencoder, objective: nn.Module | None = None
) -> tuple[str, Progress, list[str]]:
    """The best weights of a run, or its last where the best are damaged; with sentences to read."""
    notices: list[str] = []
    for which in ("best", "last"):
        try:
            progress, _, passed_over = checkpoint.load(folder / "checkpoints" / which, model, objective=objective)
        except FileNotFoundError:
            continue
        except checkpoint.Damaged as error:
            notices.append(f"{error}.")
            continue
        notices += [f"{passed_over}."] if passed_over else []
        if which == "last" and notices:
            notices.append(f"{folder}: using the last weights instead of the best.")
        return which, progress, notices
    reasons = f" ({'; '.join(notice.rstrip('.') for notice in notices)})" if notices else ""
    raise RunError(f"{folder}: holds no weights that can be read{reasons}; train again with another --out")


def load_model(folder: Path, device: str) -> tuple[Autoencoder, list[str]]:
    """The trained model of a run in evaluation mode, and sentences to read. Raises as `load_weights` does."""
    recipe = read_recipe(folder)
    model = _built(folder, recipe, read_environment(folder).data.image_shape)
    _, _, notices = load_weights(folder, model)
    return model.to(devices.choose_device(device)).eval(), notices


def _built(folder: Path, recipe: Recipe, image_shape: tuple[int, int, int]) -> Autoencoder:
    """The model of a run before its weights are read. Raises RunError where the folder cannot hold weights so large."""
    held = [path.lstat().st_size for path in folder.glob("checkpoints/*/model.safetensors")]
    wanted = bytes_of_weights(recipe, image_shape) or 0
    if wanted > max(held, default=0) and wanted > _LARGE:
        raise RunError(
            f"{folder}: recipe.toml and environment.json describe a model of {size(wanted)}, and checkpoints/ holds "
            f"{size(max(held, default=0))}; restore them from a copy, or train again with another --out"
        )
    return Autoencoder(recipe, image_shape)


def check(folder: Path, recipe: Recipe) -> None:
    """See that the folder is free for this recipe, or already its own. Raises InputError where it is neither."""
    path = folder / "recipe.toml"
    refuse_link(folder / "checkpoints")
    if path.exists():
        if not is_begun(folder):
            _check_unbegun(folder)
            return
        try:  # resolved: a run of an older version lacks the options that came since, and ran with their defaults
            difference = first_difference(read_recipe(folder).table(), recipe.table())
        except InputError as error:
            raise InputError(f"{error}; restore it from a copy, or choose another --out") from None
        if difference:
            raise InputError(
                f"{folder}: holds a run with other options ({difference}); choose another --out, or remove it"
            )
    elif folder.is_dir() and holds_more(folder, {"lock", ARRAY_FILE}):
        raise InputError(f"{folder}: not empty and no run folder; choose another --out")


def _check_unbegun(folder: Path) -> None:
    """See that a folder with a recipe.toml and no checkpoint is what an interrupted run left, and nobody's own."""
    if holds_more(folder, _BEFORE_CHECKPOINTS):
        raise InputError(f"{folder}: holds more than a run that has only begun; choose another --out")
    try:
        table = read_toml(folder / "recipe.toml")
        ours = {**resolve(table).table(), **table} == table
    except InputError:
        ours = False
    if not ours:
        raise InputError(f"{folder}/recipe.toml: was not written by isthmus and would be lost; choose another --out")


def holds_more(folder: Path, known: Collection[str]) -> bool:
    """Whether `folder` holds more than files of these names."""
    return any(entry.name not in known and not is_leftover(entry.name) for entry in folder.iterdir())


def claim(folder: Path, recipe: Recipe) -> Recipe:
    """Make the folder this recipe's; one in which nothing was saved yet is taken over. Raises as `check`.

    Returns the recipe with the `train.threads` that the folder's run began with.
    """
    check(folder, recipe)
    folder.mkdir(parents=True, exist_ok=True)
    if is_begun(folder):
        return recipe.with_threads(read_recipe(folder).train.threads)
    write_text(folder / "recipe.toml", recipe.toml())
    return recipe


def first_difference(old: Raw, new: Raw, prefix: str = "") -> str | None:
    """The first option in which two recipes differ, as `train.epochs is 3 there, 5 here`.

    Not `train.threads`: it changes the speed and the last bits, not the method.
    """
    for key in sorted({*old, *new}):
        path, ours, theirs = f"{prefix}{key}", new.get(key), old.get(key)
        if path == "train.threads":
            continue
        if isinstance(ours, dict) and isinstance(theirs, dict):
            found = first_difference(theirs, ours, path + ".")
            if found:
                return found
        elif ours != theirs:
            return f"{path} is {theirs!r} there, {ours!r} here"
    return None


def _check_data(folder: Path, splits: Splits) -> Environment:
    """The run's environment, once the images are seen to be those that it was trained on."""
    environment = read_environment(folder)
    if environment.data.hash != splits.hash:
        raise InputError(
            f"{folder}: the images at {splits.source} are not those it was trained on; restore them, "
            "or train on these with another --out"
        )
    return environment


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold the folder; the kernel lets go when the process dies, however it dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(locked_file(folder / "lock", wait=False))
        except BlockingIOError:
            raise RunError(f"{folder}: another process is at work here; wait for it or choose another --out") from None
        remove_leftovers(folder)
        yield
