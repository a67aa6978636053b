"""Shows on stderr how much of a verb's work on pictures is done, and the time left."""

from __future__ import annotations

from isthmus.core.counting_bar import CountingBar
from isthmus.core.wording import counted


def work_progress(title: str, total: int, what: str, *, quiet: bool = False) -> CountingBar:
    """A bar on a terminal; elsewhere a line every ten seconds.

    title: what is done, such as "Denoising". total: things to do; what: one of them, in words, such as "picture".
    """
    return CountingBar(title, lambda done, of, _: f"{done:,} of {counted(of, what)}", quiet=quiet, total=total)
