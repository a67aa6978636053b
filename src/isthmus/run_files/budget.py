"""budget.json: what a study with a budget of seconds decided to train on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from isthmus.run_files.record import Record, Size

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Share(Record):
    """What one variation trains: `steps` of the `planned` ones, and the images a second that were measured."""

    steps: Size
    planned: Size
    batch: Size
    images_per_second: _Positive


class Decision(Record):
    """budget.json: how much of a plan this machine trains in `seconds`.

    expected: seconds that the plan would have taken, judging included. share: of each run's steps.
    """

    format: int = 1
    seconds: _Positive
    expected: _Positive
    share: Annotated[float, Field(gt=0, le=1)]
    variations: dict[str, Share]

    @property
    def sentence(self) -> str | None:
        """What a reader has to know; None where all is trained as planned."""
        if self.share == 1.0:
            return None
        speeds = [share.images_per_second for share in self.variations.values()]
        seen = [share.steps * share.batch for share in self.variations.values()]
        planned = [share.planned * share.batch for share in self.variations.values()]
        return (
            f"This machine trained {_span(speeds)} images/s and would have taken {_duration(self.expected)}; to end in "
            f"about {_duration(self.seconds)} (budget.seconds) each network saw {_span(seen)} images in training "
            f"instead of {_span(planned)}, so its scores are lower than they could be."
        )


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):,.0f}", f"{max(values):,.0f}"
    return low if low == high else f"{low} to {high}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
