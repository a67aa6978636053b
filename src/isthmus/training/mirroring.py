"""Decides, before the first step, whether training shows mirrored images."""

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

    "auto" mirrors if PCA that was also fitted on mirrored images is no worse on validation images.
    """
    if asked != "auto":
        return Choice(asked, "")
    found = mirroring(splits.train.images, splits.validation.images)
    seen = f"with mirrored images, PCA's error on held-out images is {found.ratio:.2f} times as large"
    if found.harmless:
        return Choice(True, f"Half of the training images are mirrored: {seen}.")
    return Choice(False, f"Training images are not mirrored, because left and right differ in them: {seen}.")
