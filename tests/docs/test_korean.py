"""The Korean pages say what the English ones say: the same headings, numbers, commands and code."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from tests.conftest import ROOT
from tests.docs.languages import Section, sections_of, slug

README = ROOT / "README.md"
LESSONS = sorted((ROOT / "docs" / "lessons" / "ko").glob("*.ipynb"))


def prose(notebook: Path) -> list[Section]:
    cells = nbformat.read(notebook, as_version=4).cells
    return sections_of("\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))


def assert_same(english: Section, korean: Section) -> None:
    assert korean.code == english.code, english.heading
    assert korean.numbers == english.numbers, english.heading
    assert english.prose.count("\n|") == korean.prose.count("\n|"), f"{english.heading}: rows of tables"


def test_the_readme_leads_to_its_translation_and_back() -> None:
    assert "(README.ko.md)" in README.read_text(encoding="utf-8")[:200]
    assert "(README.md)" in (ROOT / "README.ko.md").read_text(encoding="utf-8")[:200]


def test_the_korean_readme_has_the_sections_of_the_english_one() -> None:
    """All of them in their order, each named by the anchor of the English heading."""
    _, *english = sections_of(README.read_text(encoding="utf-8"))
    title, *korean = sections_of((ROOT / "README.ko.md").read_text(encoding="utf-8"))
    assert title.heading == "isthmus"
    assert [one.anchor for one in korean] == [slug(one.heading) for one in english], "the same headings, in order"
    for there, here in zip(english, korean, strict=True):
        assert here.level == there.level
        assert_same(there, here)


def test_there_are_korean_lessons() -> None:
    assert [path.name for path in LESSONS] == ["1-what-is-an-autoencoder.ipynb", "2-the-post-measured.ipynb"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_korean_lesson_is_the_english_one(path: Path) -> None:
    original = path.parents[1] / path.name
    here, there = nbformat.read(path, as_version=4).cells, nbformat.read(original, as_version=4).cells
    assert [cell.cell_type for cell in here] == [cell.cell_type for cell in there]
    for korean, english in zip(here, there, strict=True):
        if korean.cell_type == "code":
            assert korean.source == english.source
            assert korean.outputs == english.outputs, "python docs/notebooks/run_notebooks.py copies them"
    pairs = list(zip(prose(original), prose(path), strict=True))
    assert [english.level for english, _ in pairs] == [korean.level for _, korean in pairs]
    for english, korean in pairs:
        assert_same(english, korean)


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        ("After 3.4 dB", "3.5 dB 뒤"),
        ("seven layers", "6층"),
        ("```\nisthmus list\n```", "```\nisthmus lists\n```"),
        ("```python\nx = 1  # so\n```", "```python\nx = 2  # 이렇게\n```"),
        ("| a |\n| b |", "| a |"),
    ],
)
def test_a_difference_is_found(english: str, korean: str) -> None:
    one, other = sections_of(f"# A\n\n{english}\n"), sections_of(f"# 가\n\n{korean}\n")
    with pytest.raises(AssertionError):
        assert_same(one[0], other[0])


def test_numbers_in_words_are_those_in_digits() -> None:
    one, other = sections_of("# A\n\nTwo models, `x=3`, −1.92 dB\n"), sections_of("# 가\n\n모델 2개, `x=4`, −1.92 dB\n")
    assert_same(one[0], other[0])


def test_comments_of_code_are_translated() -> None:
    one = sections_of("# A\n\n```python\n# first\nx = 1  # the start\n# then\ny = 2\n```\n")
    other = sections_of("# 가\n\n```python\n# 먼저\nx = 1  # 시작\n# 그다음\ny = 2\n```\n")
    assert_same(one[0], other[0])
