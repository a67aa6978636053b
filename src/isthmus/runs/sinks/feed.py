"""Passes the events of runs on to sinks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.pixels import levels
from isthmus.run_files.arrays import PixelArray
from isthmus.runs.executors.job import RunBegins, RunElsewhere, RunEvent, RunFailed
from isthmus.runs.run import Done, Event
from isthmus.runs.sinks.interfaces import Log, Sink
from isthmus.runs.study import StudyEvent
from isthmus.training.events import Notice, Started
from isthmus.training.loop import Epoch, Step
from isthmus.training.preview import Preview


def _tensorboard() -> Sink:
    from isthmus.runs.sinks.tensorboard import TensorBoard

    return TensorBoard()


def _wandb() -> Sink:
    from isthmus.runs.sinks.wandb import WeightsAndBiases

    return WeightsAndBiases()


SINKS: dict[str, Callable[[], Sink]] = {"tensorboard": _tensorboard, "wandb": _wandb}


def opened(names: Sequence[str]) -> Feed:
    """The sinks of these names. Raises InputError for another name, and where a library is not installed."""
    for name in names:
        if name not in SINKS:
            raise InputError(
                f"--log: {name!r} is not known{registry.suggest(name, SINKS)}; there are {', '.join(SINKS)}"
            )
    return Feed([SINKS[name]() for name in dict.fromkeys(names)])


class Feed:
    """The logs of all runs that are open, by their folder; a context manager, which closes them."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self.sinks = sinks
        self.logs: dict[Path, list[Log]] = {}
        self.steps: dict[Path, int] = {}

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        for folder in list(self.logs):
            self._close(folder)

    def see(self, event: StudyEvent | Event, folder: Path) -> None:
        """Pass one event on. folder: of the run, for events of a run outside any study."""
        if not self.sinks:
            return
        match event:
            case RunEvent():
                self._see(event.event, event.job.folder)
            case RunFailed() | RunElsewhere():
                self._close(event.job.folder)
            case Started() | Notice() | Step() | Epoch() | Preview() | Done():
                self._see(event, folder)
            case RunBegins() | _:
                pass

    def _see(self, event: Event, folder: Path) -> None:
        match event:
            case Started():
                self._close(folder)
                self.logs[folder] = [sink.begin(folder, event.recipe, event.step) for sink in self.sinks]
                self.steps[folder] = event.step
            case Step(log=log) if log is not None:
                self._numbers(folder, event.step, "train", log)
            case Epoch():
                self._numbers(folder, self.steps.get(folder, 0), "epoch", {**event.log, "epoch": float(event.epoch)})
            case Preview():
                if (picture := _beside(event.originals, event.outputs)) is None:
                    return
                for log in self.logs.get(folder, ()):
                    log.pictures(event.step, "originals above, outputs below", picture)
            case Done():
                scores = event.evaluation.scores.items()
                values = {f"{who}_psnr": score.psnr.mean for who, score in scores}
                self._numbers(folder, self.steps.get(folder, 0), "held_out", values)
                self._close(folder)
            case _:
                pass

    def _numbers(self, folder: Path, step: int, group: str, values: dict[str, float]) -> None:
        self.steps[folder] = step
        known = {f"{group}/{name}": value for name, value in values.items() if math.isfinite(value)}
        for log in self.logs.get(folder, ()):
            log.numbers(step, known)

    def _close(self, folder: Path) -> None:
        for log in self.logs.pop(folder, ()):
            log.close()


def _beside(originals: PixelArray, outputs: PixelArray) -> PixelArray | None:
    """(n, C, H, W) twice -> one picture (2 H, n W, C) uint8; None of images that no screen shows."""
    if originals.shape[1] not in (1, 3) or originals.dtype.kind == "f":
        return None
    rows = [np.concatenate(list(images.transpose(0, 2, 3, 1)), axis=1) for images in (originals, outputs)]
    whole = np.concatenate(rows, axis=0)
    return (whole.astype(np.float64) * (255 / levels(originals.dtype))).round().astype(np.uint8)
