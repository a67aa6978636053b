"""The actor of one run on Ray: its child process does the run."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.runs.executors.on_node import Child, last_line

_TELL_SECONDS = 15.0  # so long it stays after the run's end, to tell how that was: longer than a command looks away


class Worker:
    """Ray calls `__init__` again, on this node or another, when the actor's process dies: the run then goes on."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """command: as argv; this node's Python takes the place of the first word."""
        ray: Any = importlib.import_module("ray")  # as in ray_connection.py, without what that imports
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - for the actor's life; until the run's own log
        self._child = Child((sys.executable, *command[1:]), {**os.environ, **environment}, self._said)
        self._code = 0
        self._ended = threading.Event()
        myself = ray.get_runtime_context().current_actor

        def watch() -> None:
            self._code = self._child.end()
            self._ended.set()
            time.sleep(_TELL_SECONDS)
            ray.kill(myself, no_restart=True)

        threading.Thread(target=watch, daemon=True).start()

    def begun(self) -> None:
        """Answers as soon as the actor has its resources."""

    def end(self) -> tuple[int, str]:
        """Wait for the run's end; its exit code and the last line that it printed."""
        self._ended.wait()
        self._said.seek(0)
        return self._code, last_line(self._said.read().decode(errors="replace"))
