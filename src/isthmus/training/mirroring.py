"""Whether training shows images mirrored, decided before the first step."""

from __future__ import annotations

from typing import Literal

from isthmus.data.splits import Splits
from isthmus.evaluation.baselines.mirroring import mirroring
from isthmus.run_files.environment import Mirror


def choose_mirror(asked: bool | Literal["auto"], splits: Splits) -> Mirror:
    """`train.mirror` as it is for these images; a function of both alone.

    "auto" mirrors where PCA that was fitted on mirrored images too explains validation images no worse.
    """
    if asked != "auto":
        return Mirror(mirrors=asked, sentence="")
    found = mirroring(splits.train.images, splits.validation.images)
    seen = f"with mirrored images PCA's error of images held out is {found.ratio:.2f} times as large"
    if found.harmless:
        sentence = f"Half of the training images are shown with left and right exchanged: {seen}."
        return Mirror(mirrors=True, sentence=sentence)
    sentence = f"Training images are not mirrored, as they have a left and a right: {seen}."
    return Mirror(mirrors=False, sentence=sentence)
