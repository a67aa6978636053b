"""The noise that a model was trained for, beside the noise that a picture has."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.core.wording import counted
from isthmus.data.picture_files import some
from isthmus.models.autoencoder import Autoencoder

_CLOSE = 0.01  # [-1, 1] scale, 1.3 of 255 levels: what estimates are off by; an estimate this far outside is inside
_LEVELS = 127.5  # of 255, where the scale is 2 wide


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
        """Sentences on the noise estimated in pictures, and on those that have another than the model knows."""
        known = [(name, std) for name, std in zip(names, stds, strict=True) if std is not None]
        said = [self.sentence]
        if small := len(names) - len(known):
            said.append(f"{counted(small, 'picture')} of less than 8 pixels: too small to estimate the noise.")
        if not known:
            return said
        found = sorted(std for _, std in known)
        if len(known) == 1:
            said.insert(0, f"{known[0][0]}: noise of about {in_levels(found[0])} (estimated).")
        else:
            middle = in_levels(statistics.median(found))
            said.insert(
                0, f"Noise of {len(known):,} pictures: {_span(found[0], found[-1])}, median {middle} (estimated)."
            )
        if self.range is not None:
            low, high = self.range
            for where, what, advice in (
                ([name for name, std in known if std > high + _CLOSE], "more", "some of it will stay"),
                ([name for name, std in known if std < low - _CLOSE], "less", "fine detail may be lost"),
            ):
                if where:
                    whose = "It has" if len(names) == 1 else f"{counted(len(where), 'picture')} with"
                    named = "" if len(names) == 1 else f" ({some(where)})"
                    said.append(f"{whose} {what} noise than the model was trained for: {advice}{named}.")
        return said


def in_levels(std: float) -> str:
    """A standard deviation on the [-1, 1] scale in words: `12.8 of 255 levels`."""
    return f"{_LEVELS * std:.1f} of 255 levels"


def _span(low: float, high: float) -> str:
    """`12.8 of 255 levels`, `0 to 51.0 of 255 levels`."""
    first, last = (f"{_LEVELS * std:.1f}" for std in (low, high))
    return in_levels(high) if first == last else f"{first} to {in_levels(high)}"
