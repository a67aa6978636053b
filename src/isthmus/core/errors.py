"""What a user can get wrong, and how the command line answers it."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from isthmus.core.wording import size

_MOST_TOLD = 30  # faults: what a screen shows
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
    bottleneck.dimm: unknown for 'vector' (did you mean 'dim'?); it takes dim; `isthmus list bottlenecks` explains them
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(_one_line(sentence))


class InputErrors(InputError):
    """Several faults of one request, each as its own sentence (exit code 2). The message has a line for each."""

    def __init__(self, where: str, faults: Sequence[str]) -> None:
        """where: what has the faults, such as a file's name; may be empty."""
        super().__init__(where)
        self.faults = tuple(map(_one_line, faults))
        first = f"{_one_line(where)}: " if where else ""
        more = [f"and {len(faults) - _MOST_TOLD:,} more"] if len(faults) > _MOST_TOLD else []
        lines = "".join(f"\n  - {fault}" for fault in (*self.faults[:_MOST_TOLD], *more))
        self.where = where
        self.args = (f"{first}{len(faults):,} faults; correct them all:{lines}",)

    def __reduce__(self) -> tuple[type[InputErrors], tuple[str, tuple[str, ...]]]:
        return InputErrors, (self.where, self.faults)  # `args` holds the message alone, and other processes copy errors


class Faults:
    """Collects faults, so that all of them are told at once.

    >>> from isthmus.core.errors import Faults, InputError
    >>> faults = Faults()
    >>> with faults.caught("first"):
    ...     raise InputError("dim: needs a value")
    >>> with faults.caught("second"):
    ...     raise InputError("dim: needs a value")
    >>> faults.add("seeds: is no number")
    >>> try:
    ...     faults.check("my.toml")
    ... except InputError as error:
    ...     print(error)
    my.toml: 2 faults; correct them all:
      - first, second: dim: needs a value
      - seeds: is no number
    """

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, sentence: str, place: str = "") -> None:
        """A fault; place: the variation that has it. One fault of many places is told once."""
        self._found.setdefault(sentence, []).extend([place] if place else [])

    def add_error(self, error: InputError, place: str = "") -> None:
        for sentence in error.faults if isinstance(error, InputErrors) else (str(error),):
            self.add(sentence, place)

    @contextmanager
    def caught(self, place: str = "") -> Generator[None]:
        """A block whose InputError is added, and does not leave it."""
        try:
            yield
        except InputError as error:
            self.add_error(error, place)

    @contextmanager
    def caught_of(self, places: Sequence[str]) -> Generator[None]:
        """`caught`, for a fault that all these places have."""
        try:
            yield
        except InputError as error:
            for place in places:
                self.add_error(error, place)

    def sentences(self, everywhere: int = 0) -> list[str]:
        """Every fault, preceded by its places, unless these are `everywhere` many."""
        return [
            sentence if not places or len(places) == everywhere else f"{_some(places)}: {sentence}"
            for sentence, places in self._found.items()
        ]

    def check(self, where: str = "", everywhere: int = 0) -> None:
        """Raise InputError for one fault, InputErrors for several; where: what has them, such as a file's name."""
        found = self.sentences(everywhere)
        if len(found) == 1:
            raise InputError(f"{where}: {found[0]}" if where else found[0])
        if found:
            raise InputErrors(where, found)


def _one_line(sentence: str) -> str:
    return _LINE_BREAKS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), sentence)


def _some(places: Sequence[str]) -> str:
    return f"{', '.join(places[:3])}{f' and {len(places) - 3} more' if len(places) > 3 else ''}"


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


class AtWorkElsewhere(RunError):
    """Another process does this, and nothing is wrong with it (exit code 1)."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with a sentence on what goes on without the command (exit code 130)."""


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
