"""The tables of a study file, as one writes them: their keys, types, bounds and what each means."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from isthmus.core import registry
from isthmus.core.errors import Faults
from isthmus.core.wording import shown

MOST_VARIATIONS = 1000
MOST_SEEDS = 1000  # more is a typing error, which would fill the memory
M = TypeVar("M", bound=BaseModel)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class VariationTable(_Table):
    """One row of the study: the base with some changes."""

    name: Annotated[str, Field(description="of the row, its folder, and `compare`: letters, digits, dots, hyphens, _")]
    about: Annotated[str, Field(description="one sentence for the page")] = ""
    note: Annotated[
        str | None, Field(description="a sentence beside its numbers, such as what makes a comparison unfair")
    ] = None
    changes: Annotated[dict[str, Any], Field(description='what differs from the base: "bottleneck.dim" = 16')] = {}
    compare: Annotated[
        str | list[str], Field(description="the rows that it is compared with; by default the study's `compare`")
    ] = []


class BudgetTable(_Table):
    """How long all runs together may take."""

    seconds: Annotated[
        Annotated[float, Field(gt=0, allow_inf_nan=False)] | None,
        Field(description="of training and evaluating all runs; a slower machine shortens all by the same share"),
    ] = None


class StudyTable(_Table):
    """A study: a base recipe, and the rows that differ from it."""

    format: Annotated[int, Field(description="of the file; 1")] = 1
    name: Annotated[str | None, Field(description="of the study and its folder; by default the file's name")] = None
    about: Annotated[str, Field(description="one sentence for the page")] = ""
    seeds: Annotated[
        int | list[Annotated[int, Field(ge=0)]],
        Field(description="how many times each row is trained, or the list of its seeds"),
    ] = 1
    compare: Annotated[
        str | list[str], Field(description="the row that every other row is compared with, unless it says otherwise")
    ] = []
    limit: Annotated[
        Annotated[int, Field(ge=1, le=MOST_VARIATIONS)] | None,
        Field(description="train at most this many combinations of [grid], drawn at random, always the same ones"),
    ] = None
    budget: BudgetTable = BudgetTable()
    base: Annotated[dict[str, Any], Field(description="a recipe, which every row begins with")]
    grid: Annotated[dict[str, Any], Field(description="options with lists of values; a row for each combination")] = {}
    variation: Annotated[list[dict[str, Any]], Field(description="rows of their own")] = []


def seeds_of(given: int | list[int]) -> tuple[int, ...]:
    """The seeds of a study. Raises InputError where there are none, too many, or one twice."""
    faults = Faults()
    seeds = tuple(range(min(given, MOST_SEEDS + 1))) if isinstance(given, int) else tuple(given)
    if len(seeds) > MOST_SEEDS:
        faults.add(f"seeds: {shown(given)} does not fit: a study trains each variation at most {MOST_SEEDS} times")
    elif not seeds or len(set(seeds)) != len(seeds):
        faults.add(f"seeds: {shown(given)} does not fit: give a count of 1 or more, or a list of different seeds")
    faults.check()
    return seeds


def read_study(raw: dict[str, Any], faults: Faults) -> tuple[StudyTable, list[VariationTable | None]]:
    """The study's tables, without the keys that have faults, which are added to `faults`.

    None for a row that cannot be named.
    """
    table = _without_faults(StudyTable, {"base": {}, **raw}, "", faults)
    assert table is not None, "only its base is needed"
    given = raw.get("variation", [])
    rows = given if isinstance(given, list) else []
    return table, [
        _without_faults(VariationTable, row, f"variation.{number}", faults) if isinstance(row, dict) else None
        for number, row in enumerate(rows, 1)
    ]


def _without_faults(model: type[M], given: dict[str, Any], path: str, faults: Faults) -> M | None:
    """`given` without the keys that have faults; None where it then lacks one that is needed."""
    with faults.caught():
        return registry.validate(model, given, path)
    try:
        model.model_validate(given)
    except ValidationError as error:
        wrong = {one["loc"][0] for one in error.errors()}
        given = {key: value for key, value in given.items() if key not in wrong}
    if "base" in model.model_fields:
        given = {"base": {}, **given}
    needed = {name for name, field in model.model_fields.items() if field.is_required()}
    return model.model_validate(given) if needed <= given.keys() else None
