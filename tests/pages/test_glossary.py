"""The glossary: one source, complete; a page opens a word's line at its first mention in a section."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from isthmus.pages.glossary import PageWords, entries


def test_every_entry_is_whole_and_no_word_has_two_lines() -> None:
    words = Counter(word for entry in entries().values() for word in entry.words)
    assert [word for word, count in words.items() if count > 1] == []
    for entry in entries().values():
        assert entry.title and entry.words
        assert entry.line.endswith(".") and "\n" not in entry.line
        assert len(entry.line) <= 200, "a line, not a paragraph"


def test_the_first_mention_in_each_section_opens_the_line() -> None:
    words = PageWords()
    said = words.explain("PCA beats PCA by 2 dB of PSNR.", "one")
    assert said.count("<button") == 2
    assert re.sub("<[^>]*>", "", said) == "PCA beats PCA by 2 dB of PSNR."
    assert words.explain("PCA", "one") == "PCA"
    assert 'popovertarget="word-pca"' in words.explain("PCA", "two")
    assert [entry.key for entry in words.used] == ["psnr", "pca"]


def test_a_word_whose_parts_a_page_keeps_on_one_line_opens_too() -> None:
    """Findings have no-break spaces between numbers and units."""
    kept = "a beats b by 3.99\N{NO-BREAK SPACE}dB (95\N{NO-BREAK SPACE}% interval 3.85 to 4.14)."
    words = PageWords()
    said = words.explain(kept, "one")
    assert [entry.key for entry in words.used] == ["psnr", "interval"]
    assert re.sub("<[^>]*>", "", said) == kept


@pytest.mark.parametrize("name", ["latent-10", "my-PSNR", "train.epochs", "PCA.2", "seed=3", "runs/latent", "PCA-like"])
def test_a_part_of_a_name_is_no_word(name: str) -> None:
    assert PageWords().explain(name, "one") == name


def test_what_is_explained_stays_text() -> None:
    said = PageWords().explain("<b>PCA</b> & 'seed'", "one")
    assert "&lt;b&gt;" in said and "<b>" not in said
    assert re.sub("<[^>]*>", "", said) == "&lt;b&gt;PCA&lt;/b&gt; &amp; &#39;seed&#39;"


def test_a_heading_that_the_glossary_lacks_has_a_line_of_its_own() -> None:
    words = PageWords()
    assert words.ask("psnr", "PSNR") == "word-psnr"
    assert words.ask("sharpness", "Sharpness", "How sharp it is.") == "word-own-0"
    assert words.ask("nothing", "Nothing") == ""
    assert [(entry.title, entry.line) for entry in words.used][1] == ("Sharpness", "How sharp it is.")
