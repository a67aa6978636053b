"""The process of one run: takes an order, sends back what happens, and ends with the process that asked for it.

A `JobOrder` comes in; events and at most one `RunFailed` go out. A trial waits after its first step, with all loaded
and compiled, and goes on when it is told to.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator

from isthmus.runs.executors.child import Messages, messages_with_parent
from isthmus.runs.executors.job import failed
from isthmus.runs.executors.order import STOP, JobOrder, noise
from isthmus.runs.load import load_data
from isthmus.runs.run import Event, run
from isthmus.training.loop import Step

STEP_SECONDS = 0.25  # between two steps without a log that are told


def main() -> None:
    """Carry the order out. Exits with 130 where it was interrupted."""
    parent = messages_with_parent()
    try:
        order: JobOrder = parent.receive()
    except EOFError:  # whoever asked is gone already
        return
    sys.argv = list(order.command)  # environment.json names the command that the user typed
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
    except Exception as error:  # whatever it is, the other jobs are not its victims
        parent.send(failed(order.job, error))


def _events(order: JobOrder) -> Iterator[Event]:
    recipe = order.job.recipe
    splits = load_data(recipe) if order.trial is None else noise(order.trial, recipe.train.batch)
    return run(recipe, order.job.folder, splits, order.cache)


def _take_first_step(events: Iterator[Event], parent: Messages) -> None:
    """Send events up to the first step, then wait for the word to go on."""
    for event in events:
        parent.send(event)
        if isinstance(event, Step):
            with contextlib.suppress(EOFError):  # whoever asked is gone, as the next message will find
                parent.receive()
            return


def _thinned(events: Iterator[Event]) -> Iterator[Event]:
    """Steps without a log only a few times a second: telling costs more than a small network's step."""
    told = 0.0
    for event in events:
        if isinstance(event, Step) and event.log is None:
            if time.monotonic() - told < STEP_SECONDS:
                continue
            told = time.monotonic()
        yield event


def _listen(parent: Messages) -> None:
    """Stop when told to, as by Ctrl-C, and end with the process that asked."""
    try:
        while True:
            if parent.receive() == STOP:
                _thread.interrupt_main()  # not a signal, which Windows cannot send to one process
    except EOFError:
        os._exit(1)  # as by `kill -9`: the last checkpoint is whole, and the folder is free for the next at once


if __name__ == "__main__":
    main()
