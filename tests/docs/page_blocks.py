"""What a page asks its reader to do: commands to type, files to save, and code to run, in the order of the page."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(r"# ([\w./-]+\.\w+)\n")
_NEEDS = re.compile(r"# needs (.+)")


@dataclass(frozen=True)
class Command:
    """A line of a block without a language; needs: what a test does not have, such as "a GPU"."""

    words: tuple[str, ...]
    needs: str = ""


@dataclass(frozen=True)
class File:
    """A block whose first line names the file, as a comment."""

    name: str
    text: str


def steps_of(page: Path) -> Iterator[Command | File]:
    """Raises ValueError for a block of code or of a file that does not say its name."""
    for language, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if language in ("python", "toml"):
            name = _NAMED.match(text)
            if name is None:
                raise ValueError(f"{page.name}: the first line of a {language} block is its file's name, as a comment")
            yield File(name[1], text)
        elif not language:
            for line in text.splitlines():
                if line.strip():
                    needs = _NEEDS.search(line)
                    yield Command(tuple(shlex.split(line, comments=True)), needs[1].strip() if needs else "")
