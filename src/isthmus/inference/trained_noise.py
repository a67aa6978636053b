"""The noise that a model was trained for, beside the noise that a picture has."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.core.wording import LEVELS_OF_NOISE, counted, in_levels
from isthmus.models.autoencoder import Autoencoder

_CLOSE = 0.01  # [-1, 1] scale, 1.3 of 255 levels: what estimates are off by; an estimate this far outside is inside


@dataclass(frozen=True)
class TrainedNoise:
    """Standard deviations on the [-1, 1] scale that a model learned to remove; `range` is None if it learned none."""

    kind: str
    range: tuple[float, float] | None

    @classmethod
    def of(cls, model: Autoencoder, kind: str) -> TrainedNoise:
        """kind: of the recipe's corruption."""
        return cls(kind, model.corruption.noise_range)

    @property
    def sentence(self) -> str:
        """What it was trained for; where that is no Gaussian noise, what to train instead."""
        if self.range is not None:
            return f"The model was trained for noise of {_span(*self.range)}."
        trained = "without noise" if self.kind == "none" else f"with corruption.kind={self.kind}, not Gaussian noise"
        return (
            f"The model was trained {trained}, so it has not learned to remove any; `isthmus train denoiser "
            "data.path=FOLDER` trains one that has."
        )

    def judged(self, names: Sequence[str], stds: Sequence[float | None]) -> list[str]:
        """Sentences on the noise estimated in pictures, what the model was trained for, and whether the two agree.

        stds: of each picture, [-1, 1] scale; None where it could not be estimated.
        """
        found = sorted(std for std in stds if std is not None)
        said: list[str] = []
        if len(names) == 1 and found:
            said.append(f"{names[0]}: noise of about {in_levels(found[0])} (estimated).")
        elif found:
            middle = in_levels(statistics.median(found))
            said.append(
                f"Noise of {counted(len(found), 'picture')}: {_span(found[0], found[-1])}, median {middle} (estimated)."
            )
        if small := len(names) - len(found):
            said.append(f"{counted(small, 'picture')} with a side below 8 pixels: too small to estimate the noise.")
        trained = [] if self.range is None else [self.sentence]
        return [*said, *trained, *self.warnings(names, stds)]

    def warnings(self, names: Sequence[str], stds: Sequence[float | None]) -> list[str]:
        """Sentences where the model was not trained for the noise of these pictures."""
        if self.range is None:
            return [self.sentence]
        low, high = self.range
        known = [(name, std) for name, std in zip(names, stds, strict=True) if std is not None]
        said: list[str] = []
        for wrong, what, so in (
            ([name for name, std in known if std > high + _CLOSE], "more", "some of it will stay"),
            ([name for name, std in known if std < low - _CLOSE], "less", "fine detail may be lost"),
        ):
            if wrong:
                whose = "has" if len(wrong) == 1 else f"and {counted(len(wrong) - 1, 'other')} have"
                said.append(f"{wrong[0]} {whose} {what} noise than the model was trained for: {so}.")
        return said


def _span(low: float, high: float) -> str:
    """`12.8 of 255 levels`, `0 to 51.0 of 255 levels`."""
    first, last = (f"{LEVELS_OF_NOISE * std:.1f}" for std in (low, high))
    return in_levels(high) if first == last else f"{first} to {in_levels(high)}"
