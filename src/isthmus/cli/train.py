"""Verbs that train: study and train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from isthmus.cli.app import (
    AsJson,
    Changes,
    Jobs,
    Offline,
    Out,
    Quiet,
    SkipBroken,
    print_evaluation,
    say,
    tell,
    with_flags,
)
from isthmus.core.errors import InputError, RunError
from isthmus.core.paths import expanded, resolved


def study(
    name: Annotated[
        str,
        typer.Argument(help="A study such as post, a TOML file, or a study folder; see `isthmus list recipes`."),
    ],
    changes: Changes = None,
    out: Out = None,
    jobs: Jobs = "1",
    explore: Annotated[
        bool, typer.Option("--explore", help="Write explorer.html too, in which the models run in the browser.")
    ] = False,
    as_json: AsJson = False,
    offline: Offline = False,
    skip_broken: SkipBroken = False,
    quiet: Quiet = False,
) -> None:
    """Train a study's variations, compare them, write a report.

    Run it again to go on: only what is missing or unfinished is run.
    """
    from isthmus.recipes.recipe import parse_overrides
    from isthmus.recipes.study_plan import load_plan

    home = expanded(name or ".", "NAME")
    if name and (home / "study.toml").is_file():
        out, name = out or home, f"{name}/study.toml"
    plan = load_plan(name, with_flags(parse_overrides(changes or []), offline, skip_broken))
    count = _count(jobs)

    from isthmus.cli import tables
    from isthmus.core.json_files import read_json
    from isthmus.core.paths import cache_folder
    from isthmus.pages.progress import Display
    from isthmus.pages.report import write_study_pages
    from isthmus.pages.report.growing import GrowingReport
    from isthmus.run_files.findings import Findings
    from isthmus.run_files.read import read_record
    from isthmus.runs.study import study as run_study
    from isthmus.training.environment import command_line

    folder = out or Path("runs") / plan.name
    growing = GrowingReport(folder, plan.name)
    with Display(enabled=not quiet) as display:
        for event in run_study(plan, folder, cache_folder(), command=command_line(), jobs=count):
            display.show(event)
            if (first := growing.show(event)) is not None:
                display.print(f"First pictures: {first.resolve()}")
    explorer = _explorer(folder) if explore else None
    page = write_study_pages(folder)  # after the explorer, which it links
    findings = read_record(folder / "findings.json", Findings)
    if as_json:
        print(json.dumps(read_json(folder / "findings.json"), indent=1))
    else:
        tables.print_findings(findings)
        tell(f"Report: {resolved(page)}")
        if explorer is not None:
            tell(f"Explorer: {resolved(explorer)}")
    failed = [one for one in findings.findings if one.kind == "failure"]
    if failed:
        raise RunError(f"{len(failed)} of the study's runs failed; run it again to try them once more")


def train(
    name: Annotated[str, typer.Argument(help="A recipe such as post/latent-10, a TOML file, or a run folder.")],
    changes: Changes = None,
    out: Out = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the unfinished run in the folder.")] = False,
    as_json: AsJson = False,
    offline: Offline = False,
    skip_broken: SkipBroken = False,
    quiet: Quiet = False,
) -> None:
    """Train one recipe, judge it on held-out images, and report."""
    from isthmus.recipes.recipe import parse_overrides
    from isthmus.recipes.study_plan import builtin, load_recipe

    overrides = with_flags(parse_overrides(changes or []), offline, skip_broken)
    home = expanded(name or ".", "NAME")
    if (home / "recipe.toml").is_file() or (name and home.is_dir() and name.partition("/")[0] not in builtin()):
        if overrides:
            raise InputError(f"{name}: a run goes on as it began; changes need a new --out and the recipe's name")
        from isthmus.runs.run import read_recipe

        recipe, folder = read_recipe(home), out or home
    else:
        recipe = load_recipe(name, overrides)
        folder = out or Path("runs") / recipe.name

    from isthmus.core.paths import cache_folder
    from isthmus.pages.progress import Display
    from isthmus.pages.report import write_run_report
    from isthmus.runs.run import check, is_begun, is_evaluated, load_and_run

    check(folder, recipe)
    if not is_evaluated(folder):  # a finished run is shown again, even where its images are gone
        if is_begun(folder) and not resume:
            raise InputError(f"{folder}: holds an unfinished run; add --resume to go on, or choose another --out")
        with Display(enabled=not quiet) as display:
            for event in load_and_run(recipe, folder, cache_folder()):
                display.show(event)
    page = write_run_report(folder)
    print_evaluation(folder, as_json)
    if not as_json:
        tell(f"Report: {resolved(page)}")


def _count(jobs: str) -> int | Literal["auto"]:
    if jobs != "auto" and not (jobs.isdecimal() and int(jobs)):
        raise InputError(f"--jobs: {jobs!r} does not fit: it is a whole number from 1, or auto")
    return "auto" if jobs == "auto" else int(jobs)


def _explorer(folder: Path) -> Path | None:
    """The study's explorer, or None where it cannot be made, which a finished study does not fail for."""
    from isthmus.core.paths import cache_folder
    from isthmus.pages.explorer import write_explorer

    try:
        made = write_explorer(folder, cache_folder())
    except (InputError, RunError) as error:
        say(f"No explorer: {error}.")
        return None
    for sentence in made.notices:
        say(sentence)
    return made.page
