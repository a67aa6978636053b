"""Images that were decoded before, from a store."""

from __future__ import annotations

from isthmus.core.paths import expanded
from isthmus.core.values import Dataset
from isthmus.data.interfaces import DataSource
from isthmus.data.store.opening import open_store


class Store(DataSource):
    """A folder that `isthmus data prepare` made: decoded images, read from disk when they are asked for.

    Options:
        path: the folder.
    """

    def __init__(self, *, path: str) -> None:
        self.path = expanded(path, "data.path")

    def load(self) -> Dataset:
        """The images, whose pixels stay on disk. Raises InputError where the folder holds no whole store."""
        return open_store(self.path)
