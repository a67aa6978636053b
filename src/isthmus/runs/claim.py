"""Who owns a run folder: nobody, this recipe or another one. One process at a time can hold it."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from isthmus.core.atomic_files import is_leftover, refuse_link, remove_leftovers, write_text
from isthmus.core.errors import InputError, RunError
from isthmus.core.folder_names import LEASE
from isthmus.core.lease import held_by, held_here
from isthmus.core.locks import is_locked, locked_file
from isthmus.data.given_images import FILES
from isthmus.recipes.recipe import Raw, Recipe, read_toml, resolve
from isthmus.run_files.remedies import RESTORE
from isthmus.run_files.start import StartRecord
from isthmus.run_files.write import write_record
from isthmus.runs.run_folder import is_begun, is_finished, read_recipe

# files of a run that has no checkpoint yet, so that nothing is lost with them; failed.json comes from a study
_BEFORE_CHECKPOINTS = frozenset(
    {
        *("lock", "log.jsonl", "recipe.toml", "start.json", "environment.json", "metrics.jsonl", "failed.json"),
        *("job.json", "job.log"),
        *("preview.safetensors", "watch.html"),
        *FILES,
    }
)


_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class DamagedRun(InputError):
    """The folder holds a run, and what is left of it does not suffice to go on; other runs of its study can."""


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold the folder; the kernel releases the lock whenever and however the process ends.

    Raises RunError where a process of this computer holds it, or one of another computer its lease.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ours = held_here(folder)
    if ours is None and (holder := held_by(folder)) is not None:
        raise RunError(
            f"{folder}: {holder} is at work here; wait for it or choose another --out. If that computer is switched "
            f"off, remove {folder / 'lease-*.json'}"
        )
    with ExitStack() as held:
        try:
            held.enter_context(locked_file(folder / "lock", wait=False))
        except BlockingIOError:
            if ours is None or not ours.over_stopped:  # by the process that stands still, and will notice
                raise _locked(folder) from None
        except (OSError, NotImplementedError) as error:
            # a file system without locks: the lease is what counts
            if ours is None or getattr(error, "errno", errno.ENOSYS) not in _NO_LOCKS:
                raise
        remove_leftovers(folder)
        yield


def refuse_locked(folder: Path) -> None:
    """Raise RunError where another process of this computer holds the folder."""
    if is_locked(folder / "lock"):
        raise _locked(folder)


def _locked(folder: Path) -> RunError:
    return RunError(f"{folder}: another process is at work here; wait for it or choose another --out")


def check(folder: Path, recipe: Recipe) -> None:
    """Check that the folder is free or belongs to this recipe.

    Raises InputError otherwise, DamagedRun if that cannot be known because a part of the run is missing or damaged.
    """
    path = folder / "recipe.toml"
    refuse_link(folder / "checkpoints")
    if not os.path.lexists(path):
        if is_begun(folder) or _has_ended(folder):
            raise DamagedRun(f"{path}: is missing; {_way_out(folder)}")
        if folder.is_dir() and holds_more(folder, {"lock", "log.jsonl", "start.json", "job.json", "job.log", *FILES}):
            raise InputError(f"{folder}: not empty and no run folder; choose another --out")
    elif is_begun(folder) or is_finished(folder):
        _check_same(folder, recipe)
    elif _has_ended(folder):
        raise DamagedRun(f"{folder / 'checkpoints'}: is missing; {_way_out(folder)}")
    else:
        _check_unbegun(folder)


def _has_ended(folder: Path) -> bool:
    """Whether files are there that isthmus writes only after a training."""
    return any((folder / name).is_file() for name in ("training.json", "evaluation.json"))


def _way_out(folder: Path) -> str:
    return f"restore it from a copy, or remove the folder {folder} to train this run again"


def _check_same(folder: Path, recipe: Recipe) -> None:
    try:  # resolved: a run of an older version lacks newer options, and used their defaults
        difference = first_difference(read_recipe(folder).table(), recipe.table())
    except InputError as error:
        what = str(error).removesuffix(f"; {RESTORE}")
        # any other error may be of a missing package or an older isthmus here, and the run is worth keeping
        raise DamagedRun(f"{what}; {_way_out(folder) if what != str(error) else RESTORE}") from None
    if difference:
        raise InputError(f"{folder}: holds a run with other options ({difference}); choose another --out")


def _check_unbegun(folder: Path) -> None:
    """Check that a folder with recipe.toml but no checkpoint comes from an interrupted run, not from the user."""
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
    """Whether `folder` holds anything else than files with these names."""
    ours = (entry.name in known or is_leftover(entry.name) or LEASE.fullmatch(entry.name) for entry in folder.iterdir())
    return not all(ours)


def claim(folder: Path, recipe: Recipe, start: StartRecord | None = None) -> Recipe:
    """Give the folder to this recipe; replaces a recipe without a checkpoint. Raises as `check`.

    start: what the run begins with, if not with new weights; it is written only where the run has not begun.
    Returns the recipe with the `train.threads` with which the folder's run began.
    """
    check(folder, recipe)
    folder.mkdir(parents=True, exist_ok=True)
    if is_begun(folder) or is_finished(folder):
        return recipe.with_threads(read_recipe(folder).train.threads)
    if start is None:
        (folder / "start.json").unlink(missing_ok=True)
    else:
        write_record(folder / "start.json", start)
    write_text(folder / "recipe.toml", recipe.toml())
    return recipe


def first_difference(old: Raw, new: Raw) -> str | None:
    """The first of `differences`."""
    return next(differences(old, new), None)


def differences(old: Raw, new: Raw, prefix: str = "") -> Iterator[str]:
    """The options in which two recipes differ, as `train.epochs is 3 there, 5 here`.

    `train.threads` does not count: it changes the speed and the last bits, not the method.
    """
    # a kind brings its own options, in which the two differ as well
    for key in sorted({*old, *new}, key=lambda key: (key != "kind", key)):
        path, ours, theirs = f"{prefix}{key}", new.get(key), old.get(key)
        if path == "train.threads":
            continue
        if isinstance(ours, dict) and isinstance(theirs, dict):
            yield from differences(theirs, ours, path + ".")
        elif ours != theirs:
            there, here = ("not set" if value is None else repr(value) for value in (theirs, ours))
            yield f"{path} is {there} there, {here} here"
