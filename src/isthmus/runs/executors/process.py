"""A worker process as its parent sees it: start it, receive its messages, stop it. It never outlives its parent."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections import deque
from collections.abc import Iterable

from isthmus.core.child_processes import start_child
from isthmus.runs.executors.job import RunElsewhere, RunFailed
from isthmus.runs.executors.order import GO_ON, STOP, JobOrder
from isthmus.runs.run import Done, Event

LISTEN_SECONDS = 0.2  # maximum delay in noticing Ctrl-C or a deadline

_news = threading.Condition()  # shared by all processes, so that a caller can wait for any of them


class Process:
    """A child process for one order, with `threads` CPU threads; call `end` or `kill` when done."""

    def __init__(self, order: JobOrder, threads: int) -> None:
        self.job = order.job
        self.spoke = False
        self.finished = False
        self.heard: deque[Event | RunFailed | RunElsewhere | None] = deque()
        self.child, self.messages = start_child("isthmus.runs.executors.worker", threads, apart=True)  # see `interrupt`
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()
        with contextlib.suppress(OSError):  # the child has died; the listener notices
            self.messages.send(order)

    def _listen(self) -> None:
        """Receive messages in a thread, because Windows cannot wait for one of several pipes."""
        message: Event | RunFailed | RunElsewhere | None
        while True:
            try:
                message = self.messages.receive()
            except Exception:  # the child ended or sent garbage: a waiting caller must not wait for ever
                message = None
            with _news:
                self.heard.append(message)
                _news.notify_all()
            if message is None:
                return

    def receive(self) -> Event | RunFailed | RunElsewhere | None:
        """Wait for the next message; None if no more will come."""
        with _news:
            _news.wait_for(lambda: self.heard)
            message = self.heard.popleft()
        if message is not None:
            self.spoke = True
            self.finished = isinstance(message, Done | RunFailed | RunElsewhere)
        return message

    def go_on(self) -> None:
        """Let a trial continue with its second step; a trial waits for this."""
        with contextlib.suppress(OSError):
            self.messages.send(GO_ON)

    def interrupt(self) -> None:
        """Ask the run to save and stop; only once, however often the user presses Ctrl-C.

        Before its first message the child has nothing to save and does not listen yet.
        """
        if not self.spoke:
            self.child.kill()
            return
        with contextlib.suppress(OSError):
            self.messages.send(STOP)

    def end(self) -> RunFailed | None:
        """Wait until the process ends; a RunFailed if it ended without finishing its order."""
        self.messages.hang_up()
        code = self.child.wait()
        self.listener.join()
        self.messages.incoming.close()
        return None if self.finished else RunFailed(self.job, _last_words(code), traceback="")

    def kill(self) -> None:
        self.child.kill()
        self.end()


def with_news(processes: Iterable[Process]) -> list[Process]:
    """The processes that have a message or have ended; waits up to LISTEN_SECONDS for one."""
    processes = list(processes)
    with _news:
        _news.wait_for(lambda: any(process.heard for process in processes), timeout=LISTEN_SECONDS)
        return [process for process in processes if process.heard]


def _last_words(code: int) -> str:
    if code < 0:
        return (
            f"its process was killed ({signal.Signals(-code).name}), for example because memory ran out; "
            "run the study again, with fewer --jobs if that was the cause"
        )
    if code == 130:
        return "its process was interrupted; run the study again to go on"
    return f"its process ended with exit code {code}; what it wrote on stderr says why"
