"""Where isthmus keeps what it can fetch or fit again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`ISTHMUS_DATA`, else `isthmus/` in `XDG_CACHE_HOME`, else in `~/.cache`."""
    if os.environ.get("ISTHMUS_DATA"):
        return Path(os.environ["ISTHMUS_DATA"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "isthmus"
