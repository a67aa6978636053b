"""Decodes pictures in their order, on all cores where that is worth it, with a bounded number of them in memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from isthmus.data import workers
from isthmus.data.chunks import Chunk, Task, decode_chunk
from isthmus.data.interfaces import Pictures

FEW = 500  # pictures: starting processes takes longer than decoding so few
_AHEAD = 6  # chunks for each process that may be decoded before their turn
_WAIT = 0.2  # seconds after which an end is noticed at the latest


def decoded_in_order(parts: Mapping[str, Pictures], tasks: Iterable[Task], pictures: int) -> Iterator[Chunk]:
    """The answers to the tasks, in the order of the tasks.

    parts: by the names that tasks call `split`. pictures: how many there are in all, which decides whether other
    processes are worth their start. Raises as `decode_chunk` and `decode_in_processes`.
    """
    cores = workers.cores()
    if pictures < FEW or cores < 2 or not all(part.portable for part in parts.values()):
        return (decode_chunk(parts[task.split], task) for task in tasks)
    return _sorted(parts, tasks, cores)


def _sorted(parts: Mapping[str, Pictures], tasks: Iterable[Task], count: int) -> Iterator[Chunk]:
    places = threading.Semaphore(_AHEAD * count)
    ended = threading.Event()
    turns: deque[tuple[str, int]] = deque()
    early: dict[tuple[str, int], Chunk] = {}

    def handed_out() -> Iterator[Task]:
        """The tasks, each when fewer than that many are begun: one slow chunk must not fill memory with later ones."""
        for task in tasks:
            while not places.acquire(timeout=_WAIT):
                if ended.is_set():
                    return
            turns.append((task.split, task.start))
            yield task

    answers = workers.decode_in_processes(parts, handed_out(), count)
    try:
        for chunk in answers:
            early[chunk.split, chunk.start] = chunk
            while turns and turns[0] in early:
                places.release()
                yield early.pop(turns.popleft())
    finally:
        ended.set()
        close = getattr(answers, "close", None)
        if close is not None:
            close()
