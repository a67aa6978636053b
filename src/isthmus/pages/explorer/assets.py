"""The page's script, built from web/ and shipped in the wheel."""

from __future__ import annotations

from pathlib import Path

from isthmus.core.errors import InputError

FOLDER = Path(__file__).parent / "bundle"
FILES = ("explorer.js", "explorer.css", "runtime.wasm.gz")
REMEDY = "npm --prefix web ci && npm --prefix web run build"


def is_built() -> bool:
    return all((FOLDER / name).is_file() for name in FILES)


def check_built() -> None:
    """Raise InputError if the bundle has not been built."""
    if not is_built():
        raise InputError(
            f"the explorer's script was not built with this installation; in a checkout of isthmus run `{REMEDY}` "
            "(it needs Node.js 20 or later), or install isthmus again with npm present"
        )


def read(name: str) -> bytes:
    """A file of the bundle. Raises as `check_built`."""
    check_built()
    return (FOLDER / name).read_bytes()
