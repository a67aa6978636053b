"""Several faults are told at once, and one fault reads as it always did."""

from __future__ import annotations

import pickle

import pytest

from isthmus.core.errors import Faults, InputError, InputErrors


def found(*sentences: tuple[str, str], everywhere: int = 0) -> str:
    faults = Faults()
    for sentence, place in sentences:
        faults.add(sentence, place)
    with pytest.raises(InputError) as told:
        faults.check("my.toml", everywhere)
    return str(told.value)


def test_one_fault_is_one_sentence() -> None:
    assert found(("dim: is wrong", "")) == "my.toml: dim: is wrong"
    Faults().check("my.toml")


def test_a_fault_of_many_places_is_told_once() -> None:
    same = [("dim: is wrong", place) for place in "abcde"]
    assert found(*same) == "my.toml: a, b, c and 2 more: dim: is wrong"
    assert found(*same, everywhere=5) == "my.toml: dim: is wrong"


def test_each_of_several_has_its_line_also_where_a_value_holds_line_breaks() -> None:
    text = found(("a\nb", ""), ("c", ""))
    assert text.splitlines() == ["my.toml: 2 faults; correct them all:", "  - a\\nb", "  - c"]


def test_very_many_are_counted() -> None:
    text = found(*[(f"fault {number}", "") for number in range(100)])
    assert "100 faults" in text
    assert text.endswith("and 70 more")


def test_faults_of_faults_stay_apart() -> None:
    inner, outer = Faults(), Faults()
    inner.add("a")
    inner.add("b")
    with outer.caught("row"):
        inner.check()
    assert outer.sentences() == ["row: a", "row: b"]
    with pytest.raises(InputErrors) as told:
        outer.check()
    assert told.value.faults == ("row: a", "row: b")
    copied = pickle.loads(pickle.dumps(told.value))
    assert (str(copied), copied.faults) == (str(told.value), told.value.faults)
