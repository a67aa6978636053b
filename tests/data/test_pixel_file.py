"""Any rows of a file of pixels are read as those of an array, and a file that shrinks is an error, not a crash."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import RunError
from isthmus.core.pixels import Pixels, Rows, blocks, chosen
from isthmus.data.pixel_file import PixelFile, write_rows


def pixels(count: int = 30) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 65536, (count, 2, 3, 5)).astype("<u2")


def saved(path: Path, images: np.ndarray) -> PixelFile:
    path.write_bytes(images.tobytes())
    return PixelFile(path, len(images), images.shape[1:], images.dtype)


@pytest.mark.parametrize(
    "rows",
    [
        slice(None),
        slice(4, 9),
        slice(3, 3),
        slice(None, None, -1),
        np.array([7]),
        np.array([5, 6, 7, 2, 29, 0, 0, 1]),
        np.array([], np.int64),
        np.array([-1, -30]),
        np.arange(30) % 3 == 0,
    ],
)
def test_rows_are_those_of_the_array(tmp_path: Path, rows: object) -> None:
    images = pixels()
    file = saved(tmp_path / "pixels", images)
    assert np.array_equal(file[rows], images[rows])
    assert file[rows].dtype == images.dtype


def test_a_view_of_a_view_reads_its_own_rows(tmp_path: Path) -> None:
    images = pixels()
    view: Pixels = chosen(chosen(saved(tmp_path / "pixels", images), np.arange(0, 30, 2)), np.array([3, 1]))
    assert isinstance(view, Rows)
    assert not isinstance(view.images, Rows), "views do not pile up"
    assert view.shape == (2, 2, 3, 5)
    assert np.array_equal(view[:], images[[6, 2]])


def test_blocks_cover_all_rows_in_order(tmp_path: Path) -> None:
    file = saved(tmp_path / "pixels", pixels())
    assert np.array_equal(np.concatenate([file[block] for block in blocks(file, 7)]), file[:])


def test_a_file_that_is_cut_short_while_in_use_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "pixels"
    file = saved(path, pixels())
    assert len(file[:2]) == 2
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match=r"was cut short while in use; .*isthmus data prepare"):
        file[:]


def test_a_deleted_file_stays_readable_once_it_is_open_and_is_one_sentence_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "pixels"
    file, late = saved(path, pixels()), PixelFile(path, 30, (2, 3, 5), np.dtype("<u2"))
    assert len(file[:2]) == 2
    path.unlink()
    assert np.array_equal(file[:], pixels())
    with pytest.raises(RunError, match="cannot be read"):
        late[:]


def test_it_goes_to_another_process_without_its_open_file(tmp_path: Path) -> None:
    file = saved(tmp_path / "pixels", pixels())
    assert len(file[:1]) == 1
    assert np.array_equal(pickle.loads(pickle.dumps(file))[:], pixels())


def test_rows_are_written_without_the_others(tmp_path: Path) -> None:
    images, path = pixels(), tmp_path / "pixels"
    path.write_bytes(bytes(images.nbytes))
    rows = np.array([3, 4, 5, 9, 0])
    write_rows(path, rows, images[rows])
    file = PixelFile(path, 30, (2, 3, 5), images.dtype)
    assert np.array_equal(file[rows], images[rows])
    assert not file[np.array([1, 2, 6, 29])].any()


@pytest.mark.parametrize("own", [True, False])
def test_the_remedy_is_that_of_the_place(own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache's store is made again by itself; `isthmus data clean` does not delete the user's own."""
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path / "cache"))
    folder = tmp_path / "mine" if own else tmp_path / "cache" / "stores" / "name"
    file = PixelFile(folder / "train.pixels", 2, (1, 2, 2), np.dtype(np.uint8))
    with pytest.raises(RunError) as caught:
        file[:]
    again = f"delete {folder}, make it again with `isthmus data prepare`, and start again"
    assert str(caught.value).endswith(f"; {again if own else 'start again, and it is made again'}")
