"""What `isthmus list` prints: recipes, the options of their tables, parts, and JSON schemas. Nothing imports torch."""

from __future__ import annotations

import json
import sys
import textwrap
from dataclasses import asdict
from typing import Any

from rich.markup import escape

from isthmus.cli.console import new_console
from isthmus.core import option_words, registry
from isthmus.core.errors import InputError
from isthmus.core.sorts import PART_TABLES, SORTS
from isthmus.core.wording import printable
from isthmus.recipes import study_plan
from isthmus.recipes.options import TABLES, Outside
from isthmus.recipes.schema import SCHEMAS

_TABLES = {**TABLES, "seed": Outside}
_INDENT = " " * 6


def print_list(sort: str | None, name: str | None, *, as_json: bool) -> None:
    """Recipes, the options of a recipe's tables, or the parts of a sort; without `sort`, an overview of all.

    name: the only recipe or part to show. Raises InputError where there is no such sort or name.
    """
    if sort == "schema":
        _print_schema(name or "study")
        return
    if sort is not None and name is None and "." in sort:  # such as train.epochs
        sort, _, name = sort.partition(".")
    sorts = ("recipes", "options", *SORTS)
    known = (*sorts, *_TABLES, *PART_TABLES, "schema")
    if sort is not None and sort not in known:
        raise InputError(f"{sort}: nothing of this sort{_near(sort, known)}; there are {', '.join(known)}")
    listing = {one: _rows(one) for one in ([PART_TABLES.get(sort, sort)] if sort else sorts)}
    if sort is not None and name is not None:
        listing = {one: _only(name, rows, sort) for one, rows in listing.items()}
    if as_json:
        print(json.dumps(listing if sort is None else next(iter(listing.values())), indent=1))
        return
    console = new_console()
    for one, rows in listing.items():
        if sort is None:
            where = "  `isthmus list NAME` shows them" if one == "options" else ""
            console.print(f"[bold]{one}[/bold]{where}")
        for row in rows:
            console.print(f"  [bold]{escape(printable(row['name']))}[/bold]  ", end="")
            console.print(printable(row["about"] + _origin(row)), markup=False, soft_wrap=not sys.stdout.isatty())
            for option, words in (row["options"] if sort else {}).items():
                for line in _option_lines(option, words):
                    console.print(printable(line), markup=False, soft_wrap=True)


def _print_schema(name: str) -> None:
    if name not in SCHEMAS:
        raise InputError(f"{name}: there is no such schema{registry.suggest(name, SCHEMAS)}; give study or recipe")
    print(json.dumps(SCHEMAS[name](), indent=1))


def _near(word: str, known: tuple[str, ...]) -> str:
    """Where a word that is no sort may belong: the part of that name, or the nearest sort."""
    homes = [f"`isthmus list {sort} {word}`" for sort in SORTS if word in registry.kinds(sort)]
    return f" (did you mean {' or '.join(homes)}?)" if homes else registry.suggest(word, known)


def _only(name: str, rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """The row of that name; of a table, which is one row, the option of that name."""
    names = [row["name"] for row in rows]
    if sort in _TABLES:
        names = list(rows[0]["options"])
        if name in names:
            return [{**rows[0], "options": {name: rows[0]["options"][name]}}]
    if name not in names:
        near = registry.suggest(name, names)
        raise InputError(f"{name}: `isthmus list {sort}` has no such name{near}; it has {', '.join(names)}")
    return [row for row in rows if row["name"] == name]


def _rows(sort: str) -> list[dict[str, Any]]:
    if sort == "recipes":
        return _recipes()
    if sort == "options":
        return [_table(name) for name in _TABLES]
    if sort in _TABLES:
        return [_table(sort)]
    return [_part(sort, kind) for kind in registry.kinds(sort)]


def _recipes() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name in study_plan.builtin():
        about, variations = study_plan.describe(name)
        rows.append({"name": name, "about": about, "options": {f"{name}/{v}": text for v, text in variations}})
    return rows


def _table(name: str) -> dict[str, Any]:
    about = (_TABLES[name].__doc__ or "").partition("\n")[0]
    return {"name": name, "about": about, "options": _as_dicts(option_words.of_table(_TABLES[name]))}


def _part(sort: str, kind: str) -> dict[str, Any]:
    """One part's row; `problem` says why a part of another package cannot be used. Other parts are still listed."""
    packages = [{"name": package.name, "version": package.version} for package in registry.packages(sort, kind)]
    origin = packages[0] if len(packages) == 1 else None
    row: dict[str, Any] = {"name": kind, "about": "", "options": {}, "package": origin, "problem": None}
    try:
        part = registry.described(sort, kind)
    except InputError as error:
        return {**row, "about": "cannot be used", "problem": str(error)}
    words = option_words.of_part(part.doc, part.options)
    return {**row, "about": part.doc.partition("\n")[0], "options": _as_dicts(words)}


def _as_dicts(options: dict[str, option_words.OptionWords]) -> dict[str, dict[str, Any]]:
    return {name: asdict(words) for name, words in options.items()}


def _option_lines(option: str, words: dict[str, Any] | str) -> list[str]:
    """The lines about an option, or about a variation of a recipe, at the terminal's width."""
    if isinstance(words, str):
        return [f"{_INDENT}{option} {words}"]
    found = option_words.OptionWords(**words)
    unit = f", {found.unit}" if found.unit else ""
    about = found.about
    if sys.stdout.isatty():
        width = max(40, new_console().width)
        about = f"\n{_INDENT}    ".join(textwrap.wrap(about, width - len(_INDENT) - 4, break_on_hyphens=False))
    return [
        f"{_INDENT}{option} {found.default_text}  ({found.type}{unit})",
        *([f"{_INDENT}    {about}"] if about else []),
    ]


def _origin(row: dict[str, Any]) -> str:
    """The text about a part's package in its line: name and version, or the problem; empty for parts of isthmus."""
    package, problem = row.get("package"), row.get("problem")
    if problem:
        return f": {problem}"
    return f" (package {package['name']} {package['version']})" if package else ""
