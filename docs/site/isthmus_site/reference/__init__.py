"""Pages that are written from the code for each build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

INDEX = """# Reference

Everything here is written from the code when the site is built.

```{{toctree}}
:maxdepth: 1

{pages}
../run-folder
```
"""

# name of the page -> what writes its Markdown
WRITERS: dict[str, Callable[[], str]] = {}


def reference(folder: Path) -> dict[Path, str]:
    """Path -> Markdown of each page."""
    index = INDEX.format(pages="\n".join(WRITERS))
    return {folder / "index.md": index} | {folder / f"{name}.md": write() for name, write in WRITERS.items()}
