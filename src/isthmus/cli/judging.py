"""Verbs about what is trained already: evaluate and report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.app import AsJson, need_folder, print_evaluation, say
from isthmus.errors import InputError


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    as_json: AsJson = False,
) -> None:
    """Score a trained run on its held-out test images, again."""
    need_folder(run)
    from isthmus import tables
    from isthmus.files import read_json
    from isthmus.paths import cache_folder
    from isthmus.report import write_run_report
    from isthmus.runs import evaluate_run, load_data, read_recipe

    for sentence in evaluate_run(run, load_data(read_recipe(run)), cache_folder()):
        say(sentence)
    write_run_report(run)
    print_evaluation(read_json(run / "evaluation.json"), as_json, tables)


def report(folder: Annotated[Path, typer.Argument(help="A run folder or a study folder.")]) -> None:
    """Write the page of a run or a study anew and print its path."""
    need_folder(folder)
    from isthmus.report import write_run_report, write_study_pages

    if (folder / "findings.json").is_file():
        page = write_study_pages(folder)
    elif (folder / "evaluation.json").is_file():
        page = write_run_report(folder)
    else:
        raise InputError(f"{folder}: neither a finished run nor a study; `isthmus study NAME` makes one")
    print(page.resolve())
