"""`isthmus new` writes a study file that loads and runs, for any images, and never over a file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image
from tests.command import assert_refused, isthmus

from isthmus.recipes.study_plan import load_plan

RANDOM = np.random.default_rng(0)


def pictures(folder: Path, *sizes: tuple[int, int], count: int = 24) -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        height, width = sizes[number % len(sizes)]
        Image.fromarray(RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("sizes", "size"),
    [
        ([(24, 24)], 24),
        ([(20, 32)], [20, 32]),
        ([(64, 64)], 64),
        ([(30, 44), (52, 60)], 40),
        ([(200, 300)], 128),
    ],
    ids=str,
)
def test_the_size_fits_the_pictures(sizes: list[tuple[int, int]], size: int | list[int], place: Path) -> None:
    pictures(place / "some pictures", *sizes)
    answer = isthmus("new", "study.toml", "some pictures")
    assert answer.code == 0, answer
    recipe = load_plan("study.toml").variations[0].recipe(0)
    assert (recipe.data.kind, recipe.data.options["size"]) == ("folder", size)
    assert recipe.data.options["path"] == str(place / "some pictures")


def test_the_file_runs(place: Path) -> None:
    np.save(place / "grey.npy", RANDOM.integers(0, 256, (60, 12, 12), dtype=np.uint8))
    facts = json.loads(isthmus("new", "mine/study.toml", "grey.npy", "--json").out)
    assert facts == {
        "study": "mine/study.toml",
        "schema": "mine/isthmus-study.schema.json",
        "images": 60,
        "image_shape": [1, 12, 12],
    }
    small = ["train.steps=2", "train.least_steps=0", "limit=2", "compare=denoise", "--out", "out", "-q"]
    answer = isthmus("study", "mine/study.toml", *small)
    assert answer.code == 0, answer
    assert len(list((place / "out").glob("*/seed-0/evaluation.json"))) == 3


def test_without_data_it_is_of_digits_and_as_its_comments_say(place: Path) -> None:
    assert isthmus("new", "study.toml").code == 0
    text = (place / "study.toml").read_text()
    assert text.startswith("#:schema ./isthmus-study.schema.json\n")
    schema = json.loads((place / "isthmus-study.schema.json").read_text())
    assert jsonschema.Draft7Validator(schema).is_valid(tomllib.loads(text))
    plan = load_plan("study.toml")
    names = [row.name for row in plan.variations]
    assert {f"linear-{start}-dim-{dim}" for start in ("pca", "none") for dim in (4, 8, 16)} | {"denoise"} == set(names)
    assert {row.compare for row in plan.variations} == {("linear-pca-dim-8",), ()}
    assert "linear-pca-dim-4, linear-pca-dim-8, ... linear-none-dim-16" in text
    assert plan.variations[0].recipe(0).data.kind == "digits"


def test_it_never_writes_over_a_file(place: Path) -> None:
    (place / "study.toml").write_text("mine")
    (place / "link.toml").symlink_to("nothing")
    for name in ("study.toml", "link.toml"):
        assert_refused(isthmus("new", name), name, "never writes over a file", "choose another name")
    assert (place / "study.toml").read_text() == "mine"
    assert not (place / "nothing").exists()
    assert not (place / "isthmus-study.schema.json").exists()


def test_a_schema_of_another_maker_stays(place: Path) -> None:
    (place / "isthmus-study.schema.json").write_text("{}")
    answer = isthmus("new", "study.toml")
    assert answer.code == 0
    assert "stays as it is" in answer.err
    assert (place / "isthmus-study.schema.json").read_text() == "{}"
    assert "#:schema" not in (place / "study.toml").read_text()
    (place / "isthmus-study.schema.json").unlink()
    for name in ("a.toml", "b.toml"):  # the second replaces what the first wrote
        assert "stays" not in isthmus("new", name).err


def test_pictures_that_cannot_be_read_are_left_out_and_named(place: Path) -> None:
    pictures(place / "p", (16, 16), count=6)
    (place / "p/bad.png").write_bytes(b"no picture")
    answer = isthmus("new", "study.toml", "p")
    assert answer.code == 0
    assert "bad.png: not a readable image" in answer.err
    assert load_plan("study.toml").variations[0].recipe(0).data.options["skip_broken"] is True
    (place / "q").mkdir()
    (place / "q/bad.png").write_bytes(b"no picture")
    assert_refused(isthmus("new", "other.toml", "q"), "bad.png", "replace it or leave it out")
    assert not (place / "other.toml").exists()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["study"], ["study", "ends in .toml", "study.toml"]),
        (["study.toml", ""], ["data: ''", "is not a path"]),
        (["study.toml", "nowhere"], ["'nowhere'", "nor a path that exists"]),
        (["study.toml", "cifr10"], ["'cifr10'", "did you mean 'cifar10'"]),
        (["study.toml", "."], ["holds no images"]),
    ],
)
def test_wrong_words(words: list[str], parts: list[str], place: Path) -> None:
    assert_refused(isthmus("new", *words), *parts)
    assert list(place.iterdir()) == []


def test_a_name_with_a_line_break_stays_in_its_comment(place: Path) -> None:
    assert isthmus("new", "a\nseeds = 9.toml").code == 0
    (path,) = place.glob("*.toml")
    assert tomllib.loads(path.read_text())["seeds"] == 1
