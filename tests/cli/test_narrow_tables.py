"""Tables in a narrow terminal lose columns and say which; what they show is whole."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from tests.command import TINY, isthmus

from isthmus.cli.console import new_console, print_hanging
from isthmus.cli.narrow_tables import print_table

NAME = "a-variation-with-a-name-of-its-own"
HEADINGS = ("variation", "PSNR dB", "SSIM", "parameters", "seconds")
ROWS = [(NAME, "21.07 ± 0.41", "0.812 ± 0.010", "1,234,567", "41"), ("[red]", "1", "2", "3", "4")]


def printed(monkeypatch: pytest.MonkeyPatch, columns: int | None, **options: tuple[str, ...]) -> list[str]:
    """The lines in a terminal of so many columns; None: into a pipe."""
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: columns is not None)
    monkeypatch.setattr(sys, "stdout", out)
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", str(columns))
    print_table(new_console(), HEADINGS, ROWS, **options)
    return lines_of(out)


def lines_of(out: io.StringIO) -> list[str]:
    """Without the codes for bold."""
    return [re.sub(r"\x1b\[\d*m", "", line).rstrip() for line in out.getvalue().splitlines()]


def test_a_pipe_gets_every_column(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, None)
    assert len(lines) == 3
    assert lines[0].split("  ")[-1].strip() == "seconds"
    assert all(cell in lines[1] for cell in ROWS[0])
    assert lines[2].startswith("[red]")  # no markup


@pytest.mark.parametrize(("columns", "gone"), [(120, ()), (80, ("seconds",)), (60, HEADINGS[2:])])
def test_columns_go_and_are_named(monkeypatch: pytest.MonkeyPatch, columns: int, gone: tuple[str, ...]) -> None:
    lines = printed(monkeypatch, columns)
    assert NAME in lines[1]
    table = "\n".join(lines[:3])
    assert max(map(len, lines[:3])) <= columns
    assert [heading for heading in HEADINGS if heading not in table] == list(gone)
    assert ("Too narrow for: " + ", ".join(gone) in "".join(lines)) == bool(gone)


def test_a_name_wider_than_the_terminal_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, 20)
    assert lines[1] == NAME
    assert "…" not in "".join(lines)


def test_some_columns_go_before_others(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, 75, first_to_go=("SSIM",))
    assert "SSIM" not in lines[0] and "parameters" in lines[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, cache_of_module: None) -> Path:
    folder = tmp_path_factory.mktemp("narrow") / "run"
    assert isthmus("train", "post/latent-10", *TINY, "-q", "-o", folder).code == 0
    return folder


@pytest.mark.parametrize("columns", [40, 80])
def test_an_evaluation_fits(run: Path, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The method's names and the first score are there at any width."""
    from isthmus.cli import tables
    from isthmus.run_files.evaluation import EvaluationRecord
    from isthmus.run_files.read import read_record

    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("COLUMNS", str(columns))
    tables.print_evaluation(read_record(run / "evaluation.json", EvaluationRecord))
    lines = lines_of(out)
    (row,) = (line for line in lines if line.startswith("this model"))
    assert "±" in row
    assert any("PCA with 3 components" in line for line in lines)
    assert max(map(len, lines)) <= columns


def test_sentences_hang_below_their_first_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Into a pipe they are one line, for programs that read lines."""
    sentence = "It loses to PCA, the best linear autoencoder."
    for columns, lines in ((30, ["warning  It loses to PCA, the", "         best linear", "         autoencoder."]),
                           (None, [f"warning  {sentence}"])):  # fmt: skip
        out = io.StringIO()
        monkeypatch.setattr(out, "isatty", lambda columns=columns: columns is not None)
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.delenv("COLUMNS", raising=False)
        if columns is not None:
            monkeypatch.setenv("COLUMNS", str(columns))
        print_hanging(new_console(), sentence, after="warning  ", style="bold")
        assert lines_of(out) == lines
