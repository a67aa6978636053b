"""Says where a study's verdicts rest on one seed, so that luck in training is not covered."""

from __future__ import annotations

from pathlib import Path

from isthmus.core.errors import InputError, RunError
from isthmus.recipes.study_plan import Plan
from isthmus.run_files.environment import Environment
from isthmus.run_files.findings import ONE_SEED, Finding, note
from isthmus.run_files.read import read_record
from isthmus.runs.claim import check
from isthmus.runs.run_folder import is_evaluated
from isthmus.runs.study_row import StudyRow


def luck_not_covered(plan: Plan, folder: Path, done: list[StudyRow]) -> list[Finding]:
    """A note where an interval rests on one seed, be it planned so or because the others did not finish."""
    about = "is about these trained models and says nothing about the choice between them"
    if len(plan.seeds) == 1 and done:
        finished = {*plan.seeds, *_others(done, folder)}
        # without spaces, which would end the option in a shell
        seeds = ",".join(map(str, sorted(finished)))
        more = f"seeds=[{seeds}], whose runs the folder holds" if len(finished) > 1 else "seeds=3"
        return [note(None, f"{ONE_SEED}a verdict {about}; with two or more ({more}) it does.")]
    lacks = f"one of {len(plan.seeds)} seeds finished; a verdict on it {about}."
    alone = [row.variation.name for row in done if len(row.evaluations) == 1]
    return [note(name, f"{name}: {lacks}") for name in alone]


def _others(done: list[StudyRow], folder: Path) -> set[int]:
    """Other seeds that finished runs in the folder have, and that the study can go on with."""
    found: dict[int, list[tuple[StudyRow, Path]]] = {}
    for row in done:
        for home in (folder / row.variation.name).glob("seed-*"):
            if (number := home.name.removeprefix("seed-")).isdecimal():
                found.setdefault(int(number), []).append((row, home))
    return {
        seed
        for seed, runs in found.items()
        if any(is_evaluated(home) for _, home in runs) and all(_fits(row, seed, home) for row, home in runs)
    }


def _fits(row: StudyRow, seed: int, home: Path) -> bool:
    """Whether a run is of the same recipe, and on the same images, as the finished ones of the variation."""
    environment, images = home / "environment.json", row.evaluations[0].data.hash
    try:
        check(home, row.variation.recipe(seed))
        return not environment.exists() or read_record(environment, Environment).data.hash == images
    except (InputError, RunError, OSError):
        return False
