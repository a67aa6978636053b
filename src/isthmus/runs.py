"""The run folder: one training with everything needed to resume, rerun, judge and use it."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.numpy import save_file

import isthmus
from isthmus import registry
from isthmus.errors import InputError, RunError
from isthmus.evaluate import evaluate
from isthmus.model import Autoencoder, build_objective
from isthmus.recipe import Raw, Recipe, read_toml, resolve
from isthmus.splits import Splits, split
from isthmus.training import checkpoint, machine
from isthmus.training.batches import Batches
from isthmus.training.loop import Diverged, Epoch, Progress, Step, train
from isthmus.training.optimizers import build_optimizer

SAVE_SECONDS = 30.0


@dataclass(frozen=True)
class Started:
    """Yielded when training begins or goes on: how far it is and how far it can go."""

    folder: Path
    recipe: Recipe
    step: int
    total_steps: int
    images_per_epoch: int
    device: str
    precision: str


@dataclass(frozen=True)
class Notice:
    """Yielded for a sentence the user should read."""

    sentence: str


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
    _claim(folder, recipe)
    with _locked(folder):
        if not is_trained(folder):
            yield from _train(recipe, folder, splits)
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


def read_json(path: Path) -> Any:
    """A JSON file of a run folder. Raises RunError where it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read ({error}); remove it and run again") from None


def write_json(path: Path, value: Any) -> None:
    """Write beside and rename, so that a crash leaves the old file or the new one."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def _train(recipe: Recipe, folder: Path, splits: Splits) -> Iterator[Event]:
    machine.keep_freed_memory()
    device = machine.choose_device(recipe.train.device)
    precision = machine.choose_precision(recipe.train.precision, device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = Autoencoder(recipe, splits.train.images.shape[1:])
    model.to(device, memory_format=torch.channels_last)
    objective = build_objective(recipe, model).to(device)
    optimizer = build_optimizer(model.parameters(), recipe.train)
    batches = Batches(torch.from_numpy(splits.train.images).to(device), recipe.train.batch, seed=recipe.seed)
    validation = torch.from_numpy(splits.validation.images).to(device)

    progress, last = Progress(), folder / "checkpoints" / "last"
    try:
        progress, notes, passed_over = checkpoint.load(last, model, optimizer)
    except FileNotFoundError:
        _write_environment(recipe, folder, splits, device, precision)
    else:
        if passed_over:
            yield Notice(f"{passed_over}.")
        if (notes["device"], notes["threads"], notes["precision"]) != tuple(_how(device, precision).values()):
            yield Notice(
                f"{folder}: resumed on another device, precision or thread count than it began with; "
                "its weights will be as good, but not the same bits."
            )
    log = _Log(folder / "metrics.jsonl", keep_steps=progress.step)
    yield Started(
        folder,
        recipe,
        progress.step,
        recipe.train.epochs * len(batches),
        len(batches.images),
        str(device),
        precision,
    )
    saved_at, saved_step = time.monotonic(), progress.step
    steps = train(
        model,
        objective,
        optimizer,
        batches,
        validation,
        recipe.train,
        progress,
        precision=precision,
        seed=recipe.seed,
    )
    with _interrupts() as interrupted, log:
        try:
            for event in steps:
                if isinstance(event, Epoch):
                    log.write("epoch", progress, {**event.log, "best": event.best})
                    if event.best:
                        checkpoint.save(folder / "checkpoints" / "best", model, progress)
                    safe = True
                else:
                    if event.log is not None:
                        log.write("train", progress, event.log)
                    # at an epoch's last step the epoch is not closed yet: wait for its validation
                    safe = event.log is not None and progress.batch < len(batches)
                asked = interrupted.is_set()
                if safe and (isinstance(event, Epoch) or asked or time.monotonic() - saved_at > SAVE_SECONDS):
                    checkpoint.save(last, model, progress, optimizer, notes=_how(device, precision))
                    saved_at, saved_step = time.monotonic(), progress.step
                yield event
                if safe and asked:
                    raise KeyboardInterrupt
        except Diverged as error:
            good = f"the last good checkpoint is {last} of step {saved_step}" if saved_step else "none was saved yet"
            raise RunError(f"{folder}: {error}; {good}") from None
    write_json(folder / "training.json", _outcome(progress, recipe, len(batches.images)))
    checkpoint.drop_old(last)
    checkpoint.drop_old(folder / "checkpoints" / "best")


def _outcome(progress: Progress, recipe: Recipe, images: int) -> dict[str, Any]:
    loss = "training loss" if recipe.train.monitor == "training" else "validation loss"
    sentences = {
        "epochs": f"ran all {progress.epoch} epochs",
        "patience": f"{loss} had not improved for {recipe.train.patience_epochs} epochs",
    }
    return {
        "format": 1,
        "stopped": progress.stopped,
        "sentence": sentences[progress.stopped],
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "steps": progress.step,
        "seconds": progress.seconds,
        "images_per_second": progress.epoch * images / max(progress.seconds, 1e-9),
    }


def _claim(folder: Path, recipe: Recipe) -> None:
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
    beside = path.with_name("recipe.toml.new")
    beside.write_text(recipe.toml(), encoding="utf-8")
    beside.replace(path)


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


@contextmanager
def _interrupts() -> Generator[threading.Event]:
    """The first Ctrl-C (or SIGTERM) asks for a stop at the next safe step, a second one stops at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Log:
    """metrics.jsonl, cut back to the checkpoint where a run resumes, so that no step stands twice."""

    def __init__(self, path: Path, *, keep_steps: int) -> None:
        kept: list[str] = []
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    if json.loads(line)["step"] <= keep_steps:
                        kept.append(line)
                except (ValueError, KeyError, TypeError):  # the line a crash cut short
                    continue
        beside = path.with_name(path.name + ".new")
        beside.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        beside.replace(path)
        self.file = open(path, "a", encoding="utf-8")

    def write(self, kind: str, progress: Progress, values: dict[str, Any]) -> None:
        epoch = progress.epoch if kind == "epoch" else progress.epoch + 1
        where = {"kind": kind, "step": progress.step, "epoch": epoch, "seconds": round(progress.seconds, 3)}
        self.file.write(json.dumps({**where, **values}) + "\n")
        self.file.flush()

    def __enter__(self) -> _Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def _how(device: torch.device, precision: str) -> dict[str, Any]:
    """What the bits of the weights depend on beside recipe and versions."""
    return {"device": device.type, "threads": torch.get_num_threads(), "precision": precision}


def _write_environment(
    recipe: Recipe, folder: Path, splits: Splits, device: torch.device, precision: str
) -> None:
    shape = splits.train.images.shape[1:]
    environment = {
        "format": 1,
        "command": command_line(),
        "commit": _commit(),
        "versions": {
            "isthmus": isthmus.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "device": str(device),
        "hardware": machine.describe(device),
        "precision": precision,
        "threads": torch.get_num_threads(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "data": {
            "kind": recipe.data.kind,
            "source": splits.source,
            "train_images": len(splits.train),
            "validation_images": len(splits.validation),
            "test_images": len(splits.test),
            "hash": splits.hash,
            "image_shape": list(shape),
            "class_names": list(splits.class_names),
        },
    }
    write_json(folder / "environment.json", environment)


def command_line() -> str:
    """The command as typed, for the reproduce box."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]) if sys.argv and sys.argv[0] else "python"


def _commit() -> str | None:
    """The commit of the source tree, where isthmus runs from one."""
    try:
        found = subprocess.run(
            ["git", "-C", os.path.dirname(__file__), "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
