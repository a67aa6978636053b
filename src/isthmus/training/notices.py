"""Sentences for the user before the first step: what was done to the images, and how long training is."""

from __future__ import annotations

from isthmus.core.image_changes import Change
from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.training_length import budget


def handling(splits: Splits, *, mirrors: bool) -> tuple[Change, ...]:
    """What was done to the data set's images while reading, and in training if that `mirrors` half of them."""
    if not mirrors:
        return splits.handling
    images = len(splits.train)
    mirrored = Change(
        what="mirrored",
        images=images,
        of=images,
        sentence="Training shows half of the images mirrored, a different half in every epoch; "
        "train.mirror=false turns this off.",
    )
    return (*splits.handling, mirrored)


def remarks(recipe: Recipe, splits: Splits) -> list[str]:
    """Notices about the images, and about changes of the training length because of their number."""
    return [*splits.notices, *budget(recipe, len(splits.train)).notices]


def sentences(recipe: Recipe, splits: Splits) -> list[str]:
    """All sentences before a run, the most general first; the run itself reports the result of `train.mirror=auto`."""
    done = handling(splits, mirrors=recipe.train.mirror is True)
    return [*(change.sentence for change in done), *remarks(recipe, splits)]
