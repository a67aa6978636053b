"""Builds one pytest test from the contract's clauses and the parts of a package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from isthmus.core import registry
from isthmus.core.sorts import SORTS
from isthmus.testing import model_clauses, part_clauses
from isthmus.testing.part_under_test import ODD_IMAGE, OTHER_IMAGES, PartUnderTest

Clause = Callable[[PartUnderTest], None]


def contract(package: str, /, **values: Any) -> Callable[[Clause, PartUnderTest], None]:
    """A test that pytest runs for each clause and each part of `package`; assign it to a `test_...` name.

    package: its name in pip. values: option -> value, for options without a default.
    Raises LookupError if no such package with parts is installed, InputError if a part cannot be imported.
    """
    parts = [
        PartUnderTest(sort, kind, values) for sort in SORTS for kind in registry.kinds(sort) if _of(package, sort, kind)
    ]
    if not parts:
        raise LookupError(f"no installed package {package!r} has parts; `pip install -e .` installs the one you are in")
    cases = [
        pytest.param(clause, part, id=f"{part.table}.{part.kind}-{clause.__name__}")
        for part in parts
        for clause in (*part_clauses.of(part), *model_clauses.of(part))
    ]
    cases += [
        pytest.param(clause, part, id=f"{part.table}.{part.kind}-{'x'.join(map(str, part.image))}-{clause.__name__}")
        for part in (replace(part, image=image) for part in parts for image in _other_images(part))
        for clause in (*part_clauses.of_images(part), *model_clauses.of_images(part))
    ]

    @pytest.mark.parametrize(("clause", "part"), cases)
    def test(clause: Clause, part: PartUnderTest) -> None:
        clause(part)

    return test


def _other_images(part: PartUnderTest) -> Sequence[tuple[int, int, int]]:
    if part.sort in ("architectures", "bottlenecks"):
        return OTHER_IMAGES
    return [ODD_IMAGE] if part.in_recipe and part.sort != "datasets" else []


def _of(package: str, sort: str, kind: str) -> bool:
    return package in ([owner.name for owner in registry.packages(sort, kind)] or ["isthmus"])
