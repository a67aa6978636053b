"""The glossary, and how a page opens a word's line where the word stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from markupsafe import Markup, escape

_TAG = re.compile(r"(<[^>]*>)")


@dataclass(frozen=True)
class Entry:
    """A word: `line` says what it means in one or two sentences, `more` adds to it (or is empty)."""

    key: str
    title: str
    words: tuple[str, ...]
    line: str
    more: str = ""


@cache
def entries() -> Mapping[str, Entry]:
    """All words by key, in the order of `glossary.toml`."""
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {
        key: Entry(key, row["title"], tuple(row["words"]), row["line"], row.get("more", ""))
        for key, row in table.items()
    }


@dataclass
class PageWords:
    """The words that one page uses. A section opens a word's line at its first mention.

    opened: section -> keys opened there. own: lines that are not in the glossary, such as of another package's measure.
    """

    opened: dict[str, set[str]] = field(default_factory=dict)
    own: dict[str, Entry] = field(default_factory=dict)

    def explain(self, sentence: str, section: str) -> Markup:
        """`sentence` as HTML, in which the first mention of each word in `section` opens the word's line."""
        found = self.opened.setdefault(section, set())

        def opens(match: re.Match[str]) -> str:
            word, mark = match["word"], match["mark"]
            key = _keys()[word.replace("\N{NO-BREAK SPACE}", " ")]
            if key in found:
                return match[0]
            found.add(key)
            opener = f'<button type="button" class="word" popovertarget="word-{key}">{word}</button>'
            # a line may break after a button: its comma or full stop would begin the next one
            return f'<span class="unbroken">{opener}{mark}</span>' if mark else opener

        pieces = _TAG.split(str(escape(sentence)))
        return Markup("".join(piece if piece.startswith("<") else _pattern().sub(opens, piece) for piece in pieces))

    def ask(self, key: str, title: str, about: str = "") -> str:
        """The id of the line that explains a table's heading; empty if there is none.

        key: of the glossary. about: what to say if the glossary does not have it.
        """
        if key not in entries():
            if not about:
                return ""
            key = f"own-{len(self.own)}"
            self.own[key] = Entry(key, title, (), about)
        self.opened.setdefault("", set()).add(key)
        return f"word-{key}"

    @property
    def used(self) -> list[Entry]:
        """The lines opened so far, in the order of the glossary."""
        keys = set().union(*self.opened.values())
        return [entry for entry in (*entries().values(), *self.own.values()) if entry.key in keys]


@cache
def _keys() -> dict[str, str]:
    """Every way to write a word, escaped as in HTML -> its key."""
    return {str(escape(word)): key for key, entry in entries().items() for word in entry.words}


@cache
def _pattern() -> re.Pattern[str]:
    """Any word of the glossary, not as a part of a name such as latent-10 or of an option such as train.epochs."""
    words = "|".join(re.escape(word) for word in sorted(_keys(), key=len, reverse=True))
    words = words.replace(r"\ ", "[ \N{NO-BREAK SPACE}]")  # pages keep a number and its unit on one line
    return re.compile(rf"(?<![\w.=/&#-])(?P<word>{words})(?![\w=/]|[-.]\w)(?P<mark>[.,:)]*)")
