"""log.jsonl: what was done in a run's or a study's folder, one line for each time."""

from __future__ import annotations

from isthmus.run_files.record import Record, Seconds


class LogLine(Record):
    """A line of log.jsonl."""

    when: str
    """When it began, UTC."""
    verb: str
    """What was done: `train`, `study`, `work`, `evaluate`, `explore`, `export`, `calibrate`, `score` or `report`."""
    command: str
    """The command as typed, its first 1,000 characters."""
    seconds: Seconds
    """How long it took."""
    ended: str
    """`done`, `interrupted`, or the sentence of its failure."""
    versions: dict[str, str]
    """Versions of isthmus, python and torch."""
