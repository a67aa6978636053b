"""What an object must have to show itself in a notebook."""

from __future__ import annotations

from abc import ABC, abstractmethod


class ShownInNotebooks(ABC):
    """IPython asks for this method by name, and shows what it returns as the output of a cell."""

    __slots__ = ()

    @abstractmethod
    def _repr_html_(self) -> str:
        """Static HTML; never raises, since IPython would print the traceback."""
