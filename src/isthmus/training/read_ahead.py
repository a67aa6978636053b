"""Takes the next values of an iterator in a thread, while the caller works with the one before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")
_AHEAD = 4  # values: a slow read from disk now and then is made up for
_WAIT = 0.1  # seconds after which the thread notices that nobody wants more


def read_ahead(values: Iterator[T]) -> Iterator[T]:
    """The same values, up to four of them taken before they are asked for.

    What the iterator raises is raised here. The thread ends with this iteration, however it ends.
    """
    waiting: queue.Queue[tuple[T | None, BaseException | None, bool]] = queue.Queue(_AHEAD)
    stop = threading.Event()

    def put(value: T | None, error: BaseException | None = None, *, last: bool) -> None:
        while not stop.is_set():
            try:
                return waiting.put((value, error, last), timeout=_WAIT)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for value in values:
                put(value, last=False)
                if stop.is_set():
                    return
            put(None, last=True)
        except BaseException as error:
            put(None, error, last=True)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            value, error, last = waiting.get()
            if error is not None:
                raise error
            if last:
                return
            yield value  # pyright: ignore[reportReturnType]
    finally:
        stop.set()
        thread.join()
