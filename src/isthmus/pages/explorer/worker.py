"""The process that makes models ready for a page: orders come in, subjects go out.

It ends with the process that asks. For an order that it cannot fulfil it answers None; whoever asked will find out why.
"""

from __future__ import annotations

import contextlib
import signal

from isthmus.data.splits import Splits
from isthmus.pages.explorer.model_entry import ModelEntry
from isthmus.pages.explorer.workers import ModelOrder
from isthmus.runs.executors.child import messages_with_parent
from isthmus.runs.load import load_run_data
from isthmus.runs.run_folder import check_data


def main() -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C ends whoever asked, and that ends us
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
