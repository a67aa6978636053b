"""What a page and its translation must have in common: headings, numbers and code."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*")
_WORDS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_IN_WORDS = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)
# how Korean counts things: one word before a unit, such as "두 개"
_COUNTED = {"두": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9, "열": 10}


@dataclass(frozen=True)
class Section:
    """A heading and what follows it up to the next; anchor: the name that the page gives it in HTML, or none."""

    level: int
    heading: str
    anchor: str
    text: str

    @property
    def code(self) -> list[str]:
        """Blocks of code, without comments, since comments are translated."""
        return [_without_comments(text) for _language, text in _FENCE.findall(self.text)]

    @property
    def prose(self) -> str:
        """Without code, neither in blocks nor within a line, and without the targets of links."""
        return re.sub(r"`[^`]*`|\]\([^)]*\)", " ", _FENCE.sub("", self.text))

    @property
    def numbers(self) -> Counter[str]:
        """Every number of the prose, written in digits or in words, and how often it stands there.

        Those from 2 to 10 count once: a sentence in another language repeats "two" where this one does not. 1 is left
        out, because "one" is often no number.
        """
        text = _IN_WORDS.sub(lambda word: str(_WORDS.index(word[0].lower()) + 2), self.prose)
        text = re.sub(rf"(?<!\w)({'|'.join(_COUNTED)}) ", lambda word: f"{_COUNTED[word[1]]} ", text)
        found = Counter(_NUMBER.findall(text.replace("−", "-")))
        small = {number for number in found if number.isdigit() and int(number) <= 10}
        return Counter({number: 1 if number in small else times for number, times in found.items() if number != "1"})


def sections_of(text: str) -> list[Section]:
    """The sections of a page in Markdown; what stands before the first heading is left out."""
    hidden = _FENCE.sub(lambda block: re.sub("^#", "\0", block[0], flags=re.MULTILINE), text)
    starts = list(re.finditer(r'(?:^<a id="([\w-]+)"></a>\n\n)?^(#+) (.+)$', hidden, re.MULTILINE))
    ends = [*(start.start() for start in starts[1:]), len(hidden)]
    return [
        Section(len(start[2]), start[3], start[1] or "", hidden[start.end() : end].replace("\0", "#"))
        for start, end in zip(starts, ends, strict=True)
    ]


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _without_comments(code: str) -> str:
    return re.sub(r"(?:^|\s+)#.*$", "", code, flags=re.MULTILINE).strip()
