"""isthmus trains, compares and looks inside image autoencoders, and says which choice mattered."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Autoencoder", "doctor", "explore", "export", "load", "sample", "study", "train"]

if TYPE_CHECKING:
    from isthmus.api import doctor, explore, export, load, sample, study, train
    from isthmus.model import Autoencoder

_HOMES = {
    "Autoencoder": "isthmus.model",
    "doctor": "isthmus.api",
    "explore": "isthmus.api",
    "export": "isthmus.api",
    "load": "isthmus.api",
    "sample": "isthmus.api",
    "study": "isthmus.api",
    "train": "isthmus.api",
}


def __getattr__(name: str) -> Any:
    # Lazy: `isthmus --help` must not wait for torch.
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'isthmus' has no attribute {name!r}")
