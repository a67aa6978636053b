"""Prepare several models for a page at the same time: one in this process, each other one in its own process.

Most of the work (two ONNX exports and t-SNE) uses only one core, however many threads it has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from isthmus.core.child_processes import Messages, start_child
from isthmus.data.splits import Splits
from isthmus.pages.explorer.model_entry import ModelEntry, build
from isthmus.pages.explorer.pictures import Chosen
from isthmus.pages.report.read_folder import RunFolder
from isthmus.training import devices


@dataclass(frozen=True)
class ModelOrder:
    """A model to prepare: its name and description, its run, the page's images, the folder of baselines."""

    name: str
    about: str
    run: RunFolder
    chosen: Chosen
    cache: Path

    def fulfil(self, splits: Splits) -> ModelEntry:
        return build(self.name, self.about, self.run, splits, self.chosen, self.cache)


def build_all(orders: Sequence[ModelOrder], splits: Splits, *, at_a_time: int | None = None) -> list[ModelEntry]:
    """The model entries, in the order of `orders`. `splits` are the images that all models were trained on.

    at_a_time: models at the same time, by default the number of CPU threads; they share the threads.
    An order that fails in another process runs again in this one, where its error is raised.
    """
    count = min(len(orders), at_a_time or torch.get_num_threads())
    share = max(1, torch.get_num_threads() // max(count, 1))
    waiting, found = deque(range(len(orders))), dict[int, ModelEntry]()
    with ThreadPoolExecutor(max(count - 1, 1)) as pool, devices.cpu_threads(share), threadpool_limits(share):
        helpers = [pool.submit(_delegate, orders, waiting, found, share) for _ in range(count - 1)]
        try:
            while (number := _next(waiting)) is not None:
                found[number] = orders[number].fulfil(splits)
        finally:
            waiting.clear()
        for helper in helpers:
            helper.result()
        for number, order in enumerate(orders):
            if number not in found:
                found[number] = order.fulfil(splits)
    return [found[number] for number in range(len(orders))]


def _delegate(orders: Sequence[ModelOrder], waiting: deque[int], found: dict[int, ModelEntry], threads: int) -> None:
    """Start a process that works on the waiting orders, one after another, until it ends or none is left."""
    child, messages = start_child("isthmus.pages.explorer.worker", threads, apart=False)
    try:
        _converse(messages, orders, waiting, found)
    except (EOFError, OSError):  # the process died: the parent does the order it was working on
        pass
    finally:
        messages.hang_up()
        messages.incoming.close()  # before waiting for its end: it may be sending more than a pipe holds
        child.wait()


def _converse(
    messages: Messages, orders: Sequence[ModelOrder], waiting: deque[int], found: dict[int, ModelEntry]
) -> None:
    messages.receive()  # its ready message, which takes some seconds
    while (number := _next(waiting)) is not None:
        messages.send(orders[number])
        subject: ModelEntry | None = messages.receive()
        if subject is not None:
            found[number] = subject


def _next(waiting: deque[int]) -> int | None:
    """The next order; None if none is left. Another thread may take the last one at any time."""
    try:
        return waiting.popleft()
    except IndexError:
        return None
