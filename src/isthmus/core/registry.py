"""Finds and builds parts: one class per file, whose keyword-only arguments are its options.

To add a part, add one file to its sort's folder, or an entry point to another package. Nothing is registered by hand.
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
import tomli_w

import isthmus
from isthmus.core import part_packages
from isthmus.core.bounded_reading import parse_toml
from isthmus.core.errors import InputError
from isthmus.core.foreign_data import ForeignDataSource
from isthmus.core.part_packages import ForeignPart, Package, fault_of, foreign_parts
from isthmus.core.sorts import SORTS
from isthmus.core.wording import shown

# pydantic adds the member of a union that did not match to the path; for the user it is one option
_UNION_TAG = re.compile(r"(str|int|float|bool|list|dict)(\[.*\])?")
M = TypeVar("M", bound=pydantic.BaseModel)


def kinds(sort: str) -> tuple[str, ...]:
    """Names of the parts of a sort, in alphabetical order, without importing any of them."""
    return tuple(sorted(_homes(sort)))


@cache
def find(sort: str, kind: str) -> type[Any]:
    """The class of one part.

    Raises InputError if there is no such part (naming the nearest), if two packages have one of that name, or if
    another package's part cannot be used.
    """
    homes = _homes(sort).get(kind)
    if not homes:
        raise InputError(
            f"{SORTS[sort].path}: no {SORTS[sort].table} is called {kind!r}{suggest(kind, kinds(sort))}; "
            f"`isthmus list {sort}` shows all"
        )
    if len(homes) > 1:
        owners = [f"isthmus {isthmus.__version__}" if home is None else str(home.package) for home in homes]
        others = dict.fromkeys(home.package.name for home in homes if home is not None)
        raise InputError(
            f"{SORTS[sort].path}: {kind!r} exists more than once, in {' and in '.join(owners)}; "
            f"uninstall one of them: `pip uninstall {'` or `pip uninstall '.join(others)}`"
        )
    home = next(iter(homes))
    return _own(sort, kind) if home is None else home.load(lambda part: fault_of_options(sort, part))


def foreign(sort: str, kind: str) -> ForeignPart | None:
    """The other package's part that `find` returns the class of; None for isthmus's own part."""
    homes = _homes(sort).get(kind, ())
    return homes[0] if len(homes) == 1 else None


def packages(sort: str, kind: str) -> tuple[Package, ...]:
    """The other packages with a part of this kind: none for isthmus's own part; more than one if it is ambiguous."""
    return tuple(home.package for home in _homes(sort).get(kind, ()) if home is not None)


def usable(sort: str) -> tuple[str, ...]:
    """The kinds of a sort that can be built.

    Raises InputError if another package uses the name of one of isthmus's own parts.
    """
    return tuple(kind for kind in kinds(sort) if _problem(sort, kind) is None)


def problems(sort: str) -> tuple[str, ...]:
    """A sentence for each part of another package that cannot be built. Raises like `usable`."""
    found = (_problem(sort, kind) for kind in kinds(sort))
    return tuple(sentence for sentence in found if sentence is not None)


def _problem(sort: str, kind: str) -> str | None:
    try:
        find(sort, kind)
    except InputError as error:
        if None in _homes(sort)[kind]:
            raise
        return str(error)
    return None


def refresh() -> None:
    """Look for parts again, for example after a file or a package was added."""
    for cached in (find, _homes):
        cached.cache_clear()
    part_packages.refresh()


@cache
def _homes(sort: str) -> Mapping[str, tuple[ForeignPart | None, ...]]:
    """Where each kind comes from: None for a module of isthmus, else another package's part."""
    modules = pkgutil.iter_modules(importlib.import_module(SORTS[sort].package).__path__)
    homes: dict[str, tuple[ForeignPart | None, ...]] = {
        module.name: (None,) for module in modules if not module.name.startswith("_")
    }
    for part in foreign_parts(sort):
        homes[part.kind] = (*homes.get(part.kind, ()), part)
    return homes


