"""The verb that shows what exists: list."""

from __future__ import annotations

from typing import Annotated

import typer

from isthmus.cli.app import AsJson


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
