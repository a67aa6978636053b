"""Lets an iterator work ahead of its consumer, in a thread of its own: reading beside computing beside writing."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
_WAIT = 0.2  # seconds after which an end is noticed at the latest


class _End:
    """The last thing in the queue: the iterator has ended, perhaps by an error."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextmanager
def ahead(items: Iterable[T], *, most: int = 2) -> Generator[Iterator[T]]:
    """The same items in order; up to `most` of them are ready before they are asked for.

    The iterator is run in another thread, which ends with the block. What the iterator raises is raised here.
    """
    ready: queue.Queue[T | _End] = queue.Queue(most)
    stop = threading.Event()

    def put(value: T | _End) -> bool:
        while not stop.is_set():
            try:
                ready.put(value, timeout=_WAIT)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        iterator = iter(items)
        error: BaseException | None = None
        try:
            for item in iterator:
                if not put(item):
                    return
        except BaseException as raised:
            error = raised
        finally:
            if isinstance(iterator, Generator):
                iterator.close()  # in the thread that ran it: its processes end with it
        put(_End(error))

    def taken() -> Iterator[T]:
        while True:
            try:
                found = ready.get(timeout=_WAIT)  # without a limit, Ctrl-C would wait for the next item
            except queue.Empty:
                continue
            if isinstance(found, _End):
                if found.error is not None:
                    raise found.error
                return
            yield found

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        stop.set()
        thread.join()
