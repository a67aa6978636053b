"""A part's source says the same as the imported part, and what only importing can tell is left to importing."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from isthmus.core import part_sources, registry
from isthmus.core.part_sources import Unreadable, read_part
from isthmus.core.sorts import SORTS

PARTS = [(sort, kind) for sort in SORTS for kind in registry.kinds(sort)]


@pytest.mark.parametrize(("sort", "kind"), PARTS)
def test_the_source_says_what_the_imported_part_says(sort: str, kind: str) -> None:
    """So listing a part of isthmus never has to import it."""
    source = read_part(f"{SORTS[sort].package}.{kind}")
    part = registry.find(sort, kind)
    assert source.doc == inspect.getdoc(part)
    assert repr(dict(source.options)) == repr(dict(registry.options(part)))  # `Field`s are not equal by value


SOURCE = '''
from typing import Annotated, Literal
from pydantic import Field
from other_module import SIZES
MANY = 2**4
class Part:
    """A part."""
    def __init__(self, shape, *, dim: Annotated[int, Field(ge=1)] = MANY, sizes: list[int] = SIZES) -> None: ...
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the module `some_part`, beside `other_module`."""
    (tmp_path / "other_module.py").write_text("SIZES = [1, 2]\nraise RuntimeError('it was imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    part_sources.forget()
    return tmp_path / "some_part.py"


def test_a_class_without_an_init_has_the_options_of_its_interface(module: Path) -> None:
    """Those of isthmus have none; another base class may have some."""
    text = 'from isthmus.models.interfaces import Bottleneck\nclass Part(Bottleneck):\n    """A part."""\n'
    module.write_text(text)
    assert read_part("some_part", "Part").options == {}
    module.write_text(text.replace("isthmus.models.interfaces", "other_module"))
    part_sources.forget()
    with pytest.raises(Unreadable):
        read_part("some_part", "Part")


def test_names_are_followed_into_other_modules_without_importing_them(module: Path) -> None:
    module.write_text(SOURCE)
    found = read_part("some_part", "Part").options
    assert (found["dim"].default, found["sizes"].default) == (16, [1, 2])
    assert "other_module" not in sys.modules


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("= MANY", "= len('four')"),
        ("= MANY", "= 2**10**9"),
        ("    def __init__", "    def other"),
        ("class Part:", "@changed\nclass Part:"),
        ('    """A part."""\n', ""),
        ("def __init__", "def __new__"),
        ("dim: Annotated[int, Field(ge=1)]", "dim: 'int'"),
        ("class Part", "class Another"),
        ("class Part", "class Part("),
        ("SIZES\nMANY", "WIDTHS\nMANY"),
    ],
)
def test_what_only_running_it_tells_is_unreadable(old: str, new: str, module: Path) -> None:
    assert old in SOURCE
    module.write_text(SOURCE.replace(old, new))
    with pytest.raises(Unreadable):
        read_part("some_part", "Part")


@pytest.mark.parametrize("words", [[], ["train"], ["bottlenecks"], ["data"], ["recipes"], ["schema", "study"]], ids=str)
def test_listing_imports_no_torch(words: list[str]) -> None:
    """It takes seconds, and `isthmus list` should answer at once."""
    script = (
        "import sys; from isthmus.cli.listings import print_list\n"
        f"print_list(*{[*words, None, None][:2]!r}, as_json=False)\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
