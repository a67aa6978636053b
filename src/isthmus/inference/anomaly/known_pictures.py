"""Which pictures a run has seen in training, found by content: their errors are lower than those of new pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.wording import counted
from isthmus.data.content_hashes import as_keys, content_hashes, hashes_of
from isthmus.data.picture_files import some
from isthmus.data.splits import Splits
from isthmus.runs.load import load_run_data


@dataclass(frozen=True)
class KnownPictures:
    """Keys of content hashes: of the training images, and of the validation images, which chose the weights.

    mirrored: whether training also showed mirrored pictures, so that the mirror image of one is known as well.
    """

    training: np.ndarray
    validation: np.ndarray
    mirrored: bool

    def which(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """pixels (B, C, H, W) -> which were trained on, and which others chose the weights, (B,) bool each."""
        keys = as_keys(content_hashes(pixels))
        trained = np.isin(keys, self.training)
        if self.mirrored:
            trained |= np.isin(as_keys(content_hashes(pixels[..., ::-1])), self.training)
        return trained, np.isin(keys, self.validation) & ~trained


def known_pictures(splits: Splits, *, mirrored: bool) -> KnownPictures:
    """The pictures that took part in a training on `splits`."""
    return KnownPictures(as_keys(hashes_of(splits.train)), as_keys(hashes_of(splits.validation)), mirrored)


def training_images(run: Path, why: str) -> Splits:
    """The images of a run. Raises InputError where they are not here or have changed; it says why they are needed."""
    try:
        return load_run_data(run)
    except InputError as error:
        raise InputError(f"{error} ({why})") from None


def refusal(run: Path, read: int, trained: list[str], chose: list[str]) -> InputError:
    """What to say of calibration pictures, of `read` in all, by name: `trained` on, or that `chose` the weights."""
    said = [
        f"{len(names):,} of {counted(read, 'calibration picture')} {what} ({some(names)})"
        for names, what in ((trained, "were trained on"), (chose, "were used to choose the weights"))
        if names
    ]
    return InputError(
        f"{run}: {' and '.join(said)}; errors on such pictures are too low to promise a false-alarm rate: calibrate on "
        "normal pictures that the training never saw"
    )
