"""One study, one version of isthmus: computers that share its runs have the same."""

from __future__ import annotations

from pathlib import Path

import isthmus
from isthmus.core.errors import InputError
from isthmus.core.lease_files import machine
from isthmus.core.wording import printable
from isthmus.run_files.read import holds, read_record
from isthmus.run_files.version import VERSION_FILE, VersionRecord
from isthmus.run_files.write import write_record


def keep_version(folder: Path) -> None:
    """Let the study in `folder` be of this version from now on."""
    record = VersionRecord(isthmus=isthmus.__version__)
    if not holds(folder / VERSION_FILE, VersionRecord) or read_record(folder / VERSION_FILE, VersionRecord) != record:
        write_record(folder / VERSION_FILE, record)


def check_version(folder: Path) -> None:
    """Raise InputError where the study is of another version than this computer's; RunError for a damaged record.

    A study of a version that did not say so is one of this version from now on.
    """
    if not (folder / VERSION_FILE).exists():
        keep_version(folder)
        return
    theirs, here = read_record(folder / VERSION_FILE, VersionRecord).isthmus, isthmus.__version__
    if theirs != here:
        raise InputError(
            f"{folder}: is made with isthmus {printable(theirs)}, and on {machine().host} there is {here}; install "
            f"that version here, or let `isthmus study {folder}` go on with {here} everywhere"
        )
