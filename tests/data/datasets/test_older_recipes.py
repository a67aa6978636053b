"""A recipe that an earlier version resolved reads the same pixels: three channels of 8 bits, 16 bits scaled whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from safetensors.numpy import save_file

from isthmus.core import registry
from isthmus.recipes.recipe import as_written_then

_rng = np.random.default_rng(0)
DEEP = _rng.integers(0, 65536, (8, 9), dtype=np.uint16)
GREY = _rng.integers(0, 256, (8, 9), dtype=np.uint8)
RGBA = _rng.integers(0, 256, (8, 9, 4), dtype=np.uint8)


def loaded(**then: Any) -> np.ndarray:
    data = dict(as_written_then({"data": then})["data"])
    train = registry.build("datasets", data.pop("kind"), data).load().train
    return train.images[: len(train)]


def in_8_bits(deep: np.ndarray) -> np.ndarray:
    return ((deep.astype(np.int64) + 128) // 257).astype(np.uint8)


def test_grey_deep_and_transparent_files_become_rgb_as_before(tmp_path: Path) -> None:
    for name, picture in {"a": DEEP, "b": GREY, "c": RGBA}.items():
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    white = Image.alpha_composite(Image.new("RGBA", (9, 8), "white"), Image.fromarray(RGBA)).convert("RGB")
    expected = [
        *(np.repeat(picture[None], 3, axis=0) for picture in (in_8_bits(DEEP), GREY)),
        np.asarray(white).transpose(2, 0, 1),
    ]
    assert np.array_equal(loaded(kind="folder", path=str(tmp_path), size=[8, 9]), expected)
    newer = registry.build("datasets", "folder", {"path": str(tmp_path), "size": [8, 9], "range": [0.0, 1000.0]})
    assert not np.array_equal(newer.load().train.images[:3], expected), "otherwise this test would show nothing"


def test_a_range_that_was_given_stays(tmp_path: Path) -> None:
    Image.fromarray(DEEP // 16).save(tmp_path / "a.png")
    scaled = np.rint((DEEP // 16) / 4095 * 255).astype(np.uint8)
    images = loaded(kind="folder", path=str(tmp_path), size=[8, 9], range=[0.0, 4095.0], splits="by-name")
    assert np.array_equal(images[0], np.repeat(scaled[None], 3, axis=0))


@pytest.mark.parametrize("highest", [255, 1])
def test_lists_of_whole_numbers_are_their_pixels(highest: int, tmp_path: Path) -> None:
    """Those of 0 and 1 too, which are taken for masks today."""
    numbers = _rng.integers(0, highest + 1, (4, 72))
    pq.write_table(pa.table({"img": numbers.tolist()}), tmp_path / "train.parquet")
    images = loaded(kind="parquet", path=str(tmp_path), shape=[8, 9])
    assert np.array_equal(images, np.repeat(numbers.reshape(4, 1, 8, 9), 3, axis=1))


def test_arrays_stay_as_they_were_kept(tmp_path: Path) -> None:
    kept = _rng.integers(0, 2, (4, 3, 8, 3), dtype=np.uint8)
    save_file({"images": kept}, tmp_path / "images.safetensors")
    assert np.array_equal(loaded(kind="arrays", path=str(tmp_path / "images.safetensors")), kept)


def test_recipes_of_today_are_left_alone() -> None:
    for data in ({"kind": "folder", "splits": "by-name", "channels": "auto"}, {"kind": "scenes"}, {"kind": "digits"}):
        assert as_written_then({"data": data}) == {"data": data}
    assert as_written_then({"data": {"kind": "folder", "splits": "none", "fit": "pad"}})["data"].get("range") is None
