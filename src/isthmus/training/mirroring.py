"""Whether training shows images mirrored, decided before the first step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isthmus.data.splits import Splits
from isthmus.evaluation.baselines.mirroring import mirroring


@dataclass(frozen=True)
class Choice:
    """What was decided, and a sentence for the user: empty where the recipe says which (see `announce`)."""

    mirrors: bool
    sentence: str


def choose_mirror(asked: bool | Literal["auto"], splits: Splits) -> Choice:
    """`train.mirror` as it is for these images; a function of both alone.

    "auto" mirrors where PCA that was fitted on mirrored images too explains validation images no worse.
    """
    if asked != "auto":
        return Choice(asked, "")
    found = mirroring(splits.train.images, splits.validation.images)
    seen = f"with mirrored images PCA's error of images held out is {found.ratio:.2f} times as large"
    if found.harmless:
        return Choice(True, f"Half of the training images are shown with left and right exchanged: {seen}.")
    return Choice(False, f"Training images are not mirrored, as they have a left and a right: {seen}.")
