"""Checks the arguments of the public Python functions against their annotations; a wrong type is one sentence."""

from __future__ import annotations

import functools
import inspect
import os
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pydantic

from isthmus.core.errors import InputError
from isthmus.core.wording import shown

P = ParamSpec("P")
R = TypeVar("R")
# in place of pydantic's own, which speak of Python's classes
_WORDS = {
    "path_type": "a path",
    "'str' instances are not allowed as a Sequence value": "a list, also of one",
    "Input should be an instance of Sequence": "a list",
}
_FREE = pydantic.ConfigDict(arbitrary_types_allowed=True)


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap `function`: an argument of the wrong type raises InputError with its name and value."""
    signature = inspect.signature(function)

    @functools.cache
    def adapters() -> dict[str, pydantic.TypeAdapter[Any]]:
        hints = typing.get_type_hints(function)
        return {name: _adapter(hints[name]) for name in signature.parameters if name in hints}  # `self` has none

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        for name, adapter in adapters().items():
            if name in bound.arguments:
                bound.arguments[name] = _check(name, bound.arguments[name], adapter)
        return function(*bound.args, **bound.kwargs)

    return call


def _as_path(value: Any) -> Any:
    """An object that stands for a path, such as a `Run`, as that path; anything else as it is."""
    if not isinstance(value, os.PathLike) or isinstance(value, Path):
        return value
    path = os.fspath(value)
    return Path(path) if isinstance(path, str) else value


def _adapter(hint: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(hint, config=_FREE)


def _check(name: str, value: Any, adapter: pydantic.TypeAdapter[Any]) -> Any:
    try:
        given = value.item() if isinstance(value, np.generic) else _as_path(value)
        found = adapter.validate_python(given)
    except pydantic.ValidationError as error:
        wanted = {
            _WORDS.get(one["type"], _WORDS.get(one["msg"])) or one["msg"].removeprefix("Input should be ")
            for one in error.errors(include_url=False)
        }
        needs = " or ".join(sorted(wanted))
        raise InputError(f"{name}: {shown(value)} does not fit: it needs {needs}") from None
    if type(found) is int and isinstance(given, str | bytes | bool):  # pydantic takes "3" and True for numbers
        raise InputError(f"{name}: {shown(value)} does not fit: it needs a whole number")
    return found
