"""The process that prepares models for a page: it receives orders and sends back model entries.

It ends with its parent. For an order that fails it sends None; the parent then runs the order and sees the error.
"""

from __future__ import annotations

import contextlib
import signal

from isthmus.core.child_processes import messages_with_parent
from isthmus.data.splits import Splits
from isthmus.pages.explorer.model_entry import ModelEntry
from isthmus.pages.explorer.workers import ModelOrder
from isthmus.runs.load import load_run_data
from isthmus.runs.run_folder import check_data


def main() -> None:
    """Answer orders until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C ends the parent, and its end ends this process
    parent = messages_with_parent()
    splits: Splits | None = None
    with contextlib.suppress(EOFError, BrokenPipeError):
        parent.send(None)
        while True:
            order: ModelOrder = parent.receive()
            subject: ModelEntry | None = None
            with contextlib.suppress(Exception):
                if splits is None:
                    splits = load_run_data(order.run.path)
                check_data(order.run.path, splits)
                subject = order.fulfil(splits)
            parent.send(subject)


if __name__ == "__main__":
    main()
