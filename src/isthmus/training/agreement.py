"""What all processes of a training must decide alike after a step: the time, whether to log, whether to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

from isthmus.models.processes import Processes


@dataclass(frozen=True)
class Decision:
    """seconds: of training so far, by the first process's clock. due: whether that process wants to log. asked:
    whether any process was asked to stop."""

    seconds: float
    due: bool
    asked: bool


class Agreement:
    """Alone, the present state. With several processes, the state before the step: it travels while they compute.

    state: of this process: seconds of training, whether it is time to log, whether this process was asked to stop.
    """

    def __init__(self, processes: Processes, state: Callable[[], tuple[float, bool, bool]]) -> None:
        self.processes, self.state = processes, state
        self.work: Any = None

    def begin(self) -> None:
        """Before a step."""
        if self.processes.count == 1:
            return
        seconds, due, asked = self.state()
        first = self.processes.first
        self.numbers = torch.tensor([seconds if first else 0.0, due and first, asked], dtype=torch.float64)
        self.work = dist.all_reduce(self.numbers, op=dist.ReduceOp.MAX, group=self.processes.hosts, async_op=True)

    def end(self) -> Decision:
        """After the step."""
        if self.work is None:
            return Decision(*self.state())
        self.work.wait()
        self.work = None
        seconds, due, asked = self.numbers.tolist()
        return Decision(seconds, bool(due), bool(asked))

    def now(self) -> Decision:
        """Without a step, such as after a validation."""
        self.begin()
        return self.end()
