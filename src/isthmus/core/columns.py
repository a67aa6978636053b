"""Tables for people who work with numbers: pandas where it is installed, else a dictionary of columns."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np


class Columns(Protocol):
    """What a pandas DataFrame and a dictionary of columns have in common: `table["psnr"]`, `"psnr" in table`."""

    def __getitem__(self, name: str, /) -> Any: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def keys(self) -> Iterable[str]: ...


def as_table(columns: Mapping[str, np.ndarray]) -> Columns:
    """name -> column (N,), all of one length, as a DataFrame; without pandas as a dictionary."""
    try:
        pandas: Any = importlib.import_module("pandas")  # isthmus does not need it, so it is no dependency
    except ImportError:
        return dict(columns)
    return pandas.DataFrame(dict(columns))
