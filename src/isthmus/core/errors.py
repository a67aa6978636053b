"""What a user can get wrong, and how the command line answers it."""

from __future__ import annotations

import re

from isthmus.core.wording import size

_LINE_BREAKS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


class InputError(ValueError):
    """Something the user typed or pointed at is wrong (exit code 2).

    The message is one line that names the path or option, the value and the remedy; line breaks in what the user
    typed are escaped.

    >>> import isthmus as ist
    >>> try:
    ...     ist.train("digits/latent-10", options={"bottleneck.dimm": 3})
    ... except ist.InputError as error:
    ...     print(error)
    bottleneck.dimm: unknown for 'vector' (did you mean 'dim'?); it takes dim
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(_LINE_BREAKS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), sentence))


class RunError(RuntimeError):
    """The request was valid, but a run could not finish or a check failed (exit code 1).

    >>> import isthmus as ist
    >>> run = ist.Run("runs/digits-10")
    >>> evaluation = (run / "evaluation.json").rename("kept.json")
    >>> try:
    ...     run.evaluation
    ... except ist.RunError as error:
    ...     print(error)
    runs/digits-10/evaluation.json: is missing; `isthmus evaluate runs/digits-10` writes it again
    >>> evaluation.rename(run / "evaluation.json").name
    'evaluation.json'
    """


def out_of_memory(error: BaseException) -> str | None:
    """A sentence for an out-of-memory error; None for any other error."""
    text = str(error)
    if isinstance(error, RuntimeError) and "can't start new thread" in text:
        return "no further thread could be started: there is not enough memory, or no more are allowed (`ulimit -u`)"
    if not (isinstance(error, MemoryError) or any(words in text for words in _OUT_OF_MEMORY)):
        return None
    found = _WANTED.search(text)
    amount = (found[1] or found[2]) if found else ""
    number, _, unit = amount.partition(" ")
    wanted = f" ({size(int(number)) if unit == 'bytes' else amount} more were asked for)" if found else ""
    return f"there is not enough memory{wanted}"


# messages of torch (which has an error class for CUDA only), of loading libraries, of oneDNN, and of impossible sizes
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
