"""The verb that writes a study file: new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.app import PATH, AsJson, say, tell


def new(
    path: Annotated[Path, typer.Argument(metavar="STUDY.toml", help="The file to write; it may not exist.", **PATH)],
    data: Annotated[
        str | None,
        typer.Argument(help="A folder or file of images, or a data set such as cifar10. By default digits."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a study file for your images, with comments."""
    import shlex

    from isthmus.api.new_study import new_study

    made = new_study(path, data)
    for sentence in made.notices:
        say(sentence)
    if as_json:
        schema = None if made.schema is None else str(made.schema)
        facts = {"study": str(made.path), "schema": schema, "images": made.images, "image_shape": made.image_shape}
        print(json.dumps(facts, indent=1))
        return
    channels, height, width = made.image_shape
    tell(f"{made.path}: a study of {made.images:,} training images of {channels} x {height} x {width} numbers")
    tell(f"Next: isthmus study {shlex.quote(str(made.path))}")
