"""Verbs that train: study and train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from isthmus.cli.app import (
    PATH,
    AsJson,
    Changes,
    Jobs,
    KeepOptimizer,
    LogTo,
    Offline,
    On,
    Out,
    Quiet,
    Recipe,
    SkipBroken,
    Study,
    TrainDevice,
    print_evaluation,
    say,
    tell,
    with_flags,
)
from isthmus.core.errors import InputError, RunError
from isthmus.core.paths import resolved
from isthmus.core.torchrun import is_first, place
from isthmus.core.wording import counted


def study(
    name: Study,
    changes: Changes = None,
    out: Out = None,
    jobs: Jobs = "1",
    on: On = "here",
    slurm: Annotated[
        list[str] | None,
        typer.Option("--slurm", metavar="KEY=VALUE", help="With --on slurm: what a job gets, such as gpus=1."),
    ] = None,
    ray: Annotated[
        list[str] | None,
        typer.Option(
            "--ray",
            metavar="ADDRESS|KEY=VALUE",
            help="With --on ray: the cluster, and what a job gets, such as cpus=2.",
        ),
    ] = None,
    device: TrainDevice = None,
    explore: Annotated[
        bool, typer.Option("--explore", help="Write explorer.html too, in which the models run in the browser.")
    ] = False,
    keep_optimizer: KeepOptimizer = False,
    log: LogTo = None,
    as_json: AsJson = False,
    offline: Offline = False,
    skip_broken: SkipBroken = False,
    quiet: Quiet = False,
) -> None:
    """Train a study's variations, compare them, write a report.

    Run it again to go on: only what is missing or unfinished is run.
    """
    if place() is not None:
        raise InputError(
            "study: torchrun starts the processes of one training; a study's runs are started by `isthmus study` "
            "itself, or by `isthmus work` on several machines"
        )
    from isthmus.api.asked import asked_study
    from isthmus.recipes.recipe import parse_overrides

    asked = asked_study(name, out, with_flags(parse_overrides(changes or []), offline, skip_broken, device=device))
    count, folder = _count(jobs), asked.folder

    from isthmus.api import verbs
    from isthmus.runs.executors.on import executor_on

    if explore:  # before minutes of training
        verbs.check_explorer()
    if on != "here" and jobs != "1":
        raise InputError(f"--jobs: has no effect with --on {on}, which decides how many run at a time; leave it out")
    if on != "here" and log:
        raise InputError(f"--log: has no effect with --on {on}, whose jobs pass on no numbers; leave it out")
    executor = executor_on(on, folder, slurm or (), ray or ())
    verbs.study(asked, jobs=count, on=executor, show_progress=not quiet, keep_optimizer=keep_optimizer, log=log or ())
    end_study(folder, as_json, explorer=_explorer(folder) if explore else None)


def end_study(folder: Path, as_json: bool, explorer: Path | None = None) -> None:
    """Print what a study says once it is compared. Raises RunError if runs failed."""
    from isthmus.cli import tables
    from isthmus.run_files.findings import Findings
    from isthmus.run_files.read import read_json, read_record

    findings = read_record(folder / "findings.json", Findings)
    if as_json:
        print(json.dumps(read_json(folder / "findings.json"), indent=1))
    else:
        tables.print_findings(findings)
        tell(f"Report: {resolved(folder / 'report.html')}")
        if explorer is not None:
            tell(f"Explorer: {resolved(explorer)}")
    failed = [one for one in findings.findings if one.kind == "failure"]
    if failed:
        raise RunError(
            f"{counted(len(failed), 'run')} of the study failed; mend the cause, then give the same command again: "
            "finished runs are kept"
        )


def train(
    name: Recipe = None,
    changes: Changes = None,
    out: Out = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="RUN", help="Start with this run's weights; without NAME, train its recipe.", **PATH
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the unfinished run in the folder.")] = False,
    device: TrainDevice = None,
    keep_optimizer: KeepOptimizer = False,
    log: LogTo = None,
    as_json: AsJson = False,
    offline: Offline = False,
    skip_broken: SkipBroken = False,
    quiet: Quiet = False,
) -> None:
    """Train one recipe, judge it on held-out images, and report.

    `isthmus train RUN train.epochs=50` goes on with a finished run, in a folder of its own, until it has 50 epochs.
    """
    words = list(changes or [])
    if start is not None and name is not None and "=" in name:
        words, name = [name, *words], None
    if start is None and name is None:
        raise InputError("train: needs a recipe, such as `isthmus train vae`; `isthmus list recipes` shows them")
    from isthmus.api.asked import asked_run
    from isthmus.recipes.recipe import parse_overrides

    options = with_flags(parse_overrides(words), offline, skip_broken, device=device)
    asked = asked_run(name or "", out, options, start=start)
    folder = asked.folder

    from isthmus.api import verbs

    try:
        verbs.train(asked, resume=resume, show_progress=not quiet, keep_optimizer=keep_optimizer, log=log or ())
    except verbs.UnfinishedRun:  # the same message with the command line's options
        raise InputError(f"{folder}: holds an unfinished run; add --resume to go on, or choose another --out") from None
    if not is_first():
        return
    print_evaluation(folder, as_json)
    if not as_json:
        tell(f"Report: {resolved(folder / 'report.html')}")


def _count(jobs: str) -> int | Literal["auto"]:
    if jobs != "auto" and not (jobs.isdecimal() and int(jobs)):
        raise InputError(f"--jobs: {jobs!r} does not fit: it is a whole number from 1, or auto")
    return "auto" if jobs == "auto" else int(jobs)


def _explorer(folder: Path) -> Path | None:
    """The study's explorer, or None if it cannot be made: a finished study must not fail for that."""
    from isthmus.api import verbs

    try:
        made = verbs.explore(folder, models=(), out=None)
    except (InputError, RunError) as error:
        say(f"No explorer: {error}.")
        return None
    for sentence in made.notices:
        say(sentence)
    return made.page
