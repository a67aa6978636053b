"""The run folder: one training with everything needed to resume, rerun, judge and use it."""

from __future__ import annotations

import fcntl
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file

import isthmus
from isthmus import registry
from isthmus.errors import InputError, RunError
from isthmus.evaluate import evaluate
from isthmus.files import read_json, write_json, write_text
from isthmus.model import Autoencoder
from isthmus.recipe import Raw, Recipe, read_toml, resolve
from isthmus.splits import Splits, split
from isthmus.training import checkpoint, machine
from isthmus.training.loop import Epoch, Progress, Step
from isthmus.training.session import Notice, Started, train_in_folder


@dataclass(frozen=True)
class Done:
    """Yielded last: the folder holds trained weights and an evaluation."""

    folder: Path
    summary: dict[str, Any]


Event = Started | Notice | Step | Epoch | Done


def load_data(recipe: Recipe) -> Splits:
    """The recipe's data set, split as the recipe says."""
    dataset = registry.build("datasets", recipe.data.kind, recipe.data.options).load()
    return split(dataset, **recipe.split.model_dump())


def read_recipe(folder: Path) -> Recipe:
    """The resolved recipe of a run folder. Raises InputError where `folder` is no run."""
    if not (folder / "recipe.toml").is_file():
        raise InputError(f"{folder}: not a run folder (no recipe.toml); `isthmus train` makes one")
    return resolve(read_toml(folder / "recipe.toml"))


def is_trained(folder: Path) -> bool:
    return (folder / "training.json").is_file()


def is_evaluated(folder: Path) -> bool:
    return (folder / "evaluation.json").is_file()


def run(recipe: Recipe, folder: Path, splits: Splits, cache: Path) -> Iterator[Event]:
    """Train in `folder` from its last checkpoint or from the start, then evaluate; done parts are not redone.

    Yields every event; SIGINT is answered at the next safe step by saving and raising KeyboardInterrupt.
    Raises InputError where the folder holds a run of another recipe, Diverged where the loss is not finite.
    """
    claim(folder, recipe)
    with _locked(folder):
        if not is_trained(folder):
            yield from train_in_folder(recipe, folder, splits)
        if not is_evaluated(folder):
            for sentence in evaluate_run(folder, splits, cache):
                yield Notice(sentence)
    yield Done(folder, read_json(folder / "evaluation.json"))


def evaluate_run(folder: Path, splits: Splits, cache: Path) -> list[str]:
    """Evaluate the best weights of a trained run and write evaluation.json, per_image.parquet, pictures.

    Returns sentences the user should read.
    """
    recipe = read_recipe(folder)
    if not is_trained(folder):
        raise RunError(f"{folder}: training has not ended yet; `isthmus train --resume {folder}` goes on")
    environment, training = read_json(folder / "environment.json"), read_json(folder / "training.json")
    if environment["data"]["hash"] != splits.hash:
        raise InputError(f"{folder}: the images at data.path are not those it was trained on; restore them")
    model = Autoencoder(recipe, splits.train.images.shape[1:])
    model.to(machine.choose_device(recipe.train.device))
    which, progress, notices = load_weights(folder, model)
    result = evaluate(model, recipe, splits, cache)
    extra = {
        "train_seconds": training["seconds"],
        "device": environment["device"],
        "precision": environment["precision"],
        **{key: training[key] for key in ("images_per_second", "epochs", "best_epoch", "steps", "stopped")},
        "sentence": training["sentence"],
    }
    summary = {
        "format": 1,
        "isthmus": isthmus.__version__,
        "name": recipe.name,
        "seed": recipe.seed,
        "data": environment["data"],
        "checkpoint": {"which": which, "step": progress.step, "epoch": progress.epoch},
        **result.summary,
        "cost": {**result.summary["cost"], **extra},
    }
    pq.write_table(pa.table(result.per_image), folder / "per_image.parquet")
    save_file({k: np.ascontiguousarray(v) for k, v in result.pictures.items()}, folder / "pictures.safetensors")
    write_json(folder / "evaluation.json", summary)  # last: its presence means that all is there
    return notices


def load_weights(folder: Path, model: Autoencoder) -> tuple[str, Progress, list[str]]:
    """The best weights of a run, or its last where the best are damaged; with sentences to read."""
    notices: list[str] = []
    for which in ("best", "last"):
        try:
            progress, _, passed_over = checkpoint.load(folder / "checkpoints" / which, model)
        except FileNotFoundError:
            continue
        except checkpoint.Damaged as error:
            notices.append(f"{error}.")
            continue
        notices += [f"{passed_over}."] if passed_over else []
        if which == "last" and notices:
            notices.append(f"{folder}: using the last weights instead of the best.")
        return which, progress, notices
    raise RunError(" ".join([f"{folder}: holds no weights that can be read.", *notices, "Train it again."]))


def claim(folder: Path, recipe: Recipe) -> None:
    """Make the folder this recipe's, or see that it already is."""
    path = folder / "recipe.toml"
    if path.exists():
        difference = first_difference(read_toml(path), recipe.table())
        if difference:
            raise InputError(
                f"{folder}: holds a run with other options ({difference}); choose another --out, or remove it"
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    if any(entry.name != "lock" for entry in folder.iterdir()):
        raise InputError(f"{folder}: not empty and no run folder; choose another --out")
    write_text(path, recipe.toml())


def first_difference(old: Raw, new: Raw, prefix: str = "") -> str | None:
    """The first option in which two recipes differ, as `train.epochs is 3 there, 5 here`."""
    for key in sorted({*old, *new}):
        path, ours, theirs = f"{prefix}{key}", new.get(key), old.get(key)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            found = first_difference(theirs, ours, path + ".")
            if found:
                return found
        elif ours != theirs:
            return f"{path} is {theirs!r} there, {ours!r} here"
    return None


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    """Hold the folder; the kernel lets go when the process dies, however it dies."""
    with open(folder / "lock", "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunError(f"{folder}: another process is training here; wait for it or choose another --out") from None
        yield
