"""Train in a run folder and evaluate the result; finished steps are not repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from isthmus.core import registry
from isthmus.data.given_images import GivenImages, keep, named_as_given
from isthmus.data.splits import Splits
from isthmus.models.processes import here
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.read import read_record
from isthmus.runs.claim import check, claim, locked
from isthmus.runs.evaluate_run import evaluate_run
from isthmus.runs.folder_log import logged
from isthmus.runs.load import load_data
from isthmus.runs.optimizer_state import settle
from isthmus.runs.run_folder import check_data, is_begun, is_evaluated, is_finished, is_trained
from isthmus.runs.start_from import Start, check_start, keep_images, keep_log, record_of
from isthmus.training import devices
from isthmus.training.events import Notice, Started
from isthmus.training.in_folder import train_in_folder
from isthmus.training.loop import Epoch, Step
from isthmus.training.notices import sentences
from isthmus.training.preview import Preview


@dataclass(frozen=True)
class Done:
    """Yielded last: the folder holds trained weights and an evaluation."""

    folder: Path
    evaluation: EvaluationRecord


Event = Started | Notice | Step | Epoch | Preview | Done


def run(
    recipe: Recipe,
    folder: Path,
    splits: Splits,
    cache: Path,
    *,
    start: Start | None = None,
    keep_optimizer: bool = False,
) -> Iterator[Event]:
    """Train in `folder` from its last checkpoint or from the start, then evaluate; finished steps are not repeated.

    start: the run whose weights it begins with; None: new weights.
    keep_optimizer: keep what only serves to go on with a training that has ended; see `settle`.
    Yields every event. After SIGINT, it saves at the next safe step and raises KeyboardInterrupt.
    Raises InputError if the folder holds a run of another recipe, Diverged if the loss is not finite.
    """
    check(folder, recipe)
    check_start(folder, start)
    with locked(folder):
        yield from _run(recipe, folder, splits, cache, start, keep_optimizer)


def _run(
    recipe: Recipe, folder: Path, splits: Splits, cache: Path, start: Start | None, keep_optimizer: bool
) -> Iterator[Event]:
    """`run`, in a folder whose lock this process holds."""
    for sort in ("measures", "checks", "samplers"):
        registry.usable(sort)  # raises before training the errors that would stop the evaluation
    if start is None or is_begun(folder) or is_finished(folder):
        begun = claim(folder, recipe)
    else:
        begun = claim(folder, recipe, record_of(start, recipe, splits))
        keep_log(start, folder)
    with nullcontext() if is_finished(folder) else logged(folder, "train"):
        trained_before = is_trained(folder)
        evaluated = trained_before and is_evaluated(folder)
        processes = here()
        processes.told((begun.train.threads, trained_before, evaluated))
        if begun != recipe and not trained_before:
            yield Notice(f"{folder}: goes on with train.threads {begun.train.threads or 'unset'}, as it began.")
        if is_begun(folder):
            check_data(folder, splits)
        if not trained_before:
            if is_begun(folder) and not any((folder / "checkpoints").glob("last*")):
                yield Notice(f"{folder}: holds no checkpoint to go on from, so it is trained from the start.")
            yield from train_in_folder(begun, folder, splits, cache, keep_optimizer=keep_optimizer)
            devices.return_freed_memory()  # the evaluation loads the model again
        processes.wait()
        # after a training here, an earlier evaluation may be of other weights
        if not evaluated:
            for sentence in evaluate_run(folder, splits, cache):
                yield Notice(sentence)
        if (said := settle(folder, keep=keep_optimizer)) is not None:
            yield Notice(f"{folder}: {said}.")
    yield Done(folder, read_record(folder / "evaluation.json", EvaluationRecord))


def run_beside(recipe: Recipe, folder: Path, cache: Path, *, images: GivenImages | None = None) -> None:
    """What the processes beside the first one do in a run: the same steps and the same evaluation, without writing."""
    processes = here()
    splits = None if images else load_data(recipe)
    threads, trained, evaluated = processes.told((None, False, False))
    if splits is None:
        assert images is not None
        with named_as_given(folder / images.name):  # the first process has kept them
            splits = load_data(recipe)
    if not trained:
        for _ in train_in_folder(recipe.with_threads(threads), folder, splits, cache):
            pass
    processes.wait()
    if not evaluated:
        evaluate_run(folder, splits, cache)


def show(recipe: Recipe, folder: Path, splits: Splits) -> Iterator[Done]:
    """What `run` yields of a finished run. It writes nothing and takes no lock, which another process may hold.

    Raises as `run`.
    """
    check(folder, recipe)
    check_start(folder, None)
    check_data(folder, splits)
    yield Done(folder, read_record(folder / "evaluation.json", EvaluationRecord))


def load_and_run(
    recipe: Recipe,
    folder: Path,
    cache: Path,
    *,
    images: GivenImages | None = None,
    start: Start | None = None,
    keep_optimizer: bool = False,
) -> Iterator[Event]:
    """`run` on the recipe's data, after notices about changes to the images. Raises as `load_data` and `run`.

    images: those that were given in Python, to keep in the folder and to train on.
    """
    check(folder, recipe)
    check_start(folder, start)
    if images is None:
        if start is not None:
            keep_images(start, folder, recipe)
        begin = partial(run, recipe, folder, cache=cache, start=start, keep_optimizer=keep_optimizer)
        yield from _told(recipe, load_data(recipe), begin)
        return
    with locked(folder):  # locked before writing: another process may be training on the present file
        keep(images, folder, begun=is_begun(folder))
        with named_as_given(folder / images.name):
            read = load_data(recipe)
        begin = partial(_run, recipe, folder, cache=cache, start=start, keep_optimizer=keep_optimizer)
        yield from _told(recipe, read, begin)


def _told(recipe: Recipe, splits: Splits, start: Callable[[Splits], Iterator[Event]]) -> Iterator[Event]:
    events = start(splits)
    first = next(events)  # before the first step: a wrong recipe raises here, before any notice about images
    for sentence in sentences(recipe, splits):
        yield Notice(sentence)
    yield first
    yield from events
