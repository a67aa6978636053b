"""`isthmus data` as a newcomer uses it: wrong words, paths in place of names, folders that are there already."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.command import isthmus


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of 20 pictures, in the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    for index, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (20, 6, 8, 3), dtype=np.uint8)):
        Image.fromarray(pixels).save(folder / f"{index:02d}.png")
    return folder


def refused(*words: object) -> str:
    """The sentence that the command line says of wrong use."""
    answer = isthmus(*words)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1), answer
    return answer.err


def test_data_alone_shows_its_help() -> None:
    answer = isthmus("data")
    assert answer.code == 2
    assert answer.out.startswith("Usage: isthmus data")
    assert answer.err == ""


def test_a_path_in_place_of_a_name_is_read_by_what_is_in_it(photos: Path) -> None:
    assert isthmus("data", "photos", "size=4", "--json") == isthmus("data", "folder", "path=photos", "size=4", "--json")
    assert "'phtos' is neither a data set (" in refused("data", "phtos")
    assert "did you mean 'cifar10'" in refused("data", "cifr10")


def test_prepare_fills_an_empty_folder(photos: Path) -> None:
    """Also the current one, and one behind a link: neither can be replaced by a rename."""
    for name in ("here", "empty", "behind"):
        Path(name).mkdir()
    Path("link").symlink_to("behind")
    os.chdir("here")
    assert isthmus("data", "prepare", "../photos", "size=4", "-o", ".", "-q").code == 0
    os.chdir("..")
    for out in ("empty", "link", "new/below"):
        assert isthmus("data", "prepare", "photos", "size=4", "-o", out, "-q").out == f"{out}\n"
    for store in ("here", "empty", "behind", "new/below"):
        assert isthmus("data", "info", store).code == 0
        assert sorted(file.name for file in Path(store).iterdir()) == [
            "store.json",
            "train.pixels",
            "train.safetensors",
        ]
    assert not list(Path.cwd().glob(".*"))


def test_prepare_refuses_what_it_would_overwrite_or_cannot_make(photos: Path) -> None:
    before = sorted(photos.iterdir())
    assert "exists and is not empty; choose another --out" in refused("data", "prepare", "photos", "-o", "photos")
    assert sorted(photos.iterdir()) == before
    Path("link").symlink_to("nowhere")
    assert "is a link to nothing; choose another --out" in refused("data", "prepare", "photos", "-o", "link")
    said = refused("data", "prepare", "photos", "-o", "photos/00.png/store")
    assert said.startswith("isthmus: photos/00.png/store: "), said
    assert not list(Path.cwd().rglob(".*"))


def test_prepare_says_that_a_source_takes_one_path(photos: Path) -> None:
    said = refused("data", "prepare", "photos", "photos", "size=4", "-o", "both")
    assert "SOURCE: 2 paths for the data set 'folder', which takes one" in said


def test_prepare_joins_no_data_set_with_paths(photos: Path) -> None:
    said = refused("data", "prepare", "photos", "digits", "-o", "both")
    assert "SOURCE: digits is a whole data set and cannot be joined; prepare it alone" in said
    np.save("x.npy", np.zeros((9, 4, 4), np.uint8))
    said = refused("data", "prepare", "photos", "x.npy", "-o", "both")
    assert "SOURCE: arrays and folder cannot be joined; prepare them one at a time" in said


def test_info_of_what_is_no_store_says_how_to_make_one(photos: Path) -> None:
    for name in ("photos", "nothing", "photos/00.png"):
        assert "not a store" in (said := refused("data", "info", name))
        assert said.endswith("; `isthmus data prepare SOURCE -o FOLDER` makes one\n")


def test_info_names_the_source_once_and_counts_channels(photos: Path) -> None:
    isthmus("data", "prepare", "photos", "size=4", "channels=1", "-o", "grey", "-q")
    said = isthmus("data", "info", "grey").out
    assert "source        folder: photos\n" in said
    assert "kind          folder\n" in said
    assert "1 channel, height 4, width 4, 8 bits" in said
    assert json.loads(isthmus("data", "info", "grey", "--json").out)["shape"] == [1, 4, 4]


def test_a_store_is_the_source_of_another(photos: Path) -> None:
    isthmus("data", "prepare", "photos", "size=4", "-o", "one", "-q")
    assert isthmus("data", "prepare", "one", "-o", "two", "-q").code == 0
    assert isthmus("data", "one").out == isthmus("data", "two").out


def test_a_dangling_link_among_pictures_is_named_or_left_out(photos: Path) -> None:
    (photos / "zz.png").symlink_to("nowhere")
    assert "1 of 21 images in folder: photos cannot be read (zz.png: does not exist)" in refused("data", "photos")
    left_out = isthmus("data", "photos", "--skip-broken")
    assert left_out.code == 0
    assert "zz.png" in left_out.err


@pytest.mark.parametrize("count", (1, 4))
def test_too_few_pictures_are_said_to_be_too_few(photos: Path, count: int) -> None:
    for picture in sorted(photos.iterdir())[count:]:
        picture.unlink()
    assert "too few to train, validate and test on; use 5 or more" in refused("data", "photos")


def test_a_channel_that_pages_cannot_show_is_refused_at_once(photos: Path) -> None:
    assert "data.shown_channels: [7] names channel 7" in refused("data", "photos", "shown_channels=[7]")
