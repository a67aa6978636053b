"""Photographs are cut at their own resolution, and no photograph is in two splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from isthmus.api.asked import asked_run
from isthmus.core.errors import InputError
from isthmus.data.datasets.crops import Crops
from isthmus.data.splits import split


def photographs(folder: Path, count: int, size: tuple[int, int] = (40, 28)) -> list[np.ndarray]:
    """`count` photographs of noise, of (width, height); photograph n has values of 20n to 20n + 19."""
    folder.mkdir(parents=True, exist_ok=True)
    draws, made = np.random.default_rng(0), list[np.ndarray]()
    for number in range(count):
        made.append(draws.integers(20 * number, 20 * number + 20, (size[1], size[0], 3), dtype=np.uint8))
        Image.fromarray(made[-1]).save(folder / f"{number}.png")
    return made


def load(folder: Path, **options: Any) -> Any:
    return Crops(path=str(folder), **{"size": 16, "scales": [1.0], **options}).load()


def origins(images: np.ndarray) -> set[int]:
    """The photographs that crops were cut from."""
    return {int(image.min()) // 20 for image in images}


def test_crops_are_parts_of_the_photograph_as_it_is(tmp_path: Path) -> None:
    made = photographs(tmp_path, 4)
    data = load(tmp_path)
    for image in data.train.images:
        source = made[int(image.min()) // 20].transpose(2, 0, 1)
        places = [(top, left) for top in range(13) for left in range(25)]
        assert any(np.array_equal(source[:, top : top + 16, left : left + 16], image) for top, left in places)
    assert len(data.train) == 2 * 6, "of 40x28 pixels: three columns and two rows, which reach every border"


def test_all_crops_of_a_photograph_are_in_one_split(tmp_path: Path) -> None:
    photographs(tmp_path, 10)
    data = split(load(tmp_path, scales=[1.0, 0.6]))
    parts = [origins(part.images[:]) for part in (data.train, data.validation, data.test)]
    assert [len(part) for part in parts] == [8, 1, 1] and len(set.union(*parts)) == 10
    assert not data.own_test, "they were drawn from the same photographs"


def test_the_splits_do_not_depend_on_where_the_folder_is(tmp_path: Path) -> None:
    photographs(tmp_path / "one", 6)
    photographs(tmp_path / "two", 6)
    one, two = load(tmp_path / "one"), load(tmp_path / "two")
    assert np.array_equal(one.train.images, two.train.images) and np.array_equal(one.test.images, two.test.images)


def test_folders_named_as_splits_are_these(tmp_path: Path) -> None:
    photographs(tmp_path / "train", 3)
    photographs(tmp_path / "test", 5)
    for number in range(3):  # the same pictures would be in both
        (tmp_path / "test" / f"{number}.png").unlink()
    data = load(tmp_path)
    assert origins(data.test.images) == {3, 4} and len(origins(data.train.images)) == 2
    assert split(data).own_test


def test_reduced_photographs_are_cut_too_and_of_many_fewer_crops_are_taken(tmp_path: Path) -> None:
    photographs(tmp_path, 4)
    assert len(load(tmp_path, scales=[1.0, 0.6]).train) == 2 * (6 + 4)
    few = load(tmp_path, scales=[1.0, 0.6], most=8)
    assert [len(part) for part in (few.train, few.validation, few.test)] == [4, 2, 2]
    assert len(load(tmp_path, largest_side=24).train) == 2 * 4, "40x28 pixels become 24x17"


def test_an_even_area_is_not_in_two_splits(tmp_path: Path) -> None:
    """The same white crop in the training and the test images would be refused as a leak."""
    photographs(tmp_path, 4)
    for path in tmp_path.glob("[0-9].png"):
        image = Image.open(path).convert("RGB")
        image.paste("white", (0, 0, 20, 28))
        image.save(path)
    data = split(load(tmp_path))
    whole = np.concatenate([part.images[:] for part in (data.train, data.validation, data.test)])
    assert len(np.unique(whole, axis=0)) == len(whole)


def test_what_cannot_be_cut_is_said(tmp_path: Path) -> None:
    photographs(tmp_path, 4)
    Image.new("RGB", (12, 40)).save(tmp_path / "narrow.png")
    assert any("narrow.png" in notice and "left out" in notice for notice in load(tmp_path).notices)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"broken\.png.*data\.skip_broken=true"):
        load(tmp_path)
    assert any("broken.png" in notice for notice in load(tmp_path, skip_broken=True).notices)
    with pytest.raises(InputError, match=r"none can be cut into 64x64 pixels; make data\.size smaller"):
        load(tmp_path, size=64, skip_broken=True)


def test_too_few_photographs_are_refused(tmp_path: Path) -> None:
    photographs(tmp_path, 2)
    with pytest.raises(InputError, match="holds 2 photographs, too few to train, validate and test on; use three"):
        load(tmp_path)


def test_the_denoiser_cuts_a_folder_of_photographs_also_when_python_names_it(tmp_path: Path) -> None:
    photographs(tmp_path, 3, (70, 70))
    asked = asked_run("denoiser", tmp_path / "run", {}, str(tmp_path))
    assert asked.recipe.data.kind == "crops" and asked.recipe.data.options["path"] == str(tmp_path)
    assert asked_run("residual", tmp_path / "run", {}, str(tmp_path)).recipe.data.kind == "folder"
    chosen = asked_run("denoiser", tmp_path / "run", {}, {"kind": "folder", "path": str(tmp_path)})
    assert chosen.recipe.data.kind == "folder", "what the user says counts"
