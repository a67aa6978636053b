"""The verb that lists what was trained: runs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isthmus.cli.app import PATH, AsJson, say

if TYPE_CHECKING:
    from isthmus.run_files.scores import IntervalRecord
    from isthmus.runs.listed import ListedRun

_WHYS = 10  # sentences about failed and unreadable runs
_WHY = 400  # characters of each
_HEADINGS = ("name", "recipe", "data", "state", "PSNR dB", "over PCA dB", "age", "size")
_LEFT = ("recipe", "data", "state")
_FIRST_TO_GO = ("data", "recipe", "size", "age", "over PCA dB", "state")


def runs(
    folder: Annotated[Path, typer.Argument(help="A folder of runs and studies, or one of them.", **PATH)] = Path(
        "runs"
    ),
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            "-f",
            metavar="KEY=PATTERN",
            help="Only runs whose state, recipe, data, study or name fits, such as state=failed,unfinished or "
            "recipe=vae*; a pattern alone is of names. Repeat for several, which must all fit.",
        ),
    ] = None,
    sort: Annotated[
        str, typer.Option("--sort", "-s", help="name, recipe, data, state, score, pca, age or size.")
    ] = "name",
    as_json: AsJson = False,
) -> None:
    """List runs and studies: scores, age, size and state."""
    from isthmus.runs.listing import list_folder
    from isthmus.runs.selection import parsed, selected

    conditions = parsed(filters or ())
    listing = list_folder(folder)
    found = selected(listing.runs, conditions, sort)
    if as_json:
        print(json.dumps([_as_json(run) for run in found], indent=1))
    elif found:
        _print(found)
    for sentence in listing.passed_over:
        say(sentence)
    if not found:
        say(f"{folder}: holds no run{' for which the filter holds' if listing.runs else ''}.")


def _print(found: Sequence[ListedRun]) -> None:
    from isthmus.cli.console import new_console
    from isthmus.cli.narrow_tables import print_table
    from isthmus.core.errors import Faults
    from isthmus.core.wording import all_printable, counted, shortened, size

    rows: list[list[str]] = []
    for place, run in enumerate(found):
        if run.study and (not place or found[place - 1].study != run.study):
            rows.append(_study_row(run.study, [one for one in found if one.study == run.study]))
        name = f"  {run.name.removeprefix(run.study + '/')}" if run.study else run.name
        score = _score(run.psnr) if run.state != "unreadable" else ""
        over = ("is PCA" if run.is_pca else _signed(run.over_pca.mean)) if score else ""
        rows.append([name, run.recipe, run.data, run.state, score, over, _ago(run.age_seconds), size(run.size)])
    console = new_console()
    print_table(console, _HEADINGS, all_printable(rows), left=_LEFT, first_to_go=_FIRST_TO_GO)
    studies = len({run.study for run in found if run.study})
    inside = sum(bool(run.study) for run in found)
    of = f", {inside:,} of them in {counted(studies, 'study', 'studies')}" if studies else ""
    total = size(sum(run.size for run in found))
    console.print(f"{counted(len(found), 'run')}{of}, {total}; ± is half of the 95 % interval.", markup=False)
    whys = Faults()
    for run in found:
        if run.why:
            whys.add(f"{run.state}: {shortened(_reason(run), _WHY)}", str(run.folder))
    told = whys.sentences()
    for sentence in told[:_WHYS]:
        say(sentence)
    if len(told) > _WHYS:
        say(f"{len(told) - _WHYS:,} more are told by --json.")


def _reason(run: ListedRun) -> str:
    """Why, on one line, without the folder: the line names it already."""
    return " ".join(run.why.split()).removeprefix(f"{run.folder}: ")


def _study_row(name: str, runs: Sequence[ListedRun]) -> list[str]:
    from isthmus.core.wording import size

    finished = sum(run.state == "finished" for run in runs)
    ages = [run.age_seconds for run in runs if not math.isnan(run.age_seconds)]
    done = f"{finished} of {len(runs)}" if finished < len(runs) else f"all {finished}"
    return [
        name,
        "(study)",
        "",
        f"{done} finished",
        "",
        "",
        _ago(min(ages, default=math.nan)),
        size(sum(r.size for r in runs)),
    ]


def _score(score: IntervalRecord) -> str:
    if math.isnan(score.mean):
        return ""
    half = (score.high - score.low) / 2
    return f"{score.mean:.2f}" + ("" if math.isnan(half) else f" ± {half:.2f}")


def _signed(value: float) -> str:
    return "" if math.isnan(value) else f"{value:+.2f}"


def _ago(seconds: float) -> str:
    """`3 min`; empty if unknown."""
    if math.isnan(seconds):
        return ""
    steps = ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (math.inf, 86400, "d"))
    unit, word = next((unit, word) for most, unit, word in steps if seconds < most)
    return f"{max(0, seconds) / unit:,.0f} {word}"


def _as_json(run: ListedRun) -> dict[str, Any]:
    from isthmus.run_files.write import as_json

    def interval(value: IntervalRecord) -> dict[str, Any] | None:
        return None if math.isnan(value.mean) else as_json(value)

    return {
        "folder": str(run.folder),
        "name": run.name,
        "study": run.study or None,
        "state": run.state,
        "why": run.why or None,
        "recipe": run.recipe or None,
        "seed": run.seed,
        "data": run.data or None,
        "test_images": run.test_images,
        "psnr_db": interval(run.psnr),
        "over_pca_db": interval(run.over_pca),
        "is_pca": run.is_pca,
        "started": None if run.started is None else run.started.isoformat(),
        "age_seconds": None if math.isnan(run.age_seconds) else round(run.age_seconds),
        "bytes": run.size,
    }
