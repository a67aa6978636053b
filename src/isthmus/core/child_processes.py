"""Run a module of isthmus in a child process and exchange messages with it.

Messages use the child's stdin and stdout, since these work on every system; ways to pass other descriptors differ
between systems (docs/platforms.md).
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from typing import IO, Any


class Messages:
    """Pickled Python objects to and from another process of isthmus."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self.incoming, self.outgoing = incoming, outgoing

    def send(self, message: Any) -> None:
        """Send one object. Raises BrokenPipeError if the other process has ended."""
        data = pickle.dumps(message)  # complete before the first byte is sent
        try:
            self.outgoing.write(data)
            self.outgoing.flush()
        except OSError as error:  # Windows raises another error
            raise BrokenPipeError(error.errno, error.strerror) from None

    def receive(self) -> Any:
        """Wait for the next message. Raises EOFError if no more will come."""
        try:
            return pickle.load(self.incoming)
        except (OSError, pickle.UnpicklingError) as error:  # a message that was cut short
            raise EOFError(str(error)) from None

    def hang_up(self) -> None:
        """Close the outgoing pipe, so that the other process knows that no more messages come."""
        with contextlib.suppress(OSError):  # messages that it never read are lost
            self.outgoing.close()


def start_child(module: str, threads: int, *, apart: bool) -> tuple[subprocess.Popen[bytes], Messages]:
    """Start `python -m module` with a number of CPU threads; it calls `messages_with_parent`.

    apart: a terminal's Ctrl-C does not reach the child. The caller closes `incoming` after the child has ended.
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
    """In the child: take stdin and stdout for messages; after this call no other code can read or print there."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    return Messages(open(incoming, "rb"), open(outgoing, "wb"))


def _environment(threads: int) -> dict[str, str]:
    """This process's environment with its module search path and the number of threads.

    The number must be set before torch is loaded: if there are more threads than cores, they wait for each other by
    spinning, which measured 50 times slower.
    """
    modules = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": modules}
