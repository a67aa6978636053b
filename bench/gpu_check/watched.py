"""Runs a part in a group of processes that is ended when the part's time is over."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO

from bench.gpu_check.found import Found, from_line


def watched(command: Sequence[str], seconds: float) -> Iterator[Found | str]:
    """What the command prints, as it comes; the last is a sentence about how it ended.

    No process of the command is left, however this iteration ends.
    """
    begun = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        # a group of its own, not a session: what ends a whole session still ends it
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, process_group=0)
        assert child.stdout is not None
        lines: queue.Queue[str | None] = queue.Queue()
        reader = threading.Thread(target=_read, args=(child.stdout, lines), daemon=True)
        reader.start()
        late = False
        try:
            while (line := _next(lines, begun + seconds - time.monotonic())) is not None:
                if line == _LATE:
                    late = True
                    break
                if (found := from_line(line)) is not None:
                    yield found
        finally:
            if not late:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=max(0.0, min(5.0, begun + seconds - time.monotonic())))
            with suppress(ProcessLookupError):  # also what the command left running
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            reader.join()
            child.stdout.close()
        while (line := _next(lines, 0)) not in (None, _LATE):  # printed just before the end
            if (found := from_line(line)) is not None:
                yield found
        took = time.monotonic() - begun
        if late:
            yield f"late: ended after {took:.0f} s"
        elif child.returncode:
            yield f"failed after {took:.0f} s: {_last_line(errors) or f'exit code {child.returncode}'}"
        else:
            yield f"done in {took:.0f} s"


_LATE = "late"


def _next(lines: queue.Queue[str | None], seconds: float) -> str | None:
    """The next line; None at the end, `_LATE` where there is none in time."""
    try:
        return lines.get(timeout=max(0.0, seconds)) if seconds > 0 else lines.get_nowait()
    except queue.Empty:
        return _LATE


def _read(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    said = errors.read().decode("utf-8", "replace").strip().splitlines()
    return said[-1][:300] if said else ""
