"""state.json of a checkpoint: how far training has come, and the digests of the checkpoint's other files."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue
from pydantic.dataclasses import dataclass

from isthmus.run_files.record import Count, FileRecord, Finite, Flag, Real, Seconds


@dataclass(config=ConfigDict(use_attribute_docstrings=True))
class Progress:
    """How far a run has come: all that the next step depends on besides weights and optimizer."""

    step: Count = 0
    """Optimizer steps done."""
    epoch: Count = 0
    """Epochs completed."""
    batch: Count = 0
    """Batches done in the current epoch."""
    seconds: Seconds = 0.0
    """Training time, over all sessions."""
    loss_sum: Finite = 0.0
    """Sum of the loss over the images of the current epoch."""
    images: Count = 0
    """Images seen in the current epoch."""
    seen: Count = 0
    """Images seen, over all epochs."""
    best_score: Annotated[Real, Field(gt=-math.inf)] = math.inf
    """The lowest loss so far, of those by which epochs are compared (`train.monitor`); infinite before the first."""
    best_epoch: Count = 0
    """The epoch that reached it."""
    stale_epochs: Count = 0
    """Epochs since then."""
    stopped: Literal["", "epochs", "steps", "patience", "seconds"] = ""
    """Why training ended; empty if it has not ended."""


class State(FileRecord):
    """state.json: the digests of a checkpoint's files prove that they belong together."""

    progress: Progress
    """How far training has come."""
    notes: dict[str, JsonValue] = Field(default_factory=dict)
    """Settings on which the bits of the weights depend, compared when a run is resumed; empty in `best`."""
    same_weights_as: Literal["", "best"] = ""
    """The checkpoint beside it that holds its files, because the weights are the same; empty if it holds its own. Only
    in `last`, once training has ended."""
    keep_optimizer: Flag | None = None
    """Whether whoever trained asked to keep the optimizer's state once training has ended; null if that is not known.
    Only in `last`."""
    digests: dict[Annotated[str, Field(pattern=r"^[a-z]+\.safetensors$")], str]
    """BLAKE2b digest of each of the checkpoint's other files."""
