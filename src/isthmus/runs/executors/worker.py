"""The process of one run: it receives an order, sends back events, and ends when its parent ends.

It receives a `JobOrder` and sends events and at most one `RunFailed` or `RunElsewhere`. After its first step a trial
has loaded and compiled everything; then it waits for the message to continue.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator

from isthmus.core.child_processes import Messages, messages_with_parent
from isthmus.core.lease import Leases
from isthmus.runs.executors.carry_out import carry_out
from isthmus.runs.executors.job import failed
from isthmus.runs.executors.order import STOP, JobOrder, noise
from isthmus.runs.load import load_data
from isthmus.runs.run import Event, run
from isthmus.training.loop import Step

STEP_SECONDS = 0.25  # shortest time between two reported steps that have no log


def main() -> None:
    """Carry out the order. Exits with 130 if it was interrupted."""
    parent = messages_with_parent()
    try:
        order: JobOrder = parent.receive()
    except EOFError:  # the parent has ended already
        return
    sys.argv = list(order.command)  # environment.json records the user's command
    try:
        events = _thinned(_events(order))
        if order.trial is not None:
            _take_first_step(events, parent)
        threading.Thread(target=_listen, args=(parent,), daemon=True).start()
        for event in events:
            parent.send(event)
    except BrokenPipeError:
        return
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # no error of one job may stop the others
        parent.send(failed(order.job, error))


def _events(order: JobOrder) -> Iterator[Event]:
    if order.trial is None:
        return carry_out(order.job, load_data, order.cache, Leases())
    recipe = order.job.recipe
    return run(recipe, order.job.folder, noise(order.trial, recipe.train.batch), order.cache)


def _take_first_step(events: Iterator[Event], parent: Messages) -> None:
    """Send events up to the first step, then wait for the message to continue."""
    for event in events:
        parent.send(event)
        if isinstance(event, Step):
            with contextlib.suppress(EOFError):  # the parent has ended; sending the next message will fail
                parent.receive()
            return


def _thinned(events: Iterator[Event]) -> Iterator[Event]:
    """Pass steps without a log only a few times per second: sending costs more than a step of a small network."""
    told = 0.0
    for event in events:
        if isinstance(event, Step) and event.log is None:
            if time.monotonic() - told < STEP_SECONDS:
                continue
            told = time.monotonic()
        yield event


def _listen(parent: Messages) -> None:
    """Interrupt this process at a STOP message, as Ctrl-C would, and exit when the parent ends."""
    try:
        while True:
            if parent.receive() == STOP:
                _thread.interrupt_main()  # not a signal, which Windows cannot send to one process
    except EOFError:
        os._exit(1)  # like `kill -9`: the last checkpoint is complete, and the folder is free at once


if __name__ == "__main__":
    main()
