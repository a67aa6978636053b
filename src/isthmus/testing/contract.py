"""Puts the contract's clauses and a package's parts together to one pytest test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from isthmus.core import registry
from isthmus.core.sorts import SORTS
from isthmus.testing import model_clauses, part_clauses
from isthmus.testing.part_under_test import PartUnderTest

Clause = Callable[[PartUnderTest], None]


def contract(package: str, /, **values: Any) -> Callable[[Clause, PartUnderTest], None]:
    """A test that pytest runs once for each clause and each part that `package` brings; assign it to a `test_...` name.

    package: its name as pip knows it. values: for options that have no default, by the option's name.
    Raises LookupError where no such package with parts is installed, InputError where a part cannot be imported.
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

    @pytest.mark.parametrize(("clause", "part"), cases)
    def test(clause: Clause, part: PartUnderTest) -> None:
        clause(part)

    return test


def _of(package: str, sort: str, kind: str) -> bool:
    return package in ([owner.name for owner in registry.packages(sort, kind)] or ["isthmus"])
