"""denoising.json of a run: what `evaluate --noise` found, one entry for each strength, kept for the run's page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import isthmus
from isthmus.core.errors import RunError
from isthmus.run_files.denoising import DenoisingFile, DenoisingRecord
from isthmus.run_files.evaluation import Checkpoint
from isthmus.run_files.read import read_record
from isthmus.run_files.write import write_record
from isthmus.runs.claim import locked

NAME = "denoising.json"


def keep_denoising(run: Path, found: Iterable[DenoisingRecord], checkpoint: Checkpoint) -> None:
    """Add entries to denoising.json; an entry of the same strength is replaced, entries of other weights are dropped.

    Raises RunError where another process is at work in the folder, OSError where it cannot be written to.
    """
    with locked(run):
        kept = {one.noise_std: one for one in read_denoising(run, checkpoint)}
        kept |= {one.noise_std: one for one in found}
        strengths = tuple(kept[std] for std in sorted(kept))
        write_record(run / NAME, DenoisingFile(isthmus=isthmus.__version__, checkpoint=checkpoint, strengths=strengths))


def read_denoising(run: Path, checkpoint: Checkpoint) -> tuple[DenoisingRecord, ...]:
    """What was found of these weights; nothing if there is no such file, or it is damaged: the next one replaces it."""
    try:
        found = read_record(run / NAME, DenoisingFile)
    except RunError:
        return ()
    return found.strengths if found.checkpoint == checkpoint else ()
