"""Checks a study's plan, its images and its folder before any training."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from isthmus.core.atomic_files import refuse_link
from isthmus.core.errors import Faults, InputError, RunError
from isthmus.data.given_images import FILES
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import Plan, load_plan
from isthmus.recipes.variation import Variation
from isthmus.run_files.environment import Environment
from isthmus.run_files.findings import Findings
from isthmus.run_files.read import holds
from isthmus.runs.claim import DamagedRun, check, holds_more
from isthmus.runs.executors.auto_jobs import Shapes
from isthmus.runs.run_folder import check_data, is_begun
from isthmus.runs.shared_splits import SharedSplits
from isthmus.runs.study_row import seed_folder
from isthmus.training.devices import choose_device, choose_precision
from isthmus.training.initial_model import untrained
from isthmus.training.memory_estimate import check_memory
from isthmus.training.notices import sentences


def check_plan(plan: Plan, folder: Path, data: SharedSplits) -> tuple[Shapes, list[str]]:
    """Check the whole plan before any training. Images are read once for all variations that share them.

    Returns the shape (N, C, H, W) of each variation's training images, and notices about the images, each once.
    Raises InputError, or InputErrors with every variation's faults; RunError where a check cannot be made.
    """
    check_folder(plan, folder)
    checked = _Checked(plan, folder, data)
    for group in data.groups([(row, row.recipe(plan.seeds[0])) for row in plan.variations]):
        with checked.faults.caught_of([row.name for row, _ in group]):
            data.of(group[0][1])  # a fault of the images is one for all variations on them
            for row, recipe in group:
                with checked.faults.caught(row.name):
                    checked.add(row, recipe)
    for row in plan.variations:
        for against in row.compare:
            ours, theirs = checked.tests.get(row.name), checked.tests.get(against)
            if ours is not None and theirs is not None and ours != theirs:
                checked.faults.add(
                    f"compared with {against!r}, which is tested on other images; "
                    "leave `compare` out, or give both the same data and split",
                    row.name,
                )
    checked.faults.check(everywhere=len(plan.variations))
    shapes = {row.name: checked.shapes[row.name] for row in plan.variations}
    return shapes, [_about(names, len(plan.variations), sentence) for sentence, names in checked.said.items()]


class _Checked:
    """What the check of a plan has found so far."""

    def __init__(self, plan: Plan, folder: Path, data: SharedSplits) -> None:
        self.plan, self.folder, self.data = plan, folder, data
        self.faults = Faults()
        self.tests: dict[str, str] = {}
        self.shapes: dict[str, tuple[int, int, int, int]] = {}
        self.said: dict[str, list[str]] = {}

    def add(self, row: Variation, recipe: Recipe) -> None:
        """Check one variation, and the runs of it that are in the folder."""
        splits = self.data.of(recipe)
        shape = splits.train.images.shape
        self.tests[row.name] = splits.test_hash
        try:
            device = choose_device(recipe.train.device)
            for sentence in sentences(recipe, splits):
                self.said.setdefault(sentence, []).append(row.name)
            precision = choose_precision(recipe.train.precision, device)
            check_memory(recipe, shape[1:], shape[0], device, precision)  # before any memory is allocated
            untrained(recipe, shape[1:])
            self.shapes[row.name] = shape
        except RunError as error:
            raise RunError(f"{row.name}: {error}") from None
        for seed in self.plan.seeds:
            home = seed_folder(self.folder, row.name, seed)
            if (home / "recipe.toml").exists():
                with suppress(DamagedRun):  # it fails alone, and says why
                    check(home, row.recipe(seed))
            # so does a run whose environment.json is damaged
            if is_begun(home) and holds(home / "environment.json", Environment):
                check_data(home, splits)


def _about(names: list[str], of: int, sentence: str) -> str:
    """The sentence, preceded by the variations it applies to if it does not apply to all."""
    few = f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: "
    return sentence if len(names) == of else few + sentence


def check_folder(plan: Plan, folder: Path) -> None:
    """Check that the folder is free or belongs to this study. Raises InputError otherwise."""
    if (folder / "recipe.toml").exists():
        raise InputError(f"{folder}: holds a single run, not a study; choose another --out")
    if not folder.is_dir():
        return
    # without a lock file no study has run here, and a user may have written study.toml
    ours = holds(folder / "findings.json", Findings) or (
        (folder / "lock").is_file() and _is_plan(folder / "study.toml")
    )
    runs = {home.parents[1].name for home in folder.glob("*/seed-*/recipe.toml")}
    if not ours and holds_more(folder, {"lock", "log.jsonl", *FILES, *runs}):
        raise InputError(f"{folder}: not empty and no study's folder; choose another --out")
    for variation in plan.variations:
        refuse_link(folder / variation.name)
        for seed in plan.seeds:
            refuse_link(seed_folder(folder, variation.name, seed))


def _is_plan(path: Path) -> bool:
    try:
        load_plan(str(path))
    except (InputError, OSError):
        return False
    return True
