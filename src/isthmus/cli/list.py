"""The verb that shows what exists: list."""

from __future__ import annotations

from typing import Annotated

import typer

from isthmus.cli.app import AsJson


def list_things(
    sort: Annotated[
        str | None,
        typer.Argument(
            help="recipes; a table of a recipe such as train, split, model or data; a sort of part such as "
            "bottlenecks; or schema."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Argument(help="Only the part, recipe or option of this name; after schema: study or recipe."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List recipes, parts and all options of a recipe.

    `isthmus list schema study` prints the JSON schema of study files, for editors.
    """
    from isthmus.cli import listings

    listings.print_list(sort, name, as_json=as_json)
