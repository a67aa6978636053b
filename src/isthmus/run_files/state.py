"""state.json of a checkpoint: how far training has come, and the digests of the checkpoint's other files."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue
from pydantic.dataclasses import dataclass

from isthmus.run_files.record import Count, FileRecord, Finite, Real, Seconds


@dataclass(config=ConfigDict(use_attribute_docstrings=True))
class Progress:
    """How far a run has come: everything beside weights and optimizer that the next step depends on."""

    step: Count = 0
    """Optimizer steps done."""
    epoch: Count = 0
    """Epochs completed."""
    batch: Count = 0
    """Batches done of the epoch under way."""
    seconds: Seconds = 0.0
    """Training time, over all sittings."""
    loss_sum: Finite = 0.0
    """Sum of the loss over the images of the epoch under way."""
    images: Count = 0
    """Images seen in the epoch under way."""
    seen: Count = 0
    """Images seen, over all epochs."""
    best_score: Annotated[Real, Field(gt=-math.inf)] = math.inf
    """The lowest loss by which epochs are compared; infinite until one was validated."""
    best_epoch: Count = 0
    """The epoch that reached it."""
    stale_epochs: Count = 0
    """Epochs since then."""
    stopped: Literal["", "epochs", "steps", "patience", "seconds"] = ""
    """Why training ended; empty while it has not."""


class State(FileRecord):
    """state.json: the digests of a checkpoint's files prove that they belong together."""

    progress: Progress
    """How far training has come."""
    notes: dict[str, JsonValue] = Field(default_factory=dict)
    """What the bits of the weights depend on, to be compared when a run goes on; empty in `best`."""
    digests: dict[Annotated[str, Field(pattern=r"^[a-z]+\.safetensors$")], str]
    """BLAKE2b digest of each of the checkpoint's other files."""
