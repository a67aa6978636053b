"""A docstring of ours as Markdown: its text is Markdown already, but for lists of arguments and for examples."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

_ARGUMENT = re.compile(r"(?P<names>\w+(, \w+)*): (?P<text>.+)")
_UNDERLINE = re.compile(r"-{3,}")


def markdown_of(thing: object, *, without: str = "") -> str:
    """The docstring of a class or function; `without` names a section that the page shows in another way."""
    parameters = _parameters(thing)
    paragraphs = re.split(r"\n[ \t]*\n", inspect.getdoc(thing) or "")
    return "\n\n".join(filter(None, (_paragraph(text, parameters, without) for text in paragraphs))) + "\n"


def summary_of(thing: object) -> str:
    """The docstring's first paragraph."""
    return (inspect.getdoc(thing) or "").partition("\n\n")[0]


def _parameters(thing: object) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(thing).parameters)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return frozenset()


def _paragraph(text: str, parameters: frozenset[str], without: str) -> str:
    lines = text.splitlines()
    if without and lines[0] == without:
        return "\n".join(line for line in lines[1:] if not line.startswith(" "))
    if lines[0].startswith(">>>"):
        return f"```pycon\n{text}\n```"
    if len(lines) > 1 and _UNDERLINE.fullmatch(lines[1]):  # a section as numpydoc writes it
        return f"**{lines[0]}**\n\n{_numpydoc(lines[2:])}"
    return "\n".join(_with_list(lines, parameters))


def _with_list(lines: list[str], parameters: frozenset[str]) -> Iterator[str]:
    """Lines in which those that begin with an argument's name are a list; what continues one is indented."""
    in_list = False
    for line in lines:
        if line.startswith(" "):
            yield f"  {line.strip()}"
        elif (found := _ARGUMENT.fullmatch(line)) and parameters.issuperset(found["names"].split(", ")):
            if not in_list:
                yield ""
            in_list = True
            yield from _arguments(line, parameters)
        else:
            if in_list:
                yield ""
            in_list = False
            yield line


def _arguments(line: str, parameters: frozenset[str]) -> Iterator[str]:
    """Short arguments share a line: `kind: its name. options: dotted changes.`"""
    starts = [found.start(1) for found in re.finditer(r"(?:^|\. )(\w+): ", line) if found[1] in parameters]
    for begin, end in zip(starts or [0], [*starts[1:], len(line)], strict=True):
        names, _, text = line[begin:end].strip().partition(": ")
        yield f"- `{names}`: {text}"


def _numpydoc(lines: list[str]) -> str:
    if lines and lines[0].startswith(">>>"):
        return "```pycon\n" + "\n".join(lines) + "\n```"
    return "\n".join(f"  {line.strip()}" if line.startswith(" ") else f"- `{line}`" for line in lines)
