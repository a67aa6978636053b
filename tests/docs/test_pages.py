"""Each page of docs/ is done as it stands, from its first line to its last: commands, files and code.

What trains gets few images and steps. Lines that say what they need (`# needs a GPU`) are only checked for sense.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from shutil import copyfile

import numpy as np
import pytest
import typer.main
from PIL import Image
from tests.command import environment, isthmus
from tests.conftest import ROOT
from tests.docs.page_blocks import Command, File, steps_of
from tests.docs.test_readme_examples import NARROWED, RANDOM, tiny
from tests.packages.installing import EXAMPLE, forget, install_example
from tests.test_readme import COMMANDS
from typer.core import TyperGroup

from isthmus.cli import app
from isthmus.recipes.recipe import parse_overrides
from isthmus.recipes.study_plan import builtin, load_plan, load_recipe

DOCS = ROOT / "docs"
# pages with tests of their own
ELSEWHERE = {"studies.md": "tests/docs/test_studies_page.py", "sklearn.md": "tests/sklearn_interface/test_examples.py"}
PAGES = sorted(
    page for page in (*DOCS.glob("*.md"), *DOCS.glob("howto/*.md")) if page.name not in ELSEWHERE and [*steps_of(page)]
)
LINK_TO_PAGE = re.compile(r"\]\(([\w-]+\.md)[)#]")
IN_SENTENCE = re.compile(r"`isthmus ([a-z]+)\b")
NEEDS = ("a GPU", "a cluster", "CIFAR-10")
# folder, (height, width), how many pictures
PICTURES = (
    ("pictures/cats", (48, 64), 16),
    ("pictures/dogs", (48, 64), 16),
    ("new-pictures", (32, 32), 2),
    ("other-digits", (8, 8), 5),
    ("photos", (200, 240), 4),
    ("noisy/more", (40, 50), 2),
    ("parts/train", (64, 64), 30),
    ("parts/more-normal", (64, 64), 99),  # the fewest that promise a rate of 0.01
    ("parts/today", (64, 64), 4),
    ("parts/test/good", (64, 64), 4),
    ("parts/test/scratched", (64, 64), 4),
    ("parts/test/bent", (64, 64), 4),
)
# what the README has too is run by its tests
OF_README = {("isthmus", *words) for words in COMMANDS if words[0] == "study" and words[1] in builtin()}


def small(words: list[str]) -> list[str]:
    """A command as the page has it; where it trains, with few steps and narrow layers."""
    if words[0] == "train" and words[1].startswith("post-faithful/"):  # it keeps 2 % for validation, here of 60
        words = [*words, "split.validation=0.2"]
    return tiny(words)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder with pictures and with the example package installed; the page is done there."""
    for name, shape, count in PICTURES:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = RANDOM.integers(0, 256, (*(side // 4 for side in shape), 3), dtype=np.uint8)
            Image.fromarray(pixels).resize(shape[::-1]).save(tmp_path / name / f"{number}.png")
    copyfile(tmp_path / "photos" / "0.png", tmp_path / "photo.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path / "cache"))
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    install_example(site)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    forget(site)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_can_be_done_as_it_stands(page: Path, home: Path) -> None:
    linked = [page.with_name(name) for name in LINK_TO_PAGE.findall(page.read_text(encoding="utf-8"))]
    for other in set(PAGES).intersection(linked):  # a page may use the file of another
        save([step for step in steps_of(other) if isinstance(step, File)], home)
    for step in steps_of(page):
        if isinstance(step, File):
            save([step], home)
            if step.name.endswith(".py") and not step.name.startswith("tests/"):  # tests/packages runs the others
                run_code(home / step.name)
        elif step.needs:
            assert step.needs in NEEDS
            check_sense(step)
        elif step.words not in OF_README:
            run_command(list(step.words))


def save(files: Iterable[File], home: Path) -> None:
    for file in files:
        (home / file.name).parent.mkdir(exist_ok=True)
        (home / file.name).write_text(file.text, encoding="utf-8")


def run_code(file: Path) -> None:
    done = subprocess.run([sys.executable, file.name], env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert "False" not in done.stdout, done.stdout  # what a page promises is printed as true


def run_command(words: list[str]) -> None:
    if words[:2] == ["pip", "install"]:  # `home` has done it
        assert words[2:] == ["-e", "."]
        assert (EXAMPLE / "pyproject.toml").is_file()
        return
    if words[0] == "torchrun":
        run_torchrun(words[1:])
        return
    assert words[0] == "isthmus", f"a test runs no other program: {shlex.join(words)}"
    answer = isthmus(*small(words[1:]))
    untrained = words[1] == "doctor" and "untrained" in answer.out  # two steps are no training, and it says so
    assert answer.code == 0 or untrained, answer
    for flag, target in pairwise(words):
        if flag in ("-o", "--sheet"):
            assert Path(target).exists(), f"{shlex.join(words)} wrote no {target}"


def run_torchrun(words: list[str]) -> None:
    at = words.index("isthmus") + 1
    command = [sys.executable, "-m", "torch.distributed.run", *words[:at], *small(words[at:])]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


def check_sense(command: Command) -> None:
    """That recipes, studies and options of a command exist, without running it."""
    words = list(command.words)
    if words[0] == "torchrun":
        words = words[words.index("isthmus") :]
    program, verb, thing, *rest = (*words, "", "")
    if program == "sbatch":
        return
    changes = [word for before, word in pairwise(["", *rest]) if "=" in word and not before.startswith("--")]
    overrides = parse_overrides(changes)
    assert (program, verb) in (("isthmus", "train"), ("isthmus", "study"))
    load_recipe(thing, overrides) if verb == "train" else load_plan(thing, overrides)


def test_pages_train_narrow_networks_here() -> None:
    """`tiny` knows these recipes by name: a page that trains another wide one would take minutes."""
    trained = {
        step.words[2]
        for page in PAGES
        for step in steps_of(page)
        if isinstance(step, Command)
        if step.words[1] == "train" and not step.needs
    }
    small_ones = {"digits/latent-10", "runs/first/recipe.toml", "runs/mine/recipe.toml", "post-faithful/latent-10"}
    assert {name for name in trained if not name.startswith("my-")} <= {*NARROWED, *small_ones}


def test_commands_within_sentences_have_a_verb_that_exists() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    pages = [ROOT / "README.md", ROOT / "README.ko.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    for page in pages:
        for verb in IN_SENTENCE.findall(page.read_text(encoding="utf-8")):
            assert verb in group.commands, f"{page.name}: `isthmus {verb}`"
