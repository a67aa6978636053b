"""version.json of a study: the version of isthmus that its runs are made with."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from isthmus.run_files.record import FileRecord

VERSION_FILE = "version.json"


class VersionRecord(FileRecord):
    """version.json: the version of isthmus that `isthmus study` ran with last. Other computers join with the same."""

    isthmus: Annotated[str, Field(max_length=100)]
    """Its version."""
