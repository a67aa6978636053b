"""A module of isthmus at work in a process of its own, and messages with it.

They go through the child's stdin and stdout, which every system has: to hand a descriptor down, each has a way of its
own (docs/platforms.md).
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from typing import IO, Any


class Messages:
    """Python objects, pickled, to and from another process of ours."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self.incoming, self.outgoing = incoming, outgoing

    def send(self, message: Any) -> None:
        """Raises BrokenPipeError where the other process is gone."""
        data = pickle.dumps(message)  # whole before its first byte is sent
        try:
            self.outgoing.write(data)
            self.outgoing.flush()
        except OSError as error:  # Windows has another name for it
            raise BrokenPipeError(error.errno, error.strerror) from None

    def receive(self) -> Any:
        """Wait for the next message. Raises EOFError where no more will come."""
        try:
            return pickle.load(self.incoming)
        except (OSError, pickle.UnpicklingError) as error:  # a message that was cut short
            raise EOFError(str(error)) from None

    def hang_up(self) -> None:
        """Send nothing more, which the other process sees."""
        with contextlib.suppress(OSError):  # what it never read is lost with it
            self.outgoing.close()


def start_child(module: str, threads: int, *, apart: bool) -> tuple[subprocess.Popen[bytes], Messages]:
    """Start `python -m module` with a number of CPU threads; it calls `messages_with_parent`.

    apart: a terminal's Ctrl-C does not reach it. Whoever starts it closes `incoming` once it has ended.
    """
    flags = subprocess.CREATE_NEW_PROCESS_GROUP if sys.platform == "win32" and apart else 0
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        env=_environment(threads),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0 if apart else None,
        creationflags=flags,
    )
    assert child.stdin is not None and child.stdout is not None
    return child, Messages(child.stdout, child.stdin)


def messages_with_parent() -> Messages:
    """In the child: stdin and stdout, which nothing else can read or print to from then on."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    return Messages(open(incoming, "rb"), open(outgoing, "wb"))


def _environment(threads: int) -> dict[str, str]:
    """Ours, with the modules that we find, and a number of threads.

    The number must be there before torch is loaded: more threads than cores wait for each other by spinning,
    which was measured to be 50 times slower.
    """
    modules = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": modules}
