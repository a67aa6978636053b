"""Time budget of a study: if the machine is too slow for the plan, every run is shortened by the same share.

The machine is measured once, before the first run; budget.json in the study's folder keeps the decision.
So a study that is resumed later, or runs beside other programs, trains what was decided: clocks do not change its bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from isthmus.recipes.recipe import apply
from isthmus.recipes.study_plan import Plan
from isthmus.recipes.training_length import budget
from isthmus.recipes.variation import Variation
from isthmus.run_files.budget import Decision, Share
from isthmus.run_files.read import read_record
from isthmus.run_files.write import write_record
from isthmus.runs.run_folder import is_begun
from isthmus.runs.study_row import seed_folder
from isthmus.training.speed import images_per_second

JUDGED_MOST, JUDGED_LEAST = 8000, 2000  # images: evaluating a run takes about as long as training on this many
SLACK = 0.95  # share of the plan; a plan that nearly fits is not shortened
LEAST = 0.1  # share of the plan; a shorter training would show nothing
NAME = "budget.json"

Shapes = Mapping[str, tuple[int, int, int, int]]


def decided(folder: Path) -> Decision | None:
    """The decision in a study's folder; None if there is none. Raises RunError if the file is damaged."""
    path = folder / NAME
    return read_record(path, Decision, "restore it from a copy, or choose another --out") if path.exists() else None


def decide(plan: Plan, shapes: Shapes, folder: Path) -> Decision | None:
    """Measure this machine, decide, and write the decision to `folder`; None without a budget or if runs exist.

    shapes: variation -> (N, C, H, W), its training images. Takes about a second a variation.
    """
    homes = [seed_folder(folder, row.name, seed) for row in plan.variations for seed in plan.seeds]
    if plan.budget_seconds is None or any(is_begun(home) for home in homes):
        return None
    speeds = {row.name: images_per_second(row.recipe(plan.seeds[0]), shapes[row.name][1:]) for row in plan.variations}
    decision = divide(plan, shapes, speeds)
    folder.mkdir(parents=True, exist_ok=True)
    write_record(folder / NAME, decision)
    return decision


def idle_budget(plan: Plan, decision: Decision | None, folder: Path) -> str | None:
    """A sentence if the plan's budget has no effect: the study in `folder` began with another one or without."""
    if plan.budget_seconds is None or (decision is not None and decision.seconds == plan.budget_seconds):
        return None
    begun = "without a budget" if decision is None else f"with {decision.seconds:g}"
    return (
        f"budget.seconds={plan.budget_seconds:g} has no effect: the study in {folder} was begun {begun}; "
        "choose another --out."
    )


def cuts(decision: Decision | None) -> list[str]:
    """A sentence about a study that was shortened, for its reader."""
    return [cut] if decision is not None and (cut := decision.sentence) else []


def judged_as(images: int) -> int:
    """Images a run could train on in the time of its evaluation; `images`: its number of training images."""
    return min(JUDGED_LEAST + 2 * images, JUDGED_MOST)


def divide(plan: Plan, shapes: Shapes, speeds: Mapping[str, float]) -> Decision:
    """The share of every run's steps that fits; speeds: variation -> training images per second."""
    assert plan.budget_seconds is not None
    trained = judged = 0.0
    planned: dict[str, tuple[int, int]] = {}
    for row in plan.variations:
        recipe, seconds_per_image = row.recipe(plan.seeds[0]), len(plan.seeds) / speeds[row.name]
        steps, batch = budget(recipe, shapes[row.name][0]).steps, recipe.train.batch
        planned[row.name] = steps, batch
        trained += steps * batch * seconds_per_image
        judged += judged_as(shapes[row.name][0]) * seconds_per_image
    share = max((plan.budget_seconds - judged) / trained, LEAST)
    share = 1.0 if share >= SLACK else share
    rows = {
        name: Share(steps=max(1, round(share * steps)), planned=steps, batch=batch, images_per_second=speeds[name])
        for name, (steps, batch) in planned.items()
    }
    return Decision(seconds=plan.budget_seconds, expected=trained + judged, share=share, variations=rows)


def shortened(plan: Plan, decision: Decision | None) -> Plan:
    """The plan with the decided steps; a variation added later is trained as planned."""
    if decision is None or decision.share == 1.0:
        return plan
    return replace(
        plan, variations=tuple(_shortened(row, decision.variations.get(row.name)) for row in plan.variations)
    )


def _shortened(row: Variation, share: Share | None) -> Variation:
    return row if share is None else replace(row, raw=apply(row.raw, {"train.steps": share.steps}))
