"""What measures of reconstructions and the doctor's checks must have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from isthmus.evaluation.doctor.diagnosis import Fault, State
    from isthmus.evaluation.doctor.measurements import Measurements


class Measure(ABC):
    """One score per image, from pixels of 8 or 16 bits. Built without options."""

    name: str
    """The name in tables and pages: "PSNR"."""
    unit: str
    """The unit, such as "dB", or what a score of 1 means; tables show it beside the name."""
    decimals: int
    """How many decimals tables show."""
    about: str
    """One sentence on what it measures, for the reader of a table."""
    higher_is_better: bool
    least: float
    """The lowest possible score; intervals end there."""
    most: float
    """The highest possible score; intervals end there."""
    undefined: str | None = None
    """Why a score can be NaN, for the reader of a table; None if it never is."""

    @abstractmethod
    def __call__(self, output: Tensor, original: Tensor) -> Tensor:
        """output, original (B, C, H, W) uint8 or uint16 -> (B,) float64.

        C, H and W are any. Scores do not depend on the depth: the highest level, 255 or 65,535, stands for 1.
        Raises TypeError for pixels of another type, ValueError for shapes that do not match.
        """


class Check(ABC):
    """Looks for one fault in a run's measurements. Built without options."""

    states: tuple[State, ...]
    """How far a run must have progressed before the check is meaningful."""

    @abstractmethod
    def look(self, measured: Measurements) -> Fault | None:
        """The fault, with all remedies that help; None if there is no fault.

        Remedies may include some that do not fit the recipe: `isthmus.evaluation.doctor.remedies` leaves them out.
        """
