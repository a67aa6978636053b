"""Every public Python name: its signature, its text and its examples, which tests run."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import isthmus
import isthmus.sklearn
from isthmus_site.reference.docstrings import markdown_of, summary_of
from isthmus_site.reference.markdown import anchor, code, table

_FUNCTIONS_FIRST = ("train", "study", "Run", "Study", "load", "Autoencoder")
_OWN = "isthmus."
_WIDTH = 100


def page() -> str:
    names = [*_FUNCTIONS_FIRST, *(name for name in isthmus.__all__ if name not in _FUNCTIONS_FIRST)]
    things = {f"isthmus.{name}": getattr(isthmus, name) for name in names}
    things |= {f"isthmus.sklearn.{name}": getattr(isthmus.sklearn, name) for name in isthmus.sklearn.__all__}
    rows = ((f"[{code(name)}](#{name.lower().replace('.', '-')})", summary_of(thing)) for name, thing in things.items())
    return "\n".join(
        [
            "# Python\n",
            "`import isthmus as ist`. Every example on this page is run by a test, in a folder that holds the run "
            "`runs/digits-10`. Wrong input raises `InputError`, a run that cannot finish raises `RunError`.\n",
            table(("name", ""), rows),
            *(_section(name, thing) for name, thing in things.items()),
        ]
    )


def _section(name: str, thing: Any) -> str:
    target = anchor(name.lower().replace(".", "-"))
    heading = f"{target}\n## {name}\n\n```python\n{_signature(name, thing)}\n```\n\n{markdown_of(thing)}"
    return "\n".join([heading, *_members(thing)]) if inspect.isclass(thing) else heading


class _AsWritten:
    """An annotation that prints as it stands in the code; as text it would be printed in quotes."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation

    def __repr__(self) -> str:
        return self.annotation if isinstance(self.annotation, str) else inspect.formatannotation(self.annotation)


def _signature(name: str, thing: Any) -> str:
    """One line, or a line for each argument where that is too long."""
    try:
        signature = inspect.signature(thing)
    except ValueError:
        return name
    empty = inspect.Signature.empty
    parameters = [
        one if one.annotation is empty else one.replace(annotation=_AsWritten(one.annotation))
        for one in signature.parameters.values()
        if one.name != "self"
    ]
    result = empty if inspect.isclass(thing) else signature.return_annotation
    short = inspect.Signature(parameters, return_annotation=result if result is empty else _AsWritten(result))
    if len(f"{name}{short}") <= _WIDTH:
        return f"{name}{short}"
    lines = [f"    {one},\n" for one in map(str, parameters)]
    first_keyword = next((n for n, one in enumerate(parameters) if one.kind is one.KEYWORD_ONLY), None)
    if first_keyword is not None:
        lines.insert(first_keyword, "    *,\n")
    return f"{name}(\n{''.join(lines)})" + ("" if result is empty else f" -> {_AsWritten(result)!r}")


def _members(thing: type[Any]) -> Iterator[str]:
    """Public methods and properties that the class itself brings; not those of PyTorch, pathlib or dict."""
    for name, member in inspect.getmembers_static(thing):
        home = next((base for base in thing.__mro__ if name in vars(base)), object)
        if name.startswith("_") or not home.__module__.startswith(_OWN):
            continue
        if isinstance(member, property | cached_property):
            function, shown = (member.fget if isinstance(member, property) else member.func), name
        elif inspect.isfunction(member) or isinstance(member, staticmethod | classmethod):
            function = getattr(thing, name)
            shown = _signature(name, function)
        else:
            continue
        if function is None or not inspect.getdoc(function):
            continue
        yield f"### {thing.__name__}.{name}\n\n```python\n{shown}\n```\n\n{markdown_of(function)}"
