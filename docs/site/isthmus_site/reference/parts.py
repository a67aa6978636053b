"""A page for each sort of part: every part, its options, their types, defaults and units."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping

from isthmus.core import registry
from isthmus.core.option_words import OptionWords, of_part
from isthmus.core.sorts import SORTS
from isthmus_site.reference.docstrings import markdown_of
from isthmus_site.reference.markdown import anchor, code, table

_LITERAL = re.compile(r'"[^"]*"')


def page(sort: str) -> str:
    told = SORTS[sort]
    module, _, interface = told.interface.partition(":")
    chosen = (
        f"A recipe chooses one with `{told.path}` and sets its options as `{told.table}.OPTION`."
        if told.in_recipe
        else "A recipe does not choose among these: isthmus uses those that fit."
    )
    if told.default:
        chosen += f" Without a choice it is `{told.default}`."
    needs = f"Their interface is `{interface}` in `{module}`; [a part of your own](../howto/own-part.md) extends it."
    return "\n".join([f"# {sort.capitalize()}\n", f"{chosen} {needs}\n", *(_part(sort, kind) for kind in _own(sort))])


def options_table(options: Mapping[str, OptionWords]) -> str:
    return table(("option", "values", "default", "unit", "meaning"), _rows(options))


def _rows(options: Mapping[str, OptionWords]) -> Iterable[tuple[str, ...]]:
    for name, option in options.items():
        default = "needed" if option.needed else code(option.default_text.removeprefix("= "))
        yield code(name), _LITERAL.sub(r"`\g<0>`", option.type), default, option.unit or "", option.about


def _own(sort: str) -> list[str]:
    """isthmus's parts; those of packages that happen to be installed here are not documented here."""
    return [kind for kind in registry.kinds(sort) if registry.foreign(sort, kind) is None]


def _part(sort: str, kind: str) -> str:
    part = registry.find(sort, kind)
    options = of_part(inspect.getdoc(part) or "", registry.options(part))
    text = markdown_of(part, without="Options:")
    return f"{anchor(f'{SORTS[sort].table}-{kind}')}\n## {kind}\n\n{text}\n{options_table(options)}"
