"""What a person should read before the first step: what was done to the pictures, and how long they are trained on."""

from __future__ import annotations

from isthmus.core.image_changes import Change
from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.training_length import budget


def handling(splits: Splits, *, mirrors: bool) -> tuple[Change, ...]:
    """What was done to the data set's pictures, in reading and in training, which mirrors half of them or not."""
    if not mirrors:
        return splits.handling
    images = len(splits.train)
    mirrored = Change(
        what="mirrored",
        images=images,
        of=images,
        sentence="Training shows half of the images, others in every epoch, with left and right exchanged; "
        "train.mirror=false does not.",
    )
    return (*splits.handling, mirrored)


def remarks(recipe: Recipe, splits: Splits) -> list[str]:
    """What else to know of the images, and where their number changes how the recipe trains."""
    return [*splits.notices, *budget(recipe, len(splits.train)).notices]


def sentences(recipe: Recipe, splits: Splits) -> list[str]:
    """Everything to say before a run, the most general first; the run says what `train.mirror=auto` came to."""
    done = handling(splits, mirrors=recipe.train.mirror is True)
    return [*(change.sentence for change in done), *remarks(recipe, splits)]
