"""What `isthmus list` and `isthmus data` print: recipes, parts, and what a data set holds."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

from rich.markup import escape

from isthmus.cli.console import new_console
from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free
from isthmus.core.pixels import depth_of
from isthmus.core.sorts import SORTS
from isthmus.core.wording import printable
from isthmus.pages.contact_sheet import contact_sheet, save_picture
from isthmus.pages.shown_pixels import remarks, view_of
from isthmus.recipes import study_plan
from isthmus.recipes.recipe import Split


def print_list(sort: str | None, *, as_json: bool) -> None:
    """Recipes, or the parts of a sort with their options; without `sort`, an overview of all."""
    sorts = ("recipes", *SORTS)
    if sort is not None and sort not in sorts:
        raise InputError(f"{sort}: nothing of this sort{registry.suggest(sort, sorts)}; there are {', '.join(sorts)}")
    listing = {name: _recipes() if name == "recipes" else _parts(name) for name in ([sort] if sort else sorts)}
    if as_json:
        print(json.dumps(listing if sort is None else listing[sort], indent=1))
        return
    console = new_console()
    for name, rows in listing.items():
        if sort is None:
            console.print(f"[bold]{name}[/bold]")
        for row in rows:
            console.print(f"  [bold]{escape(printable(row['name']))}[/bold]  ", end="")
            console.print(printable(row["about"] + _origin(row)), markup=False, soft_wrap=not sys.stdout.isatty())
            for option, text in (row["options"] if sort else {}).items():
                console.print(printable(f"      {option} {text}"), markup=False)


def print_data(kind: str, options: dict[str, Any], *, sheet: Path | None, as_json: bool) -> None:
    """What a data set holds after reading and splitting; with `sheet`, also save its first training images as a PNG."""
    if sheet is not None:
        check_free(sheet)
    from isthmus.core.paths import cache_folder
    from isthmus.data.datasets._picture_options import check_shown
    from isthmus.data.splits import split
    from isthmus.data.store.cache import read

    dataset = read(kind, registry.build("datasets", kind, options), cache_folder())

    usual = Split()
    check_shown(options.get("shown_channels"), dataset.train.images.shape[1])
    splits = split(dataset, **usual.model_dump())
    own = {"validation": dataset.validation, "test": dataset.test}
    carved = [f"split.{part}={getattr(usual, part)}" for part, images in own.items() if images is None]
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    facts = {
        "source": splits.source,
        **{name: len(images) for name, images in parts.items()},
        "image_shape": list(splits.train.images.shape[1:]),
        "class_names": list(splits.class_names),
        "hash": splits.hash,
    }
    if sheet is not None:
        images = splits.train.images
        view = view_of(images.shape[1], options.get("shown_channels"))
        save_picture(contact_sheet(view.pictures(images[:64])), sheet)
        for sentence in remarks(view, depth_of(images.dtype), splits.range):
            print(printable(sentence), file=sys.stderr)
    for sentence in (*(change.sentence for change in splits.handling), *splits.notices):
        print(printable(sentence), file=sys.stderr)
    if carved:
        shares = " ".join(carved)
        said = f"Split as by default ({shares}); a recipe may set another share, and trains on another number then."
        print(said, file=sys.stderr)
    if as_json:
        done = [change.model_dump() for change in splits.handling]
        print(json.dumps({**facts, "handling": done, "notices": list(splits.notices)}, indent=1))
        return
    for name, value in facts.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        print(f"{name:12}  {text:,}" if isinstance(value, int) else f"{name:12}  {printable(str(text))}")


def _recipes() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name in study_plan.builtin():
        about, variations = study_plan.describe(name)
        rows.append({"name": name, "about": about, "options": {f"{name}/{v}": text for v, text in variations}})
    return rows


def _parts(sort: str) -> list[dict[str, Any]]:
    return [_part(sort, kind) for kind in registry.kinds(sort)]


def _part(sort: str, kind: str) -> dict[str, Any]:
    """One part's row; `problem` says why a part of another package cannot be used. Other parts are still listed."""
    packages = [{"name": package.name, "version": package.version} for package in registry.packages(sort, kind)]
    origin = packages[0] if len(packages) == 1 else None
    row: dict[str, Any] = {"name": kind, "about": "", "options": {}, "package": origin, "problem": None}
    try:
        part = registry.find(sort, kind)
    except InputError as error:
        return {**row, "about": "cannot be used", "problem": str(error)}
    options = {
        name: "(needed)" if p.default is inspect.Parameter.empty else f"= {p.default!r}"
        for name, p in registry.options(part).items()
    }
    return {**row, "about": registry.summary(part), "options": options}


def _origin(row: dict[str, Any]) -> str:
    """The text about a part's package in its line: name and version, or the problem; empty for parts of isthmus."""
    package, problem = row.get("package"), row.get("problem")
    if problem:
        return f": {problem}"
    return f" (package {package['name']} {package['version']})" if package else ""
