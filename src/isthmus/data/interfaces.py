"""What a data set's part must have."""

from __future__ import annotations

from abc import ABC, abstractmethod

from isthmus.core.values import Dataset


class DataSource(ABC):
    """Where images come from. Built as `Kind(*, ...)`, which reads nothing yet: options can be checked without images.

    Options called `path` and `test` are paths, which a recipe keeps absolute.
    """

    @abstractmethod
    def load(self) -> Dataset:
        """Read all images. Raises InputError where they are missing or cannot be read."""
