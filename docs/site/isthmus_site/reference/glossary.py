"""The words that reports and pages use, from the one file that reports open them from."""

from __future__ import annotations

from isthmus.pages.glossary import entries
from isthmus_site.reference.markdown import anchor


def page() -> str:
    words = sorted(entries().values(), key=lambda entry: entry.title.lower())
    lines = (f"{anchor(f'word-{word.key}')}\n**{word.title}**\n: {word.line} {word.more}\n" for word in words)
    return "\n".join(["# Glossary\n", "Words in reports open these lines where they stand.\n", *lines])
