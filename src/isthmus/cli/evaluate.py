"""Verbs for trained runs: evaluate, doctor and report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.app import PATH, AsJson, need_folder, print_evaluation, say, tell
from isthmus.core.errors import RunError
from isthmus.core.paths import resolved


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.", **PATH)],
    device: Annotated[
        str | None,
        typer.Option("--device", help="cpu, cuda, mps or auto. By default that of its training, or one that is here."),
    ] = None,
    noise: Annotated[
        list[float] | None,
        typer.Option(
            "--noise",
            metavar="STD",
            help="Instead, add noise and score what the model makes of it, beside methods without training. Its "
            "standard deviation, where black to white is 2: 0.1 is 12.8 of 255 levels. Repeat for several.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a trained run on its held-out test images, again."""
    need_folder(run)
    if noise:
        _compare_denoisers(run, noise, device, as_json)
        return
    from isthmus.api import verbs

    for sentence in verbs.evaluate(run, device=device):
        say(sentence)
    print_evaluation(run, as_json)


def _compare_denoisers(run: Path, noise: list[float], device: str | None, as_json: bool) -> None:
    from isthmus.api import verbs
    from isthmus.cli import tables
    from isthmus.run_files.write import as_json as dumped

    found, notices = verbs.compare_denoisers(run, noise, device=device)
    for sentence in notices:
        say(sentence)
    if as_json:
        print(json.dumps([dumped(one) for one in found], indent=1))
    else:
        tables.print_denoising(found)


def doctor(
    folder: Annotated[Path, typer.Argument(help="A run folder or a study folder.", **PATH)],
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with a trained run, and what would help.

    The exit code is 1 if there is an error, and 0 if there are only warnings or notes. It reads what the last
    evaluation measured.
    """
    need_folder(folder)
    from isthmus.cli import tables
    from isthmus.evaluation.doctor.examine import read_diagnoses
    from isthmus.run_files.write import as_json as dumped

    found = read_diagnoses(folder)
    if as_json:
        print(json.dumps({run: [dumped(one) for one in lines] for run, lines in found.items()}, indent=1))
    else:
        tables.print_doctor(found)
    errors = sum(one.severity == "error" for lines in found.values() for one in lines)
    if errors:
        raise RunError(f"{folder}: the doctor found {errors} error{'' if errors == 1 else 's'}")


def report(folder: Annotated[Path, typer.Argument(help="A run folder or a study folder.", **PATH)]) -> None:
    """Write the page of a run or a study anew and print its path."""
    need_folder(folder)
    from isthmus.api import verbs

    page, notices = verbs.report(folder)
    for sentence in notices:
        say(sentence)
    tell(resolved(page))
