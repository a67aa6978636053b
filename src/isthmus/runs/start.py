"""What a run begins with, if not with new weights: another run's. Nothing here loads torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from isthmus.data.given_images import FILES
from isthmus.run_files.read import read_record
from isthmus.run_files.start import START_FILE, StartRecord
from isthmus.runs.moved_images import moved_images
from isthmus.runs.run_folder import read_recipe


@dataclass(frozen=True)
class Start:
    """run: the folder of the other run. goes_on: whether its training goes on, or only its weights are taken.

    weights: the hash that its weights must have; empty if they may be any.
    """

    run: Path
    goes_on: bool = False
    weights: str = ""


def start_of(folder: Path) -> Start | None:
    """How the run in `folder` began; None if it began with new weights. Raises RunError if start.json is damaged."""
    if not os.path.lexists(folder / START_FILE):
        return None
    record = read_record(folder / START_FILE, StartRecord)
    return Start(Path(record.run), record.goes_on, record.weights)


def own_images(run: Path, folder: Path) -> Path | None:
    """Where a run in `folder` keeps the images that were given in Python for `run`; None if they are elsewhere."""
    data = read_recipe(run).data
    held = moved_images({"kind": data.kind, **data.options}, run)
    return folder / held.name if held is not None and held.name in FILES else None
