"""failed.json of a study's run: why it could not finish."""

from __future__ import annotations

from isthmus.run_files.record import FileRecord


class Failure(FileRecord):
    """failed.json: why a study's run could not finish."""

    error: str
    """The reason, in a sentence."""
    traceback: str = ""
    """Python's traceback; empty if the sentence says enough."""
