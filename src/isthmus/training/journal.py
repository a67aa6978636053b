"""metrics.jsonl: a line a logged step, a line an epoch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from isthmus.files import write_text
from isthmus.training.loop import Progress


class Journal:
    """The log of a run, cut back to the checkpoint where a run resumes, so that no step stands twice."""

    def __init__(self, path: Path, *, keep_steps: int) -> None:
        kept: list[str] = []
        if path.exists():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    if json.loads(line)["step"] <= keep_steps:
                        kept.append(line)
                except (ValueError, KeyError, TypeError):  # the line a crash cut short
                    continue
        write_text(path, "".join(line + "\n" for line in kept))
        self.file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - closed by the context manager

    def write(self, kind: str, progress: Progress, values: dict[str, Any]) -> None:
        epoch = progress.epoch if kind == "epoch" else progress.epoch + 1
        where = {"kind": kind, "step": progress.step, "epoch": epoch, "seconds": round(progress.seconds, 3)}
        self.file.write(json.dumps({**where, **values}) + "\n")
        self.file.flush()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
