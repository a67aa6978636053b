"""Makes Ctrl-C a request to stop at the next safe step."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Seconds within which a second signal is the same request: a cluster sends it to every process of a job, and
# `cli/supervise.py` passes its own on.
_AT_ONCE = 0.5
# The stop requests to set: several trainings may take turns in this process.
_listening: list[threading.Event] = []
_before: dict[int, Any] = {}
_asked_at = 0.0


@contextmanager
def interrupts() -> Generator[threading.Event]:
    """The first Ctrl-C (or SIGTERM) sets the event, a request to stop at the next safe step; a second, half a
    second later or more, stops at once.

    It sets the events of all trainings in this process, whatever the order in which they begin and end. A signal that
    the process ignores, as a shell asks of programs in the background, stays ignored.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    if not _listening:
        heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        _before.update({number: signal.signal(number, _ask) for number in heard})
    _listening.append(asked)
    try:
        yield asked
    finally:
        _listening.remove(asked)
        if not _listening:
            for number, handler in _before.items():
                signal.signal(number, handler)
            _before.clear()


def _ask(number: int, frame: FrameType | None) -> None:
    global _asked_at
    if all(asked.is_set() for asked in _listening):
        if time.monotonic() - _asked_at >= _AT_ONCE:
            raise KeyboardInterrupt
        return
    _asked_at = time.monotonic()
    for asked in _listening:
        asked.set()
