"""Several models made ready for a page at the same time: one here, each other in a process of its own.

Most of the work, two ONNX exports and t-SNE, keeps one core busy whatever it is given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from isthmus.data.splits import Splits
from isthmus.pages.explorer.model_entry import ModelEntry, build
from isthmus.pages.explorer.pictures import Chosen
from isthmus.pages.report.read_folder import RunFolder
from isthmus.runs.executors.child import Messages, start_child
from isthmus.training import devices


@dataclass(frozen=True)
class ModelOrder:
    """A model to be made ready: its name and what it is about, its run, the page's images, the folder of baselines."""

    name: str
    about: str
    run: RunFolder
    chosen: Chosen
    cache: Path

    def fulfil(self, splits: Splits) -> ModelEntry:
        return build(self.name, self.about, self.run, splits, self.chosen, self.cache)


def build_all(orders: Sequence[ModelOrder], splits: Splits, *, at_a_time: int | None = None) -> list[ModelEntry]:
    """The subjects of all orders, in their order. `splits` are the images they were all trained on.

    at_a_time: by default as many as there are threads, which they share.
    What a process cannot do is done here, and fails here.
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
    """Let a process of its own work on what is waiting, an order after another, until it ends or nothing is left."""
    child, messages = start_child("isthmus.pages.explorer.worker", threads, apart=False)
    try:
        _converse(messages, orders, waiting, found)
    except (EOFError, OSError):  # it died: what it was at is done by whoever started it
        pass
    finally:
        messages.hang_up()
        messages.incoming.close()  # before it is waited for: it may be sending more than a pipe holds
        child.wait()


def _converse(
    messages: Messages, orders: Sequence[ModelOrder], waiting: deque[int], found: dict[int, ModelEntry]
) -> None:
    messages.receive()  # it is ready, which takes some seconds
    while (number := _next(waiting)) is not None:
        messages.send(orders[number])
        subject: ModelEntry | None = messages.receive()
        if subject is not None:
            found[number] = subject


def _next(waiting: deque[int]) -> int | None:
    """What to work on next; None where nothing is left, of which another thread may have taken the last just now."""
    try:
        return waiting.popleft()
    except IndexError:
        return None
