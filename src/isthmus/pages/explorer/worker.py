"""The process that makes models ready for a page: orders come in through a pipe, subjects go out.

    python -m isthmus.pages.explorer.worker DESCRIPTOR

It ends with the pipe. For an order that it cannot fulfil it answers None; whoever asked will find out why.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from multiprocessing.connection import Connection

from isthmus.data.splits import Splits
from isthmus.pages.explorer.model_entry import ModelEntry
from isthmus.pages.explorer.workers import ModelOrder
from isthmus.runs.load import load_data
from isthmus.runs.run_folder import read_recipe


def main() -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C ends whoever asked, and that ends us
    pipe = Connection(int(sys.argv[1]))
    splits: Splits | None = None
    with contextlib.suppress(EOFError, BrokenPipeError):
        pipe.send(None)
        while True:
            order: ModelOrder = pipe.recv()
            subject: ModelEntry | None = None
            with contextlib.suppress(Exception):
                if splits is None:
                    splits = load_data(read_recipe(order.run.path))
                if splits.hash == order.run.evaluation.data.hash:
                    subject = order.fulfil(splits)
            pipe.send(subject)


if __name__ == "__main__":
    main()
