"""Verbs for trained runs: evaluate, doctor and report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.app import (
    PATH,
    AsJson,
    Data,
    Moved,
    SkipBroken,
    elsewhere,
    need_folder,
    print_evaluation,
    say,
    tell,
)
from isthmus.core.errors import InputError, RunError
from isthmus.core.paths import resolved
from isthmus.core.torchrun import is_first


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.", **PATH)],
    moved: Moved = None,
    data: Data = None,
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
            "standard deviation, where black to white is 2: 0.1 is 12.8 of 255 levels. Repeat for several. The run's "
            "page shows it, too.",
        ),
    ] = None,
    skip_broken: SkipBroken = False,
    as_json: AsJson = False,
) -> None:
    """Score a trained run on its test images again, or on others.

    The scores on another test set go into a folder of their own, RUN/other-images/NAME/.
    """
    need_folder(run)
    if noise:
        if data is not None or moved:
            raise InputError("--noise: is measured on the run's own test images; leave out --data and data.path")
        _compare_denoisers(run, noise, device, as_json)
        return
    from isthmus.api import verbs

    folder, notices = verbs.evaluate(run, device=device, where=elsewhere(data, moved, skip_broken=skip_broken))
    if not is_first():
        return
    for sentence in notices:
        say(sentence)
    print_evaluation(folder, as_json)
    if folder != run and not as_json:
        tell(f"Report: {resolved(folder / 'report.html')}")


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
    moved: Moved = None,
    data: Data = None,
    device: Annotated[str | None, typer.Option("--device", help="With --data: cpu, cuda, mps or auto.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with a trained run, and what would help.

    The exit code is 1 if there is an error, and 0 if there are only warnings or notes. It reads what the last
    evaluation measured; with --data, the run is evaluated on those images first.
    """
    need_folder(folder)
    if data is not None or moved:
        from isthmus.api import verbs

        folder, notices = verbs.evaluate(folder, device=device, where=elsewhere(data, moved))
        for sentence in notices:
            say(sentence)
    elif device is not None:
        raise InputError("--device: nothing is computed without --data; leave it out")
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


def report(
    folder: Annotated[Path, typer.Argument(help="A run folder or a study folder.", **PATH)], as_json: AsJson = False
) -> None:
    """Write the page of a run or a study anew and print its path."""
    need_folder(folder)
    from isthmus.api import verbs

    page, notices = verbs.report(folder)
    for sentence in notices:
        say(sentence)
    if as_json:
        print(json.dumps({"page": str(resolved(page)), "notices": notices}, indent=1))
    else:
        tell(resolved(page))
