"""budget.json: how much of its plan a study with a budget of seconds trains on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from isthmus.run_files.record import FileRecord, Record, Size, Unit

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Share(Record):
    """What one variation trains."""

    steps: Size
    """Steps that each of its runs trains."""
    planned: Size
    """Steps that the study file asks for."""
    batch: Size
    """Images per step."""
    images_per_second: Annotated[_Positive, Unit("1/s")]
    """Measured training speed."""


class Decision(FileRecord):
    """budget.json: how much of a plan this machine trains in a budget of seconds."""

    seconds: Annotated[_Positive, Unit("s")]
    """The budget."""
    expected: Annotated[_Positive, Unit("s")]
    """How long the whole plan would have taken, evaluation included."""
    share: Annotated[float, Field(gt=0, le=1)]
    """Share of each run's steps that is trained."""
    variations: dict[str, Share]
    """variation -> what it trains."""

    @property
    def sentence(self) -> str | None:
        """A sentence about the shortened training for the reader; None if everything is trained as planned."""
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
