"""What torchrun says to the processes that it starts, in environment variables."""

from __future__ import annotations

import os
from dataclasses import dataclass

_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Place:
    """rank: this process's number among `count`. local_rank: its number among `local_count` on this machine.

    restarts: how often torchrun has started the processes again.
    """

    rank: int
    count: int
    local_rank: int
    local_count: int
    restarts: int


def place() -> Place | None:
    """This process's place; None where torchrun, or a launcher that says the same, did not start it."""
    if not all(os.environ.get(name) for name in _VARIABLES):
        return None
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    return Place(
        rank,
        count,
        int(os.environ.get("LOCAL_RANK", 0)),
        int(os.environ.get("LOCAL_WORLD_SIZE", 1)),
        int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)),
    )


def is_first() -> bool:
    """Whether this process writes and speaks for all."""
    found = place()
    return found is None or found.rank == 0
