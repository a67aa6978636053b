"""Every example of docs/studies.md: its files load, its commands and code run, and its faults are those it shows.

Commands that train get two steps after their own options. The fast tests make one study, a slow one all of them.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.command import isthmus

import isthmus as ist
from isthmus.recipes.study_plan import load_plan
from isthmus.recipes.study_tables import BudgetTable, StudyTable, VariationTable

PAGE = (Path(__file__).parents[2] / "docs/studies.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, flags=re.DOTALL)
FILES = {text.partition("\n")[0].removeprefix("# "): text for language, text in BLOCKS if language == "toml"}
COMMANDS = [
    shlex.split(line, comments=True)[1:] for language, text in BLOCKS if not language for line in text.splitlines()
]
STEPS = ("train.steps=2", "train.least_steps=1")
ROWS = {
    "small.toml": ["linear-pca-dim-4", "linear-pca-dim-8", "linear-none-dim-4", "linear-none-dim-8"],
    "rows.toml": ["plain", "denoise", "denoise-more"],
    "families.toml": ["plain-dim-4", "plain-dim-8", "vae-dim-4", "vae-dim-8"],
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's files, and a home folder with pictures."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "pictures").mkdir()
    random = np.random.default_rng(0)
    for number in range(30):
        pixels = random.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{number}.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ROWS)
def test_a_file_has_the_rows_that_the_page_names(name: str, place: Path) -> None:
    assert set(FILES) == {*ROWS, "wrong.toml"}
    plan = load_plan(name)
    assert [row.name for row in plan.variations] == ROWS[name]
    for row in ROWS[name] if name != "rows.toml" else ():
        assert f"`{row}`" in PAGE
    alone = [row.name for row in plan.variations if not row.compare]
    assert len(alone) == 1, "the one that all others are compared with"


def test_the_faults_are_told_as_on_the_page(place: Path) -> None:
    answer = isthmus("study", "wrong.toml")
    assert answer.code == 2
    (expected,) = (text for language, text in BLOCKS if language == "text")
    assert answer.err == expected
    assert not (place / "runs").exists()


def test_every_key_is_on_the_page() -> None:
    for name in {*StudyTable.model_fields, *VariationTable.model_fields, *BudgetTable.model_fields} - {"format"}:
        assert re.search(rf"`(\[+{name}(\.TABLE)?\]+|{name})`", PAGE), name


def test_the_python_code_runs(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = (text for language, text in BLOCKS if language == "python")
    small = {"train.steps": 2, "limit": 2, "compare": [], "train.device": "cpu"}
    verb = ist.study
    monkeypatch.setattr(
        ist, "study", lambda name, options: verb(name, options={**options, **small}, show_progress=False)
    )
    exec(compile(code, "studies.md", "exec"), {})
    out = capsys.readouterr().out
    assert "PCA" in out
    assert out.count("| linear-") == 2


def test_the_page_has_known_commands() -> None:
    assert all(words[0] in ("new", "study", "train", "list") for words in COMMANDS)
    assert len(COMMANDS) == 10


def test_commands_that_write_files_work(place: Path) -> None:
    for words in (words for words in COMMANDS if words[0] in ("new", "list")):
        words = [word for word in words if word != ">"][:3] if words[0] == "list" else words
        answer = isthmus(*words)
        assert answer.code == 0, answer
        assert words[0] == "new" or '"$schema"' in answer.out
    assert load_plan("study.toml").budget_seconds == 600


@pytest.mark.slow
def test_commands_that_train_work(place: Path) -> None:
    assert isthmus("new", "study.toml", "pictures").code == 0
    for words in (words for words in COMMANDS if words[0] in ("study", "train")):
        few = [*STEPS] if not any(word.startswith("train.epochs") for word in words) else ["train.batch=1500"]
        answer = isthmus(*words, *few, "-q")
        if words == ["study", "small.toml", "seeds=3"]:  # its folder holds two seeds, which trained two steps as well
            assert len(list((place / "runs/small").glob("*/seed-2/evaluation.json"))) == 4
        assert answer.code == 0, (words, answer)
    assert len(list((place / "runs/two-of-four").glob("*/seed-*/evaluation.json"))) == 4
    assert len(list((place / "runs/three-sizes").glob("*/seed-*/evaluation.json"))) == 12
