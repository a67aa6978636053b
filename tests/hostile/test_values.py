"""Values and paths that nobody means: absurd numbers and depths, homes that are not there, endless files, labels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.command import Answer, assert_refused, finish, isthmus, start, tiny
from tests.conftest import ROOT

from isthmus.core.errors import InputError, InputErrors
from isthmus.core.paths import cache_folder, expanded
from isthmus.core.wording import printable, shown
from isthmus.recipes.recipe import apply, parse_overrides, resolve
from isthmus.recipes.study_plan import load_plan, load_recipe

RECIPE = (ROOT / "src/isthmus/recipes/vae.toml").read_text()
OLD = ROOT / "tests" / "fixtures" / "run-1e26724"
ESCAPE = "\x1b[31m"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path_factory.getbasetemp() / "cache"))


ABSURD = {
    "deep list": "a = " + "[" * 5000,
    "deep and closed": "a = " + "[" * 300 + "]" * 300,
    "deep tables": "a" + ".a" * 3000 + " = 1",
    "endless key": "a" + ".a" * 50_000 + " = 1",
    "endless quoted key": "[a" + " . 'a'" * 50_000 + "]",
    "digits": "a = " + "9" * 5000,
    "beyond 64 bits": "a = " + "9" * 30,
}


@pytest.mark.parametrize("text", ABSURD.values(), ids=ABSURD)
def test_absurd_toml_is_one_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    (tmp_path / "study.toml").write_text(f"base = {{}}\n{text}\n[[variation]]\nname = 'x'\n")
    for words in (["train", tmp_path / "mine.toml"], ["study", tmp_path / "study.toml"], ["study", tmp_path]):
        assert_refused(isthmus(*words), ".toml", "correct it")
    name, _, value = text.partition(" = ")
    answer = isthmus("train", "vae", f"{name[:1]}={value}")
    if "." not in name:
        assert_refused(answer, "a: ")
        assert len(answer.err) < 400


def test_dots_in_text_are_no_depth(tmp_path: Path) -> None:
    text = "1 ..... 2" * 40 + ". And so on. " * 60 + "e.g. a.b.c"
    (tmp_path / "mine.toml").write_text(f'about = "{text}"')
    assert isthmus("train", tmp_path / "mine.toml").err.count("data: the recipe has no [data] table") == 1


def test_a_study_of_thousands_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[base]\n" + "[[variation]]\nname = 'a'\n" * 1001)
    assert_refused(isthmus("study", tmp_path / "mine.toml"), "1,001 variations, and a study has at most 1,000; split")


def test_an_absurd_number_from_python_is_one_sentence() -> None:
    for value in (10**5000, [[10**30]], -(2**64)):
        with pytest.raises(InputError, match="64 bits"):
            load_recipe("vae", {"bottleneck.dim": value})


@pytest.mark.parametrize("kind", ["pipe", "endless", "loop"])
def test_endless_files_are_not_read(kind: str, tmp_path: Path) -> None:
    """As a recipe, as a picture, as parquet, in a folder of pictures and in a batch of CIFAR-10."""
    place = tmp_path / "data"
    place.mkdir()
    for name in ("recipe.toml", "picture.png", "train.parquet", "test_batch"):
        path = place / name
        if kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("/dev/zero" if kind == "endless" else path)
    for words in (
        ["train", place / "recipe.toml"],
        ["study", place / "recipe.toml"],
        ["data", "folder", f"path={place}"],
        ["data", "parquet", f"path={place}"],
        ["data", "parquet", f"path={place / 'train.parquet'}"],
        ["data", "cifar10", f"path={place}"],
        ["data", "arrays", f"path={place / 'picture.png'}"],
        ["reconstruct", OLD, place / "picture.png", "-o", tmp_path / "out.png"],
    ):
        assert_refused(isthmus(*words), code=2)


def test_labels_beyond_64_bits_are_one_sentence(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "one.png")
    picture = (tmp_path / "one.png").read_bytes()
    table = pa.table({"img": [picture] * 4, "label": pa.array([0, 1, 2**63, 2**64 - 1], pa.uint64())})
    pq.write_table(table, tmp_path / "train.parquet")
    assert_refused(isthmus("data", "parquet", f"path={tmp_path}"), "'label'", "2^63", "data.label_column")


def test_names_of_classes_that_json_cannot_bear_are_left_out(tmp_path: Path) -> None:
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(tmp_path / "one.png")
    table = pa.table({"img": [(tmp_path / "one.png").read_bytes()] * 4, "label": [0, 1, 0, 1]})
    table = table.replace_schema_metadata({"huggingface": "[" * 5000})
    pq.write_table(table, tmp_path / "train.parquet")
    assert_refused(isthmus("data", "parquet", f"path={tmp_path}"), "images")


@pytest.mark.parametrize("path", ["~nosuchuser", "~nosuchuser/pictures"])
def test_a_home_that_is_not_there_is_one_sentence(path: str, tmp_path: Path) -> None:
    for kind in ("folder", "parquet", "cifar10", "arrays"):
        assert_refused(isthmus("data", kind, f"path={path}"), "data.path", "~nosuchuser", "write it out")
    words = ["vae", "data.kind=folder", f"data.path={path}", "-o", tmp_path / "run"]
    assert_refused(isthmus("train", *words), "data.path", "~nosuchuser")
    assert not (tmp_path / "run").exists()


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    for name in ("ISTHMUS_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=r"HOME is not set.*ISTHMUS_DATA"):
        cache_folder()
    with pytest.raises(InputError, match="write it out"):
        expanded("~", "data.path")


# ---------------------------------------------------------------- the terminal


def test_control_characters_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    folder = tmp_path / f"red{ESCAPE}\x07"
    for number in range(24):
        for name in ("a", f"b{ESCAPE}\u202e"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            colour = (number * 9, 200, 30 if name == "a" else 90)
            Image.new("RGB", (8, 8), colour).save(folder / name / f"{number}{ESCAPE}.png")
    (folder / f"notes{ESCAPE}.txt").write_text("")
    small = tiny("data.kind=folder", f"data.path={folder}", "data.size=8", "train.epochs=1")
    answers = [
        isthmus("data", "folder", f"path={folder}", "size=8"),
        isthmus("data", "folder", f"path={folder}/none"),
        isthmus("train", f"x{ESCAPE}"),
        isthmus(f"{ESCAPE}"),
        isthmus("train", "vae", f"bottleneck.{ESCAPE}=3"),
        isthmus("train", "vae", f"bottleneck.dim={ESCAPE}"),
        isthmus("train", "post/latent-10", *small, "-o", tmp_path / f"run{ESCAPE}"),
        isthmus("doctor", tmp_path / f"run{ESCAPE}"),
        isthmus("train", "post/latent-10", *small, f"name=n{ESCAPE}"),
    ]
    assert answers[6].code == 0, answers[6]
    assert answers[8].code == 2, "a name becomes a folder's"
    for answer in answers:
        # off a terminal a path is data, to the letter
        said = answer.err + "".join(line for line in answer.out.splitlines() if not line.startswith("Report: "))
        assert not {"\x1b", "\x07", "\u202e"} & set(said), answer
    assert r"\x1b[31m" in answers[0].out


def test_words_of_all_languages_stay_as_they_are() -> None:
    for text in ("Bär – 画像 ∞", "עברית", "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}", "a\nb"):
        assert printable(text) == text
    assert printable("\x1b\x9b\u2028\u202e") == r"\x1b\x9b\u2028\u202e"
    assert len(shown("x" * 10**6)) < 200
    assert shown(10**5000) == "a value of type int"


# ---------------------------------------------------------------- anything at all

ANYTHING = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=5)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner))
OPTIONS = ("bottleneck.dim", "data.path", "data.kind", "train.epochs", "train.seconds", "seed", "name", "objective")
OPTIONS += ("objective.weights", "architecture.filters", "split", "train.device", "a.b.c", "", ".", "bottleneck")


@ANYTHING
@given(path=st.sampled_from(OPTIONS), value=values)
@example(path="objective.weights", value={"\n": None})
@example(path="objective", value={"\r\u2028": 0})
@example(path="objective", value={"": None, "0": None})
def test_any_value_of_an_option_is_taken_or_one_sentence_a_fault(path: str, value: object) -> None:
    try:
        load_recipe("vae", {path: value}).toml()
    except InputError as error:
        faults = error.faults if isinstance(error, InputErrors) else [str(error)]
        assert all("\n" not in fault and len(fault) < 1500 for fault in faults)


@ANYTHING
@given(word=st.text(max_size=60) | st.builds("{}={}".format, st.sampled_from(OPTIONS), st.text(max_size=60)))
@example(word="a=" + "[" * 3000)
@example(word="bottleneck.dim=1\nname='x'")
def test_any_override_is_taken_or_one_sentence(word: str) -> None:
    try:
        resolve(apply({"data": {"kind": "scenes"}}, parse_overrides([word])))
    except InputError as error:
        assert len(str(error)) < 1500


@ANYTHING
@given(data=st.data())
def test_a_mutated_recipe_file_is_taken_or_one_sentence(data: st.DataObject, tmp_path_factory: object) -> None:
    """Bytes cut, put in and exchanged in a sound recipe and a sound study."""
    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    path = tmp_path_factory.getbasetemp() / "mutated.toml"
    study = f"base = {{}}\n[[variation]]\nname = 'x'\n[variation.changes]\n{RECIPE.replace('[', '[variation.changes.')}"
    content = data.draw(st.sampled_from([RECIPE, study])).encode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        piece = data.draw(st.binary(max_size=6) | st.sampled_from([b"[", b"=", b'"', b"\n", b"9" * 400, b"inf", b"."]))
        content = content[:at] + piece + content[at + data.draw(st.integers(0, 3)) :]
    path.write_bytes(content)
    for load in (load_recipe, load_plan):
        try:
            load(str(path))
        except InputError as error:
            assert len(str(error)) < 2000


def test_ctrl_characters_of_a_process_of_its_own(tmp_path: Path) -> None:
    """The whole way, from a shell's words to its terminal."""
    answer = finish(start("train", f"{ESCAPE}.toml"))
    assert answer == Answer(2, "", "isthmus: \\x1b[31m.toml: no such file; check the path\n")
