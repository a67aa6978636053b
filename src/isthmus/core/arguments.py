"""Makes a function public: a wrong argument, and whatever fails in it, is one sentence as Python's users need it."""

from __future__ import annotations

import functools
import inspect
import os
import re
import typing
import warnings
from collections.abc import Callable, Collection
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pydantic

from isthmus.core.errors import InputError, RunError
from isthmus.core.explain import explain
from isthmus.core.wording import shown

P = ParamSpec("P")
R = TypeVar("R")
# in place of pydantic's own, which speak of Python's classes
_WORDS = {
    "path_type": "a path",
    "'str' instances are not allowed as a Sequence value": "a list, also of one",
    "Input should be an instance of Sequence": "a list",
}
_NAMED_ALIKE = ("out", "data", "device", "jobs", "log", "sampler", "half", "whiten", "normal", "measure", "distance")
# what messages call as the command line does; what stands in `...` is a command, and stays
_IN_PYTHON = {
    "-n in `isthmus sample`": "`count` in `isthmus.sample`",
    "--skip-broken": '`options={"data.skip_broken": True}`',
    "--resume": "resume=True",
    "--keep-optimizer": "`keep_optimizer`",
    "--from": "`start`",
    "--model": "`models`",
    "--in": "`among`",
    "-n": "`n`",
    **{f"--{name}": f"`{name}`" for name in _NAMED_ALIKE},
}
_SPOKEN = re.compile(rf"`[^`]*`|(?<![^\s(])({'|'.join(map(re.escape, _IN_PYTHON))})(?![\w-])")
# of the public function that runs: some messages depend on what it takes
_PARAMETERS: ContextVar[Collection[str] | None] = ContextVar("parameters", default=None)
_BETWEEN = ("isthmus", "functools", "contextlib")  # modules of frames between a user's line and a warning
_FREE = pydantic.ConfigDict(arbitrary_types_allowed=True)


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap `function`: an argument of the wrong type raises InputError with its name and value.

    A foreseeable failure of the system, such as a full disk, raises RunError or InputError with a remedy.
    """
    signature = inspect.signature(function)

    @functools.cache
    def adapters() -> dict[str, pydantic.TypeAdapter[Any]]:
        hints = typing.get_type_hints(function)
        return {name: _adapter(hints[name]) for name in signature.parameters if name in hints}  # `self` has none

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        outer = _PARAMETERS.set(signature.parameters)
        try:
            for name, adapter in adapters().items():
                if name in bound.arguments:
                    bound.arguments[name] = _check(name, bound.arguments[name], adapter)
            return function(*bound.args, **bound.kwargs)
        except (InputError, RunError) as error:
            error.args = (in_python(str(error)),)
            raise
        except Exception as error:
            answer = explain(error, _again(signature))
            if answer is None:
                raise
            sentence, code = answer
            raise (InputError if code == 2 else RunError)(in_python(sentence)) from None
        finally:
            _PARAMETERS.reset(outer)

    return call


def notify(sentence: str) -> None:
    """Warn in the words of Python, at the line outside of isthmus that called it."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(in_python(sentence), stacklevel=level)


def _as_path(value: Any) -> Any:
    """An object that stands for a path, such as a `Run`, as that path; anything else as it is."""
    if not isinstance(value, os.PathLike) or isinstance(value, Path):
        return value
    path = os.fspath(value)
    return Path(path) if isinstance(path, str) else value


def in_python(sentence: str) -> str:
    """A message that was written for the command line, with Python's names of options."""
    names = dict(_IN_PYTHON)
    if "skip_broken" in (_PARAMETERS.get() or ()):
        names["--skip-broken"] = "`skip_broken=True`"
    return _SPOKEN.sub(lambda found: names.get(found[0], found[0]), sentence)


def for_caller(sentence: str) -> str:
    """`in_python` of a message while a public function runs; for the command line, the message as it is."""
    return sentence if _PARAMETERS.get() is None else in_python(sentence)


def _again(signature: inspect.Signature) -> str:
    """What to do once the cause of a failure is removed, as the end of a sentence."""
    return "call it again" + (" with resume=True" if "resume" in signature.parameters else "")


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
