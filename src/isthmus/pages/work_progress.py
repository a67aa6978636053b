"""Shows on stderr how much of a verb's work on pictures is done, and the time left."""

from __future__ import annotations

from isthmus.core.counting_bar import CountingBar
from isthmus.core.wording import counted


class WorkProgress:
    """A bar on a terminal; elsewhere a line every ten seconds. A context manager, so that the terminal is restored.

    title: what is done, such as "Denoising". total: pictures; what: one of them, in words.
    """

    def __init__(self, title: str, total: int, what: str, *, quiet: bool = False) -> None:
        self._total, self._what, self._done = total, what, 0
        self._bar = CountingBar(title, quiet=quiet)
        self._bar.begin(total)

    def __enter__(self) -> WorkProgress:
        self._bar.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._bar.__exit__(*raised)

    def begin(self, place: int) -> None:
        """The picture at this place is begun; those before it are done, or were left out."""
        self._done = place

    def advance(self) -> None:
        """One more picture is done."""
        self._done += 1
        self._show(float(self._done))

    def within(self, share: float) -> None:
        """So much of the next picture is done, up to 1."""
        self._show(self._done + share)

    def _show(self, done: float) -> None:
        self._bar.show(done, f"{self._done:,} of {counted(self._total, self._what)}")
