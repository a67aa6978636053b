"""What a user can get wrong, and how the command line answers it."""

from __future__ import annotations

import re

from isthmus.core.wording import size

_LINE_BREAKS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


class InputError(ValueError):
    """Something the user typed or pointed at is wrong (exit code 2).

    The message is one sentence that names the path or option, the value and the remedy; line breaks in what the user
    typed are written out, so that it stays one.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(_LINE_BREAKS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), sentence))


class RunError(RuntimeError):
    """A correctly asked run could not finish, or a check failed (exit code 1)."""


def out_of_memory(error: BaseException) -> str | None:
    """A sentence for an error that says that the memory does not suffice; None for any other."""
    said = str(error)
    if not (isinstance(error, MemoryError) or any(words in said for words in _OUT_OF_MEMORY)):
        return None
    found = _WANTED.search(said)
    amount = (found[1] or found[2]) if found else ""
    number, _, unit = amount.partition(" ")
    wanted = f" ({size(int(number)) if unit == 'bytes' else amount} more were asked for)" if found else ""
    return f"the memory does not suffice{wanted}; make train.batch, data.size, the model or -n smaller"


# of torch, which has a class for CUDA alone, of libraries as they load, of oneDNN, and of what no memory can hold
_OUT_OF_MEMORY = (
    "out of memory",
    "failed to map segment",
    "can't allocate memory",
    "could not create a memory object",
    "could not create a primitive",
    "Storage size calculation overflowed",
    "Maximum allowed dimension exceeded",
    "array is too big",
)
_WANTED = re.compile(r"[Uu]nable to allocate ([\d.]+ \w+)|[Tt]ried to allocate ([\d.]+ \w+)")
