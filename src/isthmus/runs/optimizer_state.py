"""Whether a finished run keeps its optimizer's state: as asked, also where its process was killed before it could act.

While a run trains, its checkpoint says what was asked. So whoever meets the finished run next can do it.
"""

from __future__ import annotations

from pathlib import Path

from isthmus.core.errors import InputError, RunError
from isthmus.core.locks import locked_file
from isthmus.run_files.checkpoints import OPTIMIZER, STATE, read_state
from isthmus.run_files.state import State
from isthmus.run_files.write import write_record
from isthmus.runs.slim import slim

_TOO_LATE = "--keep-optimizer has no effect: the optimizer's state was removed after training had ended"


def settle(folder: Path, *, keep: bool) -> str | None:
    """Make a finished run slim, unless it was or is asked to keep the optimizer's state; the caller holds its lock.

    keep: whether it is asked for now. Returns what to say of the run where that comes too late or cannot be done: the
    run is finished all the same.
    """
    last = folder / "checkpoints" / "last"
    try:
        state = read_state(last)
        if _is_settled(last, state, keep):
            return None
        if not keep:
            slim(folder)
        elif OPTIMIZER in state.digests:
            write_record(last / STATE, state.model_copy(update={"keep_optimizer": True}))
        else:
            return _TOO_LATE
    except (InputError, RunError, OSError, ValueError) as error:
        return f"the optimizer's state is left as it is: {str(error).removeprefix(f'{folder}: ')}"
    return None


def settle_later(folder: Path, *, keep: bool) -> str | None:
    """`settle`, of a run that was finished before, whose lock the caller does not hold.

    Of a run that is as it was asked to be, nothing is locked or written. Neither is it of one without checkpoints.
    """
    last = folder / "checkpoints" / "last"
    try:
        state = read_state(last)
    except (OSError, ValueError):  # a finished run is shown and compared without checkpoints
        return None
    if _is_settled(last, state, keep):
        return None
    if keep and OPTIMIZER not in state.digests:
        return _TOO_LATE
    try:
        with locked_file(folder / "lock", wait=False):
            return settle(folder, keep=keep)
    except BlockingIOError:
        return "the optimizer's state is left as it is: another process is at work here"
    except (InputError, OSError) as error:
        return f"the optimizer's state is left as it is: {error}"


def _is_settled(last: Path, state: State, keep: bool) -> bool:
    if keep:
        return OPTIMIZER in state.digests and state.keep_optimizer is True
    # a file that state.json no longer names is what an interrupted `slim` left
    return state.keep_optimizer is not False or not (last / OPTIMIZER).is_file()
