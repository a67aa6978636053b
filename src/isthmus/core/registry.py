"""Finds and builds parts: one class per file, whose keyword-only arguments are its options.

To add a part, add one file to its sort's folder, or an entry point to another package. Nothing is registered by hand.
"""

from __future__ import annotations

import copy
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
from pydantic_core import ErrorDetails

import isthmus
from isthmus.core import part_packages, part_sources
from isthmus.core.bounded_reading import parse_toml
from isthmus.core.errors import Faults, InputError
from isthmus.core.foreign_data import ForeignDataSource
from isthmus.core.part_memory import remember_usable, was_usable
from isthmus.core.part_packages import ForeignPart, Package, fault_of, foreign_parts
from isthmus.core.part_sources import PartSource, Unreadable, read_part
from isthmus.core.sorts import SORTS
from isthmus.core.wording import shown

# pydantic adds the member of a union that did not match to the path; for the user it is one option
_UNION_TAG = re.compile(r"(str|int|float|bool|list|dict)(\[.*\])?")
M = TypeVar("M", bound=pydantic.BaseModel)
LISTED = ("train", "split", "model")
"""The tables of a recipe that are no parts; `isthmus list TABLE` explains their options."""
_FEW_NAMES = 8  # of options, that a message can list
_EXACT = 2**53  # above it, not every whole number is a float


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


def described(sort: str, kind: str) -> PartSource:
    """A part's docstring and options, read from its source: nothing is imported that is known to work.

    isthmus's own parts are imported only where their source cannot be read. A part of another package is imported once,
    because only that tells whether it can be used; that it could be is remembered in the cache folder until its
    package or its file changes. Raises InputError as `find`.
    """
    homes = _homes(sort).get(kind, ())
    if len(homes) != 1:
        find(sort, kind)
    home = homes[0]
    own = f"{SORTS[sort].package}.{kind}"
    module, _, name = (own if home is None else home.entry_point.value).partition(":")
    try:
        source = read_part(module, name or None)
        if home is None or was_usable(home):
            return source
    except Unreadable:
        source = None
    part = find(sort, kind)
    imported = PartSource(inspect.getdoc(part) or "", options(part))
    if home is not None and repr(source) == repr(imported):  # pydantic's `Field`s are not equal by value
        remember_usable(home)
    return imported


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
    part_sources.forget()
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
    faults = Faults()
    unknown = [name for name in given if name not in known]
    for name in unknown:
        faults.add(
            f"{table}.{name}: unknown for {kind!r}{suggest(name, known, most=3)}; "
            f"{taken('it', known, f'isthmus list {sort}')}"
        )
    fits = {name: value for name, value in given.items() if name in known}
    missing = [name for name, option in known.items() if option.default is inspect.Parameter.empty and name not in fits]
    if unknown and missing:  # most likely one is meant for the other
        faults.check()
    with faults.caught():
        values = validate(_model(part), fits, table)
        faults.check()
        return {name: getattr(values, name) for name in known}
    faults.check()
    raise AssertionError("unreachable")


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
    """`given` as a checked `model`; where a whole number is asked for, 1e3 is one.

    Raises InputError, or InputErrors with every fault, which name `table` and the field.
    """
    try:
        return model.model_validate(dict(given))
    except pydantic.ValidationError as error:
        found = error
    try:
        return model.model_validate(_with_whole_numbers(given, found))
    except pydantic.ValidationError as error:
        found = error
    faults = Faults()
    seen: set[str] = set()
    for one in found.errors(include_url=False):
        steps = _steps(one)
        if not steps or steps[0] not in seen:  # of an option that may be of several types, each is an error
            seen |= set(steps[:1])
            faults.add(_sentence(one, ".".join([*filter(None, [table]), *steps]), model, table))
    faults.check()
    raise AssertionError("unreachable")


def _steps(error: ErrorDetails) -> list[str]:
    return [str(step) for step in error["loc"] if step != "" and not _UNION_TAG.fullmatch(str(step))]


def _sentence(error: ErrorDetails, path: str, model: type[pydantic.BaseModel], table: str) -> str:
    if error["type"] == "extra_forbidden":
        hint = suggest(str(error["loc"][-1]), model.model_fields, most=3)
        listing = f"isthmus list {table}" if table in LISTED else None
        return f"{path}: unknown option{hint}; {taken(table or 'this', model.model_fields, listing)}"
    if error["type"] == "missing":
        return f"{path}: needs a value"
    message = error["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{path}: {shown(error['input'])} does not fit: {message}"


def _with_whole_numbers(given: Mapping[str, Any], error: pydantic.ValidationError) -> dict[str, Any]:
    """A copy of `given`, in which 1000.0 is 1000 wherever a whole number was asked for."""
    changed: dict[str, Any] = copy.deepcopy(dict(given))
    for one in error.errors(include_url=False):
        if one["type"] not in ("int_type", "literal_error"):
            continue
        place: Any = changed
        for step in one["loc"]:
            try:
                value = place[step]
            except (KeyError, IndexError, TypeError):  # the name of a type in a union
                continue
            if isinstance(value, dict | list):
                place = value
            else:
                place[step] = whole(value)
    return changed


def whole(value: Any) -> Any:
    """A whole number that was written with a point or an exponent, as an int; anything else as it is."""
    exact = isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT
    return int(value) if exact else value


def options_model(sort: str, kind: str) -> type[pydantic.BaseModel]:
    """The options of a part as a model, made from its source as `described` reads it. Raises InputError likewise."""
    found = described(sort, kind).options
    return _checked_fields(kind, {name: (p.annotation, _default(p)) for name, p in found.items()})


def _default(option: inspect.Parameter) -> Any:
    return ... if option.default is inspect.Parameter.empty else option.default


@cache
def _model(part: type[Any]) -> type[pydantic.BaseModel]:
    return _checked_fields(part.__name__, {name: (p.annotation, _default(p)) for name, p in options(part).items()})


def _checked_fields(name: str, fields: dict[str, Any]) -> type[pydantic.BaseModel]:
    strict = pydantic.ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
    return pydantic.create_model(name, __config__=strict, **fields)


def suggest(name: str, known: typing.Iterable[str], *, most: int = 1) -> str:
    """The nearest names, as the end of a sentence's subject; empty where none is near."""
    names = list(known)
    whole = [one for one in names if most > 1 and name in one.split("_")]  # such as `scale` for `linear_scale`
    near = list(map(repr, dict.fromkeys([*whole, *difflib.get_close_matches(name, names, n=most)])))[:most]
    *others, last = near or [""]
    return f" (did you mean {', '.join(others)}{' or ' if others else ''}{last}?)" if near else ""


def taken(what: str, names: typing.Collection[str], listing: str | None) -> str:
    """What a table of options takes, as the end of a sentence; listing: the command that explains all of them."""
    few = f"{what} takes {', '.join(names) or 'no options'}"
    if listing is None or not names:
        return few
    return f"{few}; `{listing}` explains them" if len(names) <= _FEW_NAMES else f"`{listing}` shows all"
