"""Decides, before the first step, whether training shows mirrored images."""

from __future__ import annotations

from typing import Literal

from isthmus.data.splits import Splits
from isthmus.evaluation.baselines.mirroring import mirroring
from isthmus.run_files.environment import Mirror


def choose_mirror(asked: bool | Literal["auto"], splits: Splits) -> Mirror:
    """`train.mirror` as it is for these images; a function of both alone.

    "auto" mirrors if PCA that was also fitted on mirrored images is no worse on validation images.
    """
    if asked != "auto":
        return Mirror(mirrors=asked, sentence="")
    found = mirroring(splits.train.images, splits.validation.images)
    seen = f"with mirrored images, PCA's error on held-out images is {found.ratio:.2f} times as large"
    if found.harmless:
        sentence = f"Half of the training images are mirrored: {seen}."
        return Mirror(mirrors=True, sentence=sentence)
    sentence = f"Training images are not mirrored, because left and right differ in them: {seen}."
    return Mirror(mirrors=False, sentence=sentence)
