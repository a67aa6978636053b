"""How the program ends: an exit code, and one sentence on stderr for every foreseeable failure.

0 done, 1 a run or a check failed, 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
import time
from collections.abc import Callable

import typer

from isthmus.core.explain import FULL_DISK, explain, more_memory
from isthmus.core.torchrun import is_first
from isthmus.core.wording import printable

# Of several processes, the first one speaks at once. torchrun ends the others meanwhile; what only they met is said.
_LATER = 3.0
_SAVING = ("train", "study", "work")  # the verbs that go on


def code_of(command: Callable[[], None]) -> int:
    """Run `command`, explain an expected failure, and return the exit code. Raises unexpected exceptions."""
    _prepare_streams()
    try:
        command()
        sys.stdout.flush()  # here, because a closed pipe or a full disk can still be handled here
    except KeyboardInterrupt as stop:
        if not is_first():
            return 130
        return _fail(f"interrupted; {str(stop) or _again()}", 130)
    except typer.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:  # the reader closed our output, as `head` does; nothing more can be written to it
        _abandon_stdout()
        return 1
    except Exception as error:
        answer = _explain(error)
        if answer is None:
            raise
        if not is_first():
            time.sleep(_LATER)
        return _fail(*answer)
    return 0


def crashed(signal: str) -> int:
    """Say that a library ended the work by `signal` under `ulimit -v`; returns the exit code."""
    _prepare_streams()
    said = f"PyTorch or another library crashed ({signal}), most likely because there was not enough memory"
    return _fail(f"{said}; {more_memory(_again())}", 1)


def _explain(error: Exception) -> tuple[str, int] | None:
    """A sentence with a remedy, and the exit code; None for a bug of isthmus."""
    # click's usage errors are in a private module of typer; recognise them by their method
    usage = getattr(error, "format_message", None)
    if usage is not None:
        return _usage(usage()), 2
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        _abandon_stdout()  # the output still in the buffer may be what did not fit on the disk
    return explain(error, _again())


def _again() -> str:
    """What to type once the trouble is over."""
    words = sys.argv[1:]
    if not words or words[0] not in _SAVING:
        return "give the command again"
    # a study goes on by itself
    resume = ["--resume"] if words[0] == "train" and "--resume" not in words else []
    return f"`{shlex.join(['isthmus', *words, *resume])}` goes on from what was saved"


def _usage(message: str) -> str:
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} `isthmus --help` shows how it is used"


def _prepare_streams() -> None:
    """Make printing safe: a closed stream becomes the null device, and characters it cannot encode become `?`."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _abandon_stdout() -> None:
    """Prevent Python from writing the rest of stdout at exit, since that would fail again."""
    with contextlib.suppress(io.UnsupportedOperation):  # stdout is not a file, for example in a test
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(sentence: str, code: int) -> int:
    print(f"isthmus: {printable(sentence)}", file=sys.stderr)
    return code
