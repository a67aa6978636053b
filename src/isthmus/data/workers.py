"""Decodes chunks in other processes, one for each core.

They are plain child processes that read tasks from a pipe, not those of `multiprocessing`, which run the caller's
script again in every process unless it is guarded against that.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from isthmus.core.child_processes import start_child
from isthmus.core.errors import RunError
from isthmus.data.chunks import Chunk, Task
from isthmus.data.interfaces import Pictures

_AHEAD = 2  # answers that wait per process, so that none waits for the caller
_WAIT = 0.2  # seconds after which Ctrl-C is noticed at the latest


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decode_in_processes(parts: Mapping[str, Pictures], tasks: Iterable[Task], count: int) -> Iterator[Chunk]:
    """The answers to the tasks, in any order, from `count` processes; they end with the iteration, however it ends.

    Raises the InputError or OSError that a process raises, RunError where one ends early, as when memory is short.
    """
    todo: queue.Queue[Task | None] = queue.Queue(_AHEAD * count)
    done: queue.Queue[Chunk | BaseException | None] = queue.Queue(_AHEAD * count)
    stop = threading.Event()
    workers = [_Worker(parts) for _ in range(count)]
    threads = [threading.Thread(target=_serve, args=(worker, todo, done, stop), daemon=True) for worker in workers]
    threads.append(threading.Thread(target=_hand_out, args=(tasks, todo, count, done, stop), daemon=True))
    try:
        for thread in threads:
            thread.start()
        left = count
        while left:
            try:
                answer = done.get(timeout=_WAIT)
            except queue.Empty:
                continue
            if isinstance(answer, BaseException):
                raise answer
            if answer is None:
                left -= 1
            else:
                yield answer
    finally:
        stop.set()
        for worker in workers:
            worker.end()
        for thread in threads:
            thread.join()


def _hand_out(
    tasks: Iterable[Task], todo: queue.Queue[Task | None], count: int, done: queue.Queue[Any], stop: threading.Event
) -> None:
    try:
        for task in tasks:
            _put(todo, task, stop)
        for _ in range(count):
            _put(todo, None, stop)
    except BaseException as error:  # listing chunks reads files too
        _put(done, error, stop)


def _serve(worker: _Worker, todo: queue.Queue[Task | None], done: queue.Queue[Any], stop: threading.Event) -> None:
    """Give tasks to one process and collect its answers, until there are none or `stop` is set."""
    while not stop.is_set():
        try:
            task = todo.get(timeout=_WAIT)
        except queue.Empty:
            continue
        try:
            answer = None if task is None else worker.answer(task)
        except BaseException as error:
            answer = error
        _put(done, answer, stop)
        if task is None or isinstance(answer, BaseException):
            return


def _put(into: queue.Queue[Any], value: object, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            return into.put(value, timeout=_WAIT)
        except queue.Full:
            continue


class _Worker:
    """A child process that decodes."""

    def __init__(self, parts: Mapping[str, Pictures]) -> None:
        # Ctrl-C is answered here: a process that still imports would print a traceback
        self.process, self.messages = start_child("isthmus.data.decode_worker", 1, apart=True)
        self.parts: Mapping[str, Pictures] | None = parts

    def answer(self, task: Task) -> Chunk:
        try:
            if self.parts is not None:
                self.messages.send(dict(self.parts))
                self.parts = None
            self.messages.send(task)
            found = self.messages.receive()
        except (BrokenPipeError, EOFError):
            raise RunError(
                "a process that decodes images ended early, perhaps for lack of memory; free memory and start again"
            ) from None
        if isinstance(found, Exception):
            raise found
        return found

    def end(self) -> None:
        """Kill the process, if it still runs: it holds nothing that must be finished."""
        self.process.kill()
        self.process.wait()
        self.messages.hang_up()
        self.messages.incoming.close()
