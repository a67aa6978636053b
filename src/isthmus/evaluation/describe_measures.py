"""Descriptions of measures, from their classes or from the file that holds their scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from isthmus.core import registry
from isthmus.evaluation.interfaces import Measure
from isthmus.run_files.scores import HEADLINE, MeasureRecord


def known_measures(depth: int = 8) -> dict[str, MeasureRecord]:
    """Every measure of the registry, in the order of tables, described for pixels of `depth` bits."""
    found = {kind: describe(registry.find("measures", kind)) for kind in registry.usable("measures")}
    if depth != 8:
        found = {
            kind: one.model_copy(update={"about": one.about.replace("8-bit", f"{depth}-bit")})
            for kind, one in found.items()
        }
    return in_order(found)


def measures_in(names: Iterable[str], told: Mapping[str, MeasureRecord]) -> dict[str, MeasureRecord]:
    """The measures `names` of a file, described by `told` from the same file, in the order of tables.

    A file of an older version has no descriptions: then they come from the registry. For a measure that the registry
    does not know either, only the name is known.
    """
    known = registry.usable("measures")
    return in_order(
        {
            name: told.get(name)
            or (describe(registry.find("measures", name)) if name in known else MeasureRecord(name=name.upper()))
            for name in names
        }
    )


def in_order(measures: Mapping[str, MeasureRecord]) -> dict[str, MeasureRecord]:
    """PSNR first, then measures whose higher scores are better, then errors; each group sorted by name."""

    def place(name: str) -> tuple[bool, bool, str]:
        return name != HEADLINE, not measures[name].higher_is_better, name

    return {name: measures[name] for name in sorted(measures, key=place)}


def describe(measure: type[Measure]) -> MeasureRecord:
    """The description of a measure from its class. Raises ValueError if an attribute is missing or of another type."""
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
