"""Look at a training again and again, and write its page whenever it was looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from pathlib import Path

from isthmus.pages.watch.page import write_watch_page
from isthmus.pages.watch.study import Looks, Watched


def follow(
    folder: Path, page: Path, *, every: float, sleep: Callable[[float], object] | None = None
) -> Generator[Watched | None]:
    """Yield how the training in `folder` stands, every `every` seconds until it has ended; its page is then written.

    Yields None while nothing is there yet. A page that is left early, by Ctrl-C or by closing this generator, is
    written once more, without loading itself again. Raises InputError if the folder holds something else.
    """
    looks, watched = Looks(folder), None
    try:
        while True:
            watched = looks.look()
            if watched is not None:
                write_watch_page(watched, page, every=None if watched.ended else every)
            yield watched
            if watched is not None and watched.ended:
                return
            (sleep or time.sleep)(every)
    finally:
        if watched is not None and not watched.ended:
            write_watch_page(watched, page, every=None)
