"""Parts of other installed packages, found by their entry points.

A package that provides a bottleneck declares it in its pyproject.toml, and nothing in isthmus changes:

    [project.entry-points."isthmus.bottlenecks"]
    pair = "example_part:Pair"

The name is the part's kind. A part is not imported until it is used.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, entry_points, version
from typing import Any

from pydantic import ValidationError

from isthmus.core.errors import InputError, RunError, out_of_memory
from isthmus.core.sorts import SORTS
from isthmus.core.wording import shortened


@dataclass(frozen=True)
class Package:
    """An installed package: its name as pip knows it, and its version."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class ForeignPart:
    """A part that an installed package declares."""

    sort: str
    kind: str
    package: Package
    entry_point: EntryPoint

    def load(self, check: Callable[[type[Any]], str | None]) -> type[Any]:
        """Import the part and return its class.

        check: reads the options of the class, and says what is wrong with them as the end of a sentence; whatever it
            raises is reported as a sentence.
        Raises InputError with the package's name if it cannot be imported, or if the class is not such a part.
        """
        try:
            part = self.entry_point.load()
        except (Exception, SystemExit) as error:  # importing a package can raise anything
            raise self.refused(f"cannot be imported ({_said(error)})") from error
        fault = fault_of(self.sort, part) or self._fault_of_attributes(part)
        try:
            fault = fault or check(part)
        except Exception as error:
            raise self.refused(f"has options that cannot be read ({_said(error)})") from error
        if fault is not None:
            raise self.refused(f"is {self.entry_point.value}, which {fault}")
        return part

    @contextmanager
    def used(self, fails: str = "fails") -> Generator[None]:
        """A block that uses the part: what the part raises becomes an InputError with the package's name.

        fails: what then happened, as the sentence says it.
        """
        try:
            yield
        except (InputError, RunError):  # a sentence already
            raise
        except (Exception, SystemExit) as error:  # another package can raise anything
            has_options = SORTS[self.sort].in_recipe
            if has_options and out_of_memory(error):
                raise  # the recipe's sizes are too large, and the package is not to blame
            raise self.refused(f"{fails} ({_said(error)})", "check its options, " if has_options else "") from error

    def refused(self, reason: str, first: str = "") -> InputError:
        """The sentence that the part cannot be used because it `reason`; first: what to try before another version."""
        return InputError(
            f"{SORTS[self.sort].path}: {self.kind!r} of the package {self.package} {reason}; {first}"
            f"install a version of {self.package.name} that works, or `pip uninstall {self.package.name}`"
        )

    def _fault_of_attributes(self, part: type[Any]) -> str | None:
        module, _, name = SORTS[self.sort].fault.partition(":")
        return getattr(importlib.import_module(module), name)(self.kind, part) if module else None


def foreign_parts(sort: str) -> list[ForeignPart]:
    """The parts of a sort that other packages provide; none is imported."""
    return [ForeignPart(sort, point.name, _package(point.dist), point) for point in _entry_points()[sort]]


def fault_of(sort: str, part: object) -> str | None:
    """Why `part` is not a part of this sort, as the end of a sentence; None if it is one."""
    module, _, name = SORTS[sort].interface.partition(":")
    if not inspect.isclass(part) or not issubclass(part, getattr(importlib.import_module(module), name)):
        return f"does not extend {module}.{name}"
    missing = sorted(getattr(part, "__abstractmethods__", ()))
    return f"has no {' and no '.join(missing)}, which {module}.{name} asks for" if missing else None


def installed_version(package: str) -> str | None:
    """The installed version of a package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def refresh() -> None:
    """Search the installed packages again."""
    _entry_points.cache_clear()


@cache
def _entry_points() -> Mapping[str, tuple[EntryPoint, ...]]:
    found = entry_points()  # one search of all packages for all sorts
    return {sort: tuple(found.select(group=f"isthmus.{sort}")) for sort in SORTS}


def _package(found: Distribution | None) -> Package:
    # a damaged installation may have no name or no version
    name, number = (found.metadata["Name"], found.metadata["Version"]) if found is not None else (None, None)
    return Package(name or "unknown", number or "unknown")


def _said(error: BaseException) -> str:
    said = str(error)
    if isinstance(error, ValidationError):  # in its own words it is a paragraph, and a link
        first = error.errors(include_url=False, include_context=False)[0]
        said = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    text = " ".join(said.split())
    return shortened(f"{type(error).__name__}: {text}" if text else type(error).__name__)
