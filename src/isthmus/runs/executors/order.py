"""The orders for a worker process, and the command for a node of a cluster."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isthmus.core.streams import stream
from isthmus.core.values import ImageSet
from isthmus.data.splits import Splits
from isthmus.runs.executors.job import Job

GO_ON, STOP = "go on", "stop"  # messages to a worker after its order

_NOISE_BYTES = 8 << 20


@dataclass(frozen=True)
class JobOrder:
    """A job, the folder of fitted baselines, and the user's command, as in sys.argv.

    trial: shape (C, H, W) of random images to train on instead of the recipe's images, to measure the speed.
    """

    job: Job
    cache: Path
    command: tuple[str, ...]
    trial: tuple[int, int, int] | None = None


def command_for(job: Job, study: Path) -> tuple[str, ...]:
    """The command of a node that does this run, as argv."""
    module = "isthmus.runs.executors.one"
    keep = ("--keep-optimizer",) if job.keep_optimizer else ()
    return (sys.executable, "-P", "-m", module, str(study.resolve()), job.variation, str(job.seed), *keep)


def noise(shape: tuple[int, int, int], batch: int) -> Splits:
    """Images of random bytes: a step takes as long as with real images of this shape, and nothing must be read."""
    random = np.random.default_rng(stream("trial", 0))
    batches = max(4, min(64, _NOISE_BYTES // (batch * int(np.prod(shape)))))
    train, few = (
        ImageSet(random.integers(0, 256, (count, *shape), dtype=np.uint8)) for count in (batches * batch, batch)
    )
    return Splits(train, few, few, source="random bytes", class_names=(), notices=(), hash="random bytes")
