"""Verbs that show what exists: list and data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.app import PATH, AsJson, Offline, SkipBroken, with_flags


def list_things(
    sort: Annotated[
        str | None,
        typer.Argument(help="recipes, or a sort of part such as bottlenecks."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List recipes and parts with their options."""
    from isthmus.cli import listings

    listings.print_list(sort, as_json=as_json)


def data(
    kind: Annotated[str, typer.Argument(help="A data set: cifar10, parquet, folder, arrays or scenes.")],
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[OPTION=VALUE]...", help="Its options, such as path=FOLDER; `isthmus list datasets` names them."
        ),
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch it if it is not on this machine yet.")] = False,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="Save a PNG of the first training images.", **PATH)
    ] = None,
    as_json: AsJson = False,
    offline: Offline = False,
    skip_broken: SkipBroken = False,
) -> None:
    """Read a data set and say what is in it.

    `isthmus data cifar10 --download` fetches CIFAR-10.
    """
    from isthmus.cli import listings
    from isthmus.recipes.recipe import parse_overrides

    options = parse_overrides(changes or [])
    options = {key.removeprefix("data."): value for key, value in options.items()}
    flags = with_flags({"data.kind": kind}, offline, skip_broken, download=download)
    options |= {key.removeprefix("data."): value for key, value in flags.items() if key != "data.kind"}
    listings.print_data(kind, options, sheet=sheet, as_json=as_json)
