"""What to do about an unreadable file of a run folder: the command that writes it again or, without one, a copy."""

from __future__ import annotations

import stat
from pathlib import Path

RESTORE = "restore it from a copy, or train again with another --out"
_EVALUATE = "`isthmus evaluate {folder}` writes it again"
_WRITERS = {
    "evaluation.json": _EVALUATE,
    "per_image.parquet": _EVALUATE,
    "pictures.safetensors": f"{_EVALUATE}, or delete it: pages do without",
    "training.json": "`isthmus train {folder} --resume` writes it again",
    "findings.json": "`isthmus study {folder}` writes it again",
    "failed.json": "delete it",
    "job.json": "delete it: its run is then placed anew",
    "version.json": "delete it",
    "preview.safetensors": "delete it: the training writes it again",
}


def remedy(path: Path) -> str:
    """What to do about the file at `path`, as the end of a sentence."""
    if path.name not in _WRITERS:
        return RESTORE
    words = _WRITERS[path.name].format(folder=path.parent)
    # isthmus replaces only files and links
    return f"remove it, and {words}" if _is_irregular(path) and words.startswith("`") else words


def _is_irregular(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode))
