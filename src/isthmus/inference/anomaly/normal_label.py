"""Which pictures of a labelled source are the normal ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.wording import shown
from isthmus.data.picture_files import some

Label = str | int | None


class NormalLabel:
    """Counts the labels of a source, and picks the pictures that have the one called `normal`; None picks all.

    A label that is a whole number is compared as it is written: `3`.
    """

    def __init__(self, normal: str | None) -> None:
        self.normal = normal
        self.counts: Counter[str] = Counter()
        self.unlabelled = 0

    def rows(self, labels: Sequence[Label]) -> np.ndarray:
        """The places of a block's normal pictures, ascending."""
        self.counts.update(str(label) for label in labels if label is not None)
        self.unlabelled += sum(label is None for label in labels)
        return np.array(
            [row for row, label in enumerate(labels) if self.normal is None or str(label) == self.normal], np.int64
        )

    def check(self, found: int) -> None:
        """Raise InputError where none of the pictures read was normal."""
        if found or self.normal is None:
            return
        way_out = "the pictures have no labels: leave --normal out"
        if self.counts:
            way_out = f"their labels are {some(sorted(self.counts))}: name one of them with --normal"
        raise InputError(f"normal: no picture is labelled {shown(self.normal)}; {way_out}")

    def notices(self, otherwise: str) -> list[str]:
        """A sentence where a source has several labels and none was said to be the normal one.

        otherwise: what is done then.
        """
        if self.normal is not None or len(self.counts) < 2:
            return []
        found = ", ".join(f"{count:,} {name}" for name, count in self.counts.most_common(5))
        more = f" and {len(self.counts) - 5} more" if len(self.counts) > 5 else ""
        return [
            f"The pictures have {len(self.counts)} labels ({found}{more}); {otherwise}. Name the normal "
            "ones with --normal."
        ]
