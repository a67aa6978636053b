"""Messages with a process that was started: whole, in order, and at an end when one side is gone."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.child_processes import Messages, start_child

# it prints, also from C, and starts a process of its own, none of which may be taken for messages
ECHO = """
import os, subprocess, sys
from isthmus.core.child_processes import messages_with_parent
parent = messages_with_parent()
print("hello")
os.write(1, b"hello")
subprocess.run([sys.executable, "-c", "print('hello', input() if sys.stdin.readable() else '')"], check=False,
    stderr=subprocess.DEVNULL)
while True:
    message = parent.receive()
    if isinstance(message, str) and message == "die":
        os._exit(7)
    parent.send(message)
"""


@pytest.fixture
def echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, Messages]]:
    (tmp_path / "echoing.py").write_text(ECHO)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    child, messages = start_child("echoing", 1, apart=True)
    yield child.pid, messages
    messages.hang_up()
    child.kill()
    child.wait()
    messages.incoming.close()


def test_messages_come_whole_and_in_order(echo: tuple[int, Messages]) -> None:
    """A large one is longer than a pipe holds."""
    large = np.arange(1_000_000)
    for message in ("first", large, None):
        echo[1].send(message)
        assert np.array_equal(echo[1].receive(), message)  # pyright: ignore[reportArgumentType]


def test_a_child_that_dies_is_heard_of_and_told_nothing(echo: tuple[int, Messages]) -> None:
    echo[1].send("die")
    with pytest.raises(EOFError):
        echo[1].receive()
    os.waitid(os.P_PID, echo[0], os.WEXITED | os.WNOWAIT)  # its ends of the pipes close one after the other
    with pytest.raises(BrokenPipeError):
        echo[1].send("more")


def test_a_message_that_is_cut_short_is_the_end() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as incoming, open(writing, "wb") as outgoing:
        messages = Messages(incoming, outgoing)
        outgoing.write(pickle.dumps(list(range(100)))[:-10])
        messages.hang_up()
        with pytest.raises(EOFError):
            messages.receive()
