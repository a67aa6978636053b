"""The sorts of part, in the order in which an image meets them. This is the one list of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Sort:
    """One sort of part.

    package: the package of isthmus whose modules are this sort's parts; further parts come from the entry points of
        other packages, in the group `isthmus.SORT`.
    interface: "module:Class" of the abstract class that all its parts derive from.
    table: the name of one such part in recipes and messages.
    in_recipe: whether a recipe chooses it.
    default: the kind used if a recipe does not name one; None if a recipe must name it.
    fault: "module:function", which says of a part's kind and class why its attributes do not fit, as the end of a
        sentence, or None; empty where attributes are not looked at before the part is used.
    """

    package: str
    interface: str
    table: str
    in_recipe: bool = True
    default: str | None = None
    fault: str = ""

    @property
    def path(self) -> str:
        """Where a user chooses the kind: `bottleneck.kind`, or only a name for a sort that is not in a recipe."""
        return f"{self.table}.kind" if self.in_recipe else self.table


SORTS: Mapping[str, Sort] = {
    "datasets": Sort("isthmus.data.datasets", "isthmus.data.interfaces:DataSource", "data"),
    "corruptions": Sort(
        "isthmus.models.corruptions", "isthmus.models.interfaces:Corruption", "corruption", default="none"
    ),
    "architectures": Sort("isthmus.models.architectures", "isthmus.models.interfaces:Architecture", "architecture"),
    "bottlenecks": Sort("isthmus.models.bottlenecks", "isthmus.models.interfaces:Bottleneck", "bottleneck"),
    "priors": Sort("isthmus.models.priors", "isthmus.models.interfaces:Prior", "prior", default="standard"),
    "objectives": Sort(
        "isthmus.models.objectives", "isthmus.models.interfaces:Objective", "objective", default="weighted"
    ),
    "distortions": Sort(
        "isthmus.models.distortions", "isthmus.models.interfaces:Distortion", "distortion", default="mse"
    ),
    "regularizers": Sort(
        "isthmus.models.regularizers", "isthmus.models.interfaces:Regularizer", "regularizer", default="none"
    ),
    "samplers": Sort("isthmus.models.samplers", "isthmus.models.interfaces:Sampler", "sampler", in_recipe=False),
    "measures": Sort(
        "isthmus.evaluation.measures",
        "isthmus.evaluation.interfaces:Measure",
        "measure",
        in_recipe=False,
        fault="isthmus.evaluation.attributes:fault_of_measure",
    ),
    "checks": Sort(
        "isthmus.evaluation.doctor.checks",
        "isthmus.evaluation.interfaces:Check",
        "check",
        in_recipe=False,
        fault="isthmus.evaluation.attributes:fault_of_check",
    ),
}

PART_TABLES: Mapping[str, str] = {sort.table: name for name, sort in SORTS.items() if sort.in_recipe}
"""The tables of a recipe that choose a part, and the sort of each."""