def _own(sort: str, kind: str) -> type[Any]:
    module = importlib.import_module(f"{SORTS[sort].package}.{kind}")
    public = [
        value
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ]
    fault = fault_of(sort, public[0]) if len(public) == 1 else f"has {len(public)} public classes and needs one"
    if fault is not None:
        raise InputError(f"{SORTS[sort].path}: {kind!r} in {module.__file__} {fault}; correct or remove that file")
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
    table = SORTS[sort].table
    known = options(part)
    for name in given:
        if name not in known:
            raise InputError(
                f"{table}.{name}: unknown for {kind!r}{suggest(name, known)}; "
                f"it takes {', '.join(known) or 'no options'}"
            )
    values = validate(_model(part), given, table)
    return {name: getattr(values, name) for name in known}


def fault_of_options(sort: str, part: type[Any]) -> str | None:
    """Why the options of a part of this sort cannot be chosen and recorded, as the end of a sentence; None if they can.

    Raises whatever reading the options of a class of another package raises.
    """
    _model(part)
    for name, option in options(part).items():
        missing = option.default is inspect.Parameter.empty
        if not SORTS[sort].in_recipe:
            if missing:
                return f"has the option {name} without a default, and a {SORTS[sort].table} is built without options"
        elif name == "kind":
            return "has an option named kind, which in a recipe is the name of the part itself"
        elif not missing and not _is_read_back(name, option):
            return f"has {shown(option.default)} as the default of {name}, which cannot be read back from a recipe file"
    return None


def _is_read_back(name: str, option: inspect.Parameter) -> bool:
    """Whether an option's default, written to recipe.toml and read again, is a value that the option takes."""
    if option.default is None:  # not written, and filled in again
        return True
    try:
        written = tomli_w.dumps({name: option.default})
        _checked_fields("Default", {name: (option.annotation, ...)}).model_validate(parse_toml(written))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return False
    return True


def build(sort: str, kind: str, given: Mapping[str, Any], *facts: Any) -> Any:
    """Build a part from checked options; `facts` are its positional arguments, such as a shape.

    Raises InputError where the part refuses its options with a ValueError, and with the package's name for whatever
    another package's part raises. Of a data set of another package, only `load` is returned, checked likewise.
    """
    chosen, part, other = check(sort, kind, given), find(sort, kind), foreign(sort, kind)
    if other is not None:
        return _built(other, part, chosen, *facts)
    try:
        return part(*facts, **chosen)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{SORTS[sort].table}: {error}") from error


def _built(other: ForeignPart, part: type[Any], chosen: Mapping[str, Any], *facts: Any) -> Any:
    with other.used("cannot be built"):
        try:
            built = part(*facts, **chosen)
        except InputError:
            raise
        except ValueError as error:  # as any part refuses options
            raise InputError(
                f"{SORTS[other.sort].table}: {error}; "
                f"choose other options for {other.kind!r} of the package {other.package}"
            ) from error
    return ForeignDataSource(other, built) if other.sort == "datasets" else built


def validate(model: type[M], given: Mapping[str, Any], table: str) -> M:
    """`given` as a checked `model`; errors name `table` and the field."""
    try:
        return model.model_validate(dict(given))
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(step) for step in (table, *first["loc"]) if step and not _UNION_TAG.fullmatch(str(step)))
        if first["type"] == "extra_forbidden":
            hint = suggest(str(first["loc"][-1]), model.model_fields)
            fits = ", ".join(model.model_fields)
            raise InputError(f"{path}: unknown option{hint}; {table or 'this'} takes {fits}") from None
        if first["type"] == "missing":
            raise InputError(f"{path}: needs a value") from None
        message = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
        raise InputError(f"{path}: {shown(first['input'])} does not fit: {message}") from None


@cache
def _model(part: type[Any]) -> type[pydantic.BaseModel]:
    fields = {
        name: (p.annotation, ... if p.default is inspect.Parameter.empty else p.default)
        for name, p in options(part).items()
    }
    return _checked_fields(part.__name__, fields)


def _checked_fields(name: str, fields: dict[str, Any]) -> type[pydantic.BaseModel]:
    strict = pydantic.ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
    return pydantic.create_model(name, __config__=strict, **fields)


def suggest(name: str, known: typing.Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
