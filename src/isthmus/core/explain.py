"""One sentence with a remedy for every foreseeable failure, on the command line as in a study's findings."""

from __future__ import annotations

import errno
import os

from isthmus.core.errors import InputError, RunError, out_of_memory
from isthmus.core.memory_limit import address_limit
from isthmus.core.wording import size

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
_WRONG_PATHS = {
    errno.EROFS: "is on a read-only disk; choose another folder, or copy it to a disk that can be written",
    errno.EACCES: "may not be used; change its permissions or choose another path",
    errno.EPERM: "may not be used; change its permissions or choose another path",
    errno.EEXIST: "is a file where a folder is needed; choose another path",
    errno.ENOTDIR: "is below a file, not below a folder; choose another path",
    errno.EISDIR: "is a folder where a file is needed; remove the folder, or name a file",
    errno.ENOENT: "cannot be found or made; check the path",
    errno.ENAMETOOLONG: "is too long a name; choose a shorter one",
    errno.ELOOP: "is a link that leads back to itself; choose another path",
}


def explain(error: Exception, again: str) -> tuple[str, int] | None:
    """A sentence with a remedy, and the exit code; None for a bug of isthmus.

    again: what to do once the cause is removed, as the end of a sentence.
    """
    if isinstance(error, InputError):
        return str(error), 2
    if isinstance(error, RunError):
        return str(error), 1
    if isinstance(error, OSError):
        return _system(error, again)
    if isinstance(error, UnicodeEncodeError):
        near = error.object[max(0, error.start - 40) : error.end + 20]
        return f"{near!r}: a name that is not UTF-8 cannot be written down; rename it", 2
    said = out_of_memory(error)
    return None if said is None else (f"{said}; {more_memory(again)}", 1)


def more_memory(again: str) -> str:
    """What to do where memory was too little, as the end of a sentence."""
    limit = address_limit()
    raised = "" if limit is None else f" or raise `ulimit -v` (now {size(limit)})"
    return f"free some{raised}, and {again}; or ask for less: {_LESS}"


# options of a run that has begun cannot be changed
_LESS = "train.batch, data.size or the model in a new run (another --out), -n in `isthmus sample`"


def _system(error: OSError, again: str) -> tuple[str, int]:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in FULL_DISK:
        return f"{where}the disk is full; make room, and {again}", 1
    if error.errno == errno.EFBIG and error.strerror == os.strerror(errno.EFBIG):
        return f"{where}is larger than a file may become here (`ulimit -f`); raise that limit, and {again}", 1
    if error.errno in _WRONG_PATHS:
        return where + _WRONG_PATHS[error.errno], 2
    return f"{where}{error.strerror or error}; remove the cause, and {again}", 1
