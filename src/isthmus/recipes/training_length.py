"""How long a recipe trains on so many images: enough steps where they are few, and warm-ups that end in time.

A recipe tuned for 50,000 images counts epochs; on 20 images its 5 epochs are 5 steps, all of them within a warm-up of
100. What is resolved here is a function of the recipe and the number of images alone, so resuming is exact.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from isthmus.core.wording import counted
from isthmus.recipes.recipe import Part, Recipe
from isthmus.run_files.environment import Schedule

WARMUP_SHARE = 0.2  # of all steps, at most; the shipped demo's has 0.18
OBJECTIVE_SHARE = 0.5  # likewise of steps over which a weight of the objective grows
EPOCH_STEPS = 50  # of an epoch that was lengthened: validation and saving after every step would take longer than it
FEW_STEPS = 200
ENOUGH_STEPS = 1000  # that a small network takes to learn what is there


@dataclass(frozen=True)
class Budget:
    """What a run on a number of images does.

    recipe: with the epochs and warm-ups that they allow. passes: over the images in one epoch. steps: in all.
    notices: sentences for the user, where anything differs from what the recipe says.
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
    """How `recipe` trains on so many training images."""
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
            notices.append(
                f"{made}; to reach {train.least_steps:,} (train.least_steps), {counted(epochs, 'epoch')} of {passes} "
                f"passes over them are trained instead of {train.epochs} of one. train.epochs=N trains N epochs of one."
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
            f"The warm-up takes {warmup:,} of {steps:,} steps rather than train.warmup_steps={train.warmup_steps:,}, "
            f"which is more than {100 * WARMUP_SHARE:.0f} % of them."
        )
    settings = train.model_copy(update={"epochs": epochs, "warmup_steps": warmup})
    objective, said = _objective(recipe.objective, steps)
    resolved = replace(recipe, train=settings, objective=objective)
    return Budget(resolved, passes, steps, (*notices, *said))


def _objective(part: Part, steps: int) -> tuple[Part, list[str]]:
    """The objective whose weights have grown to their values by half of the training."""
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
