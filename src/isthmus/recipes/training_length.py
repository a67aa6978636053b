"""How long a recipe trains on a given number of images: enough steps on few images, and no warm-up that is too long.

A recipe that was tuned on 50,000 images counts epochs; on 20 images, its 5 epochs are 5 steps, all within a warm-up of
100. The result depends only on the recipe and the number of images, so resuming is exact.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from isthmus.core.wording import counted
from isthmus.recipes.recipe import Part, Recipe
from isthmus.run_files.environment import Schedule

WARMUP_SHARE = 0.2  # of all steps, at most; the demo study has 0.18
OBJECTIVE_SHARE = 0.5  # of all steps, at most, over which the objective's weights grow
EPOCH_STEPS = 50  # of a lengthened epoch: validating and saving after every step would take longer than the step
FEW_STEPS = 200
ENOUGH_STEPS = 1000  # that a small network needs to learn something


@dataclass(frozen=True)
class Budget:
    """How long a run on a given number of images trains.

    recipe: with its epochs and warm-ups adjusted. passes: over the images in one epoch. steps: in total.
    notices: sentences for the user about every difference from the recipe as written.
    """

    recipe: Recipe
    passes: int
    steps: int
    notices: tuple[str, ...]

    def schedule(self) -> Schedule:
        """As environment.json holds it."""
        train = self.recipe.train
        return Schedule(
            epochs=train.epochs, passes_per_epoch=self.passes, steps=self.steps, warmup_steps=train.warmup_steps
        )


def budget(recipe: Recipe, images: int) -> Budget:
    """How long `recipe` trains on this many training images."""
    train, per_pass = recipe.train, -(-images // recipe.train.batch)
    epochs, passes, notices = train.epochs, 1, list[str]()
    if epochs * per_pass < train.least_steps:
        passes = -(-EPOCH_STEPS // per_pass)
        epochs = max(epochs, -(-train.least_steps // (passes * per_pass)))
        made = (
            f"{counted(images, 'training image')} make{'s' if images == 1 else ''} "
            f"{counted(per_pass, 'step')} of {train.batch}"
        )
        if train.seconds is None:
            over = f"{passes} {'pass' if passes == 1 else 'passes'} over them"
            notices.append(
                f"{made}; to reach {train.least_steps:,} (train.least_steps), {counted(epochs, 'epoch')} of "
                f"{over} are trained instead of {train.epochs} of one pass. "
                "train.epochs=N trains N epochs of one pass."
            )
        else:
            notices.append(f"{made}; an epoch is {passes} passes over them.")
    steps = min(epochs * passes * per_pass, train.steps or sys.maxsize)
    if (
        steps < min(FEW_STEPS, train.epochs * -(-FEW_STEPS // train.epochs))
        and train.seconds is None
        and train.steps is None
    ):
        notices.append(
            f"train.epochs={train.epochs} makes {counted(steps, 'step')} on {counted(images, 'training image')}, too "
            f"few to learn much; set train.epochs={-(-ENOUGH_STEPS // per_pass)}, or train.least_steps={ENOUGH_STEPS} "
            "in its place."
        )
    warmup = _capped(train.warmup_steps, WARMUP_SHARE, steps)
    if warmup < train.warmup_steps:
        notices.append(
            f"The warm-up takes {warmup:,} of {steps:,} steps, because train.warmup_steps={train.warmup_steps:,} "
            f"is more than {100 * WARMUP_SHARE:.0f} % of them."
        )
    settings = train.model_copy(update={"epochs": epochs, "warmup_steps": warmup})
    objective, objective_notices = _objective(recipe.objective, steps)
    resolved = replace(recipe, train=settings, objective=objective)
    return Budget(resolved, passes, steps, (*notices, *objective_notices))


def _objective(part: Part, steps: int) -> tuple[Part, list[str]]:
    """The objective with its warm-up cut to half of the training, and a notice if it was."""
    wanted = part.options.get("warmup_steps", 0)
    growing = _capped(wanted, OBJECTIVE_SHARE, steps)
    if growing == wanted:
        return part, []
    sentence = (
        f"The objective's weights grow over {growing:,} of {steps:,} steps rather than over "
        f"objective.warmup_steps={wanted:,}."
    )
    return Part(part.kind, {**part.options, "warmup_steps": growing}), [sentence]


def _capped(wanted: int, share: float, steps: int) -> int:
    return min(wanted, max(1, int(share * steps)))
