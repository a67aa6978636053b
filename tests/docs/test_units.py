"""On the site a number and its unit stay on one line."""

from __future__ import annotations

import sys

import pytest
from tests.conftest import ROOT

pytest.importorskip("sphinx", reason="needs Sphinx: pip install -e '.[docs]'")
sys.path.insert(0, str(ROOT / "docs" / "site"))
from isthmus_site.units import UNBROKEN, with_unbroken_units


@pytest.mark.parametrize("text", ["17.53 dB", "95 %", "946 s", "162 MiB", "-0.3 dB,", "5 kB"])
def test_a_unit_stays_with_its_number(text: str) -> None:
    assert with_unbroken_units(text) == text.replace(" ", UNBROKEN)


@pytest.mark.parametrize("text", ["5 epochs", "10 strips", "in dB", "3 seconds", "10 numbers"])
def test_words_may_stand_on_the_next_line(text: str) -> None:
    assert with_unbroken_units(text) == text
