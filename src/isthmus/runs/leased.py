"""Hold the lease of a run or a study, after watching the one before for as long as its lease lasts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from isthmus.core.lease import HeldElsewhere, Leases
from isthmus.training.events import Notice

LOOK_SECONDS = 0.5


def hold(leases: Leases, folder: Path, until: ExitStack) -> Iterator[Notice]:
    """Hold the lease of `folder` until that stack is closed; it waits while nobody knows whether its holder lives.

    Raises HeldElsewhere where its holder lives.
    """
    said = False
    while True:
        try:
            until.enter_context(leases.hold(folder))
            return
        except HeldElsewhere as error:
            if leases.look(folder) == "held":
                raise
            if not said:
                yield Notice(f"{error}; waiting to see whether it lives.")
            said = True
        time.sleep(LOOK_SECONDS)
