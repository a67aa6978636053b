"""Keeps log.jsonl: a line for each time that something was made in a run's or a study's folder.

The lines are for people and are read by no code. A folder that cannot be written to goes without.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

import isthmus
from isthmus.core.atomic_files import open_regular, write_bytes
from isthmus.core.bounded_reading import read_bytes
from isthmus.core.errors import InputError
from isthmus.core.explain import explain
from isthmus.run_files.log import LogLine
from isthmus.run_files.write import as_line
from isthmus.training.environment import command_line

FILE = "log.jsonl"
_OURS = ("recipe.toml", "study.toml", "findings.json")  # any other folder gets no log
_MOST = 1_000_000  # bytes; then the older half goes
_LONGEST = 1000  # characters of a command or a failure


@contextmanager
def logged(folder: Path, verb: str) -> Generator[None]:
    """Write a line into the log of a run's or a study's folder when the block ends, however it ends."""
    when, began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), time.monotonic()
    ended = "done"
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):  # whoever drops a training before its end stops it, too
        ended = "interrupted"
        raise
    except Exception as error:
        said = explain(error, "")
        ended = f"{type(error).__name__}: {error}" if said is None else said[0]
        raise
    finally:
        line = LogLine(
            when=when,
            verb=verb,
            command=command_line()[:_LONGEST],
            seconds=round(time.monotonic() - began, 3),
            ended=ended[:_LONGEST],
            versions={
                "isthmus": isthmus.__version__,
                "python": platform.python_version(),
                "torch": str(torch.__version__),
            },
        )
        if any((folder / name).is_file() for name in _OURS):
            with suppress(OSError, InputError):  # a read-only folder, or a link in the file's place
                _append(folder / FILE, as_line(line).encode())


def _append(path: Path, line: bytes) -> None:
    with open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as file:
        file.write(line)
    if path.stat().st_size > _MOST:
        lines = read_bytes(path).splitlines(keepends=True)
        write_bytes(path, b"".join(lines[len(lines) // 2 :]))
