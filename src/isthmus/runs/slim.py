"""Make finished runs small: what only serves to go on with their training is removed, all else works as before.

Of a finished run, `last` holds the optimizer's state, twice the size of the weights, and mostly the same weights as
`best`. What is left of `last` still says how far training came and, where its weights are others, holds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from isthmus.core.atomic_files import is_leftover, refuse_link
from isthmus.core.errors import RunError
from isthmus.core.folder_names import CHECKPOINT_FILES
from isthmus.run_files.checkpoints import NAMES, OPTIMIZER, STATE, SUFFIXES, TENSORS, files_of, read_state
from isthmus.run_files.state import State
from isthmus.run_files.write import write_record


def slim(folder: Path, *, dry: bool = False) -> int:
    """Remove from a finished run what only serves to go on with its training; returns the bytes that this frees.

    folder: a run whose training has ended and whose lock the caller holds. dry: remove nothing. A crash at any moment
    leaves checkpoints that can be loaded. Raises RunError where they cannot be read: a damaged run keeps all it has.
    """
    home = folder / "checkpoints"
    last, best = home / "last", home / "best"
    for place in (home, last, best):
        refuse_link(place)
    try:
        state, kept = read_state(last), read_state(best)
        if not state.progress.stopped:
            raise ValueError("last/state.json: training has not ended")
        files_of(best, kept)
        smaller = _smaller(state, kept)
        files_of(last, smaller)
    except (OSError, ValueError) as error:
        raise RunError(f"{folder}: its checkpoints are not whole ({error}) and are left as they are") from None
    needless = list(_needless(home, smaller))
    freed = sum(_size(path) for path in needless)
    if not dry:
        if smaller != state:
            write_record(last / STATE, smaller)  # first: from then on, the other files are not asked for
        for path in needless:
            _remove(path)
    return freed


def _smaller(state: State, kept: State) -> State:
    """state.json of `last` without the optimizer, and without weights that are those of `best`."""
    left = {name: digest for name, digest in state.digests.items() if name != OPTIMIZER}
    same = "best" if state.same_weights_as or left == kept.digests else ""
    changed = {"digests": left, **({"same_weights_as": same} if same else {})}
    return state.model_copy(update=changed)


def _needless(home: Path, last: State) -> Iterator[Path]:
    """Files of `last` that its state.json does not name any more, and what saves and crashes left; a folder last.

    What isthmus did not write there is somebody else's, links too, and so are the folders that hold it.
    """
    for name in TENSORS:
        path = home / "last" / name
        if _is_file(path) and (last.same_weights_as or name not in last.digests):
            yield path
    for left in (home / f"{name}{suffix}" for name in NAMES for suffix in SUFFIXES[1:]):
        if left.is_dir() and not left.is_symlink():
            inner = sorted(left.iterdir())
            ours = [path for path in inner if _is_file(path) and _is_ours(path.name)]
            yield from ours
            if ours == inner:
                yield left


def _is_ours(name: str) -> bool:
    return name in CHECKPOINT_FILES or is_leftover(name)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _size(path: Path) -> int:
    """Bytes of a file; 0 for a folder, whose files are counted by themselves."""
    return 0 if path.is_dir() else path.lstat().st_size


def _remove(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
