"""Makes a store in a folder that the user names: for a cluster, for a friend, or to decode once for many options."""

from __future__ import annotations

from pathlib import Path

from isthmus.core.errors import RunError
from isthmus.core.values import Dataset
from isthmus.core.wording import size
from isthmus.data.interfaces import DataSource, PictureSet
from isthmus.data.loaded_pictures import pictures_of
from isthmus.data.reading_progress import reading_progress
from isthmus.data.store.build import NoRoom, build
from isthmus.data.store.opening import open_store
from isthmus.data.store.placing import check_free, workshop


def prepare(kind: str, source: DataSource, folder: Path) -> Dataset:
    """Decode a data set into the store `folder`, and open it.

    Raises InputError where the folder exists and is not empty, RunError where another process makes a store there or
    its disk is too small, and as `DataSource.load`.
    """
    check_free(folder)  # before anything is read
    found: PictureSet = source.pictures() or pictures_of(source.load())
    with workshop(folder) as beside:
        check_free(folder)  # another process may have finished there until the lock was free
        try:
            build(found, kind, folder, beside, reading_progress())
        except NoRoom as error:
            raise RunError(
                f"{folder}: the decoded images need {size(error.needed)}, and its disk has {size(error.free)} free; "
                "make room, choose another --out, or make data.size smaller"
            ) from None
    return open_store(folder)
