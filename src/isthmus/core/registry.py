"""Finds and builds parts: one class a file, its keyword-only arguments are its options.

Adding a part is adding one file to its sort's folder; nothing is registered by hand.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
import re
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import pydantic

from isthmus.core.errors import InputError
from isthmus.core.wording import shown

# pydantic names the member of a union that did not fit; to the user it is one option
_UNION_TAG = re.compile(r"(str|int|float|bool|list|dict)(\[.*\])?")
M = TypeVar("M", bound=pydantic.BaseModel)

SORTS: Mapping[str, str] = {
    "architectures": "isthmus.models.architectures",
    "bottlenecks": "isthmus.models.bottlenecks",
    "priors": "isthmus.models.priors",
    "corruptions": "isthmus.models.corruptions",
    "objectives": "isthmus.models.objectives",
    "distortions": "isthmus.models.distortions",
    "regularizers": "isthmus.models.regularizers",
    "samplers": "isthmus.models.samplers",
    "checks": "isthmus.evaluation.doctor.checks",
    "datasets": "isthmus.data.datasets",
    "measures": "isthmus.evaluation.measures",
}
"""Every sort of part, and the package whose modules are its parts."""


@cache
def kinds(sort: str) -> tuple[str, ...]:
    """Names of the parts of a sort, in alphabetical order, without importing any of them."""
    package = importlib.import_module(SORTS[sort])
    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    return tuple(sorted(name for name in names if not name.startswith("_")))


@cache
def find(sort: str, kind: str) -> type[Any]:
    """The class of one part.

    Raises InputError where there is no such part, naming the nearest.
    """
    if kind not in kinds(sort):
        raise InputError(
            f"{_table(sort)}.kind: no {_table(sort)} is called {kind!r}"
            f"{suggest(kind, kinds(sort))}; `isthmus list {sort}` shows all"
        )
    module = importlib.import_module(f"{SORTS[sort]}.{kind}")
    public = [
        value
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ]
    if len(public) != 1:
        raise TypeError(f"{module.__name__} must define exactly one public class, it has {len(public)}")
    return public[0]


def summary(part: type[Any]) -> str:
    """The first line of a part's docstring."""
    return (inspect.getdoc(part) or "").partition("\n")[0]


@cache
def options(part: type[Any]) -> Mapping[str, inspect.Parameter]:
    """A part's options: the keyword-only arguments of its `__init__`, annotations resolved."""
    hints = typing.get_type_hints(part.__init__, include_extras=True)
    return {
        name: parameter.replace(annotation=hints.get(name, Any))
        for name, parameter in inspect.signature(part).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def check(sort: str, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a part with defaults filled in, checked against its signature.

    Raises InputError with the dotted path, the value and a suggestion.
    """
    part = find(sort, kind)
    table = _table(sort)
    known = options(part)
    for name in given:
        if name not in known:
            raise InputError(
                f"{table}.{name}: unknown for {kind!r}{suggest(name, known)}; "
                f"it takes {', '.join(known) or 'no options'}"
            )
    values = validate(_model(part), given, table)
    return {name: getattr(values, name) for name in known}


def build(sort: str, kind: str, given: Mapping[str, Any], *facts: Any) -> Any:
    """Build a part from checked options; `facts` are its positional arguments, such as a shape."""
    chosen = check(sort, kind, given)
    try:
        return find(sort, kind)(*facts, **chosen)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{_table(sort)}: {error}") from error


def validate(model: type[M], given: Mapping[str, Any], table: str) -> M:
    """`given` as a checked `model`; errors name `table` and the field."""
    try:
        return model.model_validate(dict(given))
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(step) for step in (table, *first["loc"]) if step and not _UNION_TAG.fullmatch(str(step)))
        if first["type"] == "extra_forbidden":
            hint = suggest(str(first["loc"][-1]), model.model_fields)
            raise InputError(f"{path}: unknown option{hint}") from None
        if first["type"] == "missing":
            raise InputError(f"{path}: needs a value") from None
        message = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
        raise InputError(f"{path}: {shown(first['input'])} does not fit: {message}") from None


@cache
def _model(part: type[Any]) -> type[pydantic.BaseModel]:
    fields: dict[str, Any] = {
        name: (p.annotation, ... if p.default is inspect.Parameter.empty else p.default)
        for name, p in options(part).items()
    }
    strict = pydantic.ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
    return pydantic.create_model(part.__name__, __config__=strict, **fields)


def _table(sort: str) -> str:
    """The recipe's table for a sort: `architectures` -> `architecture`, `datasets` -> `data`."""
    return "data" if sort == "datasets" else sort.removesuffix("s")


def suggest(name: str, known: typing.Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
