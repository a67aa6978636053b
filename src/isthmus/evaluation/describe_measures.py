"""What each measure is: from its class, or from the file that holds its scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from isthmus.core import registry
from isthmus.run_files.scores import HEADLINE, MeasureRecord


def known_measures() -> dict[str, MeasureRecord]:
    """Every measure of the registry, in the order of tables."""
    return in_order({kind: _described(kind) for kind in registry.kinds("measures")})


def measures_in(names: Iterable[str], told: Mapping[str, MeasureRecord]) -> dict[str, MeasureRecord]:
    """The measures `names` of a file that describes them by `told`, in the order of tables.

    A file of an older version describes none: the registry does then, and of what that does not know, the name alone
    is known.
    """
    known = registry.kinds("measures")
    return in_order(
        {
            name: told.get(name) or (_described(name) if name in known else MeasureRecord(name=name.upper()))
            for name in names
        }
    )


def in_order(measures: Mapping[str, MeasureRecord]) -> dict[str, MeasureRecord]:
    """PSNR first, then those of which a higher score is better, then errors; each by name."""

    def place(name: str) -> tuple[bool, bool, str]:
        return name != HEADLINE, not measures[name].higher_is_better, name

    return {name: measures[name] for name in sorted(measures, key=place)}


def _described(kind: str) -> MeasureRecord:
    measure = registry.find("measures", kind)
    return MeasureRecord(
        name=measure.name,
        unit=measure.unit,
        higher_is_better=measure.higher_is_better,
        decimals=measure.decimals,
        about=measure.about,
        least=_bound(measure.least),
        most=_bound(measure.most),
        undefined=measure.undefined,
    )


def _bound(value: float) -> float | None:
    return value if math.isfinite(value) else None
