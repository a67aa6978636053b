"""Writes metrics.jsonl: one line per logged step and one per epoch."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from isthmus.core.atomic_files import ask_before_writing, open_regular, write_text
from isthmus.core.bounded_reading import read_bytes
from isthmus.run_files.metrics import EpochRecord, StepRecord
from isthmus.run_files.read import parse_record
from isthmus.run_files.record import Count, Record
from isthmus.run_files.write import as_line


class _Line(Record):
    """A line of any kind, also of a later version."""

    step: Count


class Journal:
    """The log of a run. Resuming cuts it back to the checkpoint, so that no step appears twice."""

    def __init__(self, path: Path, *, keep_steps: int) -> None:
        kept: list[str] = []
        if path.exists():
            for line in read_bytes(path).decode("utf-8", errors="replace").splitlines():
                try:
                    if parse_record(line.encode(), _Line).step <= keep_steps:
                        kept.append(line)
                except ValueError:  # a line that a crash cut off
                    continue
        write_text(path, "".join(line + "\n" for line in kept))
        self.path, self.held = path, ExitStack()
        self.file = self.held.enter_context(open_regular(path, os.O_WRONLY | os.O_APPEND))

    def write(self, line: EpochRecord | StepRecord) -> None:
        ask_before_writing(self.path)
        self.file.write(as_line(line).encode())
        self.file.flush()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.held.close()
