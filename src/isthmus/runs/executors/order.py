"""What a worker is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isthmus.core.streams import stream
from isthmus.core.values import ImageSet
from isthmus.data.splits import Splits
from isthmus.runs.executors.job import Job

GO_ON, STOP = "go on", "stop"  # what a worker may be told after its order

_NOISE_BYTES = 8 << 20


@dataclass(frozen=True)
class JobOrder:
    """A job, the folder of fitted baselines, and the command that the user typed, as in sys.argv.

    trial: the shape (3, H, W) of made-up images to train on in place of the recipe's, to see how fast it goes.
    """

    job: Job
    cache: Path
    command: tuple[str, ...]
    trial: tuple[int, int, int] | None = None


def noise(shape: tuple[int, int, int], batch: int) -> Splits:
    """Images of random bytes: a step takes as long on them as on any others of their shape, and reading none."""
    random = np.random.default_rng(stream("trial", 0))
    batches = max(4, min(64, _NOISE_BYTES // (batch * int(np.prod(shape)))))
    train, few = (
        ImageSet(random.integers(0, 256, (count, *shape), dtype=np.uint8)) for count in (batches * batch, batch)
    )
    return Splits(train, few, few, source="random bytes", class_names=(), notices=(), hash="")
