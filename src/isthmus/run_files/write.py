"""Write the files of a run folder from their records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from isthmus.core.atomic_files import write_json
from isthmus.run_files.record import FileRecord, Record


def write_record(path: Path, record: FileRecord) -> None:
    """Replace `path` by the record's JSON. Raises as `isthmus.core.atomic_files.write_bytes`."""
    write_json(path, as_json(record))


def as_line(record: Record) -> str:
    """The record as a line of metrics.jsonl."""
    return json.dumps(as_json(record)) + "\n"


def as_json(record: Record) -> dict[str, Any]:
    """The record as in its file: the keys that were set, nan as null; for a FileRecord, `format` first."""
    held = record.model_dump(mode="json", exclude_unset=True)
    return {"format": record.format, **held} if isinstance(record, FileRecord) else held
