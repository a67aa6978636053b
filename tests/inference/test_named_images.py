"""Pictures of any source reach a model with their names, labels and hashes, in order and in bounded blocks."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.data import workers
from isthmus.data.datasets.arrays import Arrays
from isthmus.data.form import Form
from isthmus.data.store.opening import read_header
from isthmus.data.store.prepare import prepare
from isthmus.inference.named_images import NamedBlock, NamedImages

FORM = Form.of_model({}, (3, 8, 8), 8)


def images(count: int, seed: int = 0, side: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def all_of(found: NamedImages, rows: int | None = None) -> NamedBlock:
    blocks = list(found.blocks(rows))
    return NamedBlock(
        tuple(name for block in blocks for name in block.names),
        tuple(label for block in blocks for label in block.labels),
        np.concatenate([block.pixels for block in blocks]),
        tuple(digest for block in blocks for digest in block.sha256),
    )


@pytest.fixture
def classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """pets/cat/0.png, ... and pets/dog/0.png, ... in the current folder."""
    monkeypatch.chdir(tmp_path)
    pixels = images(5)
    for place, one in enumerate(pixels):
        save(Path("pets", "cat" if place < 3 else "dog", f"{place}.png"), one)
    return pixels


def test_a_folder_gives_paths_and_folder_names_in_order(classes: np.ndarray) -> None:
    found = all_of(NamedImages(["pets"], FORM))
    assert found.names == ("pets/cat/0.png", "pets/cat/1.png", "pets/cat/2.png", "pets/dog/3.png", "pets/dog/4.png")
    assert found.labels == ("cat", "cat", "cat", "dog", "dog")
    assert (found.pixels == classes.transpose(0, 3, 1, 2)).all()
    assert found.sha256[1] == hashlib.sha256(np.ascontiguousarray(classes[1].transpose(2, 0, 1))).hexdigest()


def test_a_quoted_pattern_gives_the_same_as_the_folder(classes: np.ndarray) -> None:
    folder = all_of(NamedImages(["pets"], FORM))
    for pattern in ("pets/*/*.png", "pets/**/*", "pets/**/*.png"):
        found = all_of(NamedImages([pattern], FORM))
        assert (found.names, found.labels, found.sha256) == (folder.names, folder.labels, folder.sha256)


def test_what_a_pattern_matches_beside_pictures_is_named(classes: np.ndarray) -> None:
    Path("pets/cat/notes.txt").write_text("x")
    found = NamedImages(["pets/cat/*"], FORM)
    assert len(all_of(found).names) == 3
    assert any("pets/cat/notes.txt" in sentence and "not read" in sentence for sentence in found.notices())


def test_single_files_keep_their_order_and_have_no_label(classes: np.ndarray) -> None:
    found = all_of(NamedImages(["pets/dog/4.png", "pets/cat/0.png"], FORM))
    assert found.names == ("pets/dog/4.png", "pets/cat/0.png") and found.labels == (None, None)


def test_a_folder_called_train_beside_other_classes_is_a_class(classes: np.ndarray) -> None:
    """Nothing is left out because a class has the name of a split."""
    save(Path("pets/train/x.png"), images(1)[0])
    save(Path("pets/test/x.png"), images(1)[0])
    found = all_of(NamedImages(["pets"], FORM))
    assert sorted(set(filter(None, found.labels))) == ["cat", "dog", "test", "train"]


def test_folders_of_splits_alone_are_no_labels(tmp_path: Path) -> None:
    for place, split in enumerate(("train", "test")):
        save(tmp_path / split / "cat" / f"{place}.png", images(1)[0])
    found = all_of(NamedImages(str(tmp_path), FORM))
    assert found.labels == ("cat", "cat")
    assert [Path(name).parts[-3] for name in found.names] == ["train", "test"]


def test_rows_of_arrays_are_named_by_file_and_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pixels = images(5)
    np.save("scans.npy", pixels)
    np.savez("both.npz", x_train=pixels[:3], y_train=np.array([4, 5, 6]), x_test=pixels[3:], y_test=np.array([7, 8]))
    found = all_of(NamedImages(["scans.npy"], FORM))
    assert found.names[4] == "scans.npy:4" and (found.pixels == pixels.transpose(0, 3, 1, 2)).all()
    both = all_of(NamedImages(["both.npz"], FORM))
    assert both.names[2:4] == ("both.npz:x_train:2", "both.npz:x_test:0")
    assert both.labels == (4, 5, 6, 7, 8) and both.sha256 == found.sha256


def test_an_array_of_another_size_is_brought_to_the_models_and_that_is_said(tmp_path: Path) -> None:
    np.save(tmp_path / "large.npy", images(3, side=16))
    found = NamedImages(tmp_path / "large.npy", FORM)
    assert all_of(found).pixels.shape == (3, 3, 8, 8)
    assert any("Reduced: 3 of 3 images from 16x16 to 8x8" in sentence for sentence in found.notices())


def test_fractions_with_nan_name_the_picture(tmp_path: Path) -> None:
    """The wrong picture is in a later part of the array, which is read in one go."""
    values = np.random.default_rng(0).random((1030, 8, 8, 3))
    values[1025, 2, 3, 0] = np.nan
    np.save(tmp_path / "f.npy", values)
    with pytest.raises(InputError, match=r"image 1025: holds nan at row 2, column 3"):
        all_of(NamedImages(tmp_path / "f.npy", FORM))
    kept = all_of(NamedImages(tmp_path / "f.npy", FORM, skip_broken=True))
    assert len(kept.names) == 1029 and kept.names[-1].endswith(":1029")


def test_blocks_have_the_asked_size_and_the_same_content(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", images(2500))
    found = NamedImages(tmp_path / "a.npy", FORM)
    assert [len(block) for block in found.blocks(1000)] == [1000, 1000, 500]
    assert all_of(found, 999).sha256 == all_of(found).sha256


def test_a_broken_picture_stops_with_its_name_or_is_left_out(classes: np.ndarray) -> None:
    Path("pets/cat/1.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"cat/1\.png: .*or leave it out with --skip-broken"):
        all_of(NamedImages(["pets"], FORM))
    found = NamedImages(["pets"], FORM, skip_broken=True)
    kept = all_of(found)
    assert len(found) == 5 and kept.labels == ("cat", "cat", "dog", "dog")
    assert kept.names[1] == "pets/cat/2.png"
    assert any("1 of 5 images cannot be read and is left out: cat/1.png" in sentence for sentence in found.notices())


def test_where_no_picture_can_be_read_that_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="1 of 1 image cannot be read"):
        all_of(NamedImages(tmp_path, FORM, skip_broken=True))


@pytest.mark.parametrize("source", ["nowhere", "nowhere/*.png", "empty"])
def test_a_source_without_pictures_is_refused(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    with pytest.raises(InputError, match=source.split("/")[0]):
        NamedImages([source], FORM)


def test_processes_give_the_same_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks come back in any order; names and pixels stay together, and in the order of the source."""
    for place, one in enumerate(images(520)):
        save(tmp_path / f"{place:03}.png", one)
    with monkeypatch.context() as patch:
        patch.setattr(workers, "cores", lambda: 1)
        alone = all_of(NamedImages(tmp_path, FORM))
    monkeypatch.setattr(workers, "cores", lambda: 2)
    shared = all_of(NamedImages(tmp_path, FORM))
    assert (shared.names, shared.sha256) == (alone.names, alone.sha256)


def test_a_data_set_is_named_by_its_kind() -> None:
    found = NamedImages("digits", Form.of_model({}, (1, 8, 8), 8))
    block = next(found.blocks(10))
    assert block.names[:2] == ("digits:0", "digits:1") and block.labels[:3] == ("0", "1", "2")
    assert found.has_labels and found.has_names_as_labels


def test_deep_values_are_on_the_models_range(tmp_path: Path) -> None:
    np.save(tmp_path / "ct.npy", np.array([0, 2000, 4000, 5000], np.uint16).reshape(1, 2, 2))
    form = replace(Form.of_model({}, (1, 2, 2), 16), range=(0.0, 4000.0))
    found = all_of(NamedImages(tmp_path / "ct.npy", form))
    assert found.pixels.dtype == np.uint16
    assert found.pixels.ravel().tolist() == [0, 32768, 65535, 65535]


def test_a_store_gives_what_its_source_gives_unless_its_range_is_another(tmp_path: Path) -> None:
    np.save(tmp_path / "ct.npy", np.random.default_rng(0).integers(0, 4096, (30, 8, 8), dtype=np.uint16))
    prepare("arrays", Arrays(path=str(tmp_path / "ct.npy")), tmp_path / "store")
    ends = read_header(tmp_path / "store").range
    assert ends is not None
    form = replace(Form.of_model({}, (1, 8, 8), 16), range=ends)
    stored, source = (all_of(NamedImages(tmp_path / name, form)) for name in ("store", "ct.npy"))
    assert stored.sha256 == source.sha256 and stored.names[3] == f"{tmp_path / 'store'}:3"
    with pytest.raises(InputError, match=r"its black and white are the values .*; make the store again with range="):
        NamedImages(tmp_path / "store", Form.of_model({}, (1, 8, 8), 16))


def test_pictures_are_read_again_by_their_names(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", images(5))
    found = NamedImages(tmp_path / "a.npy", FORM)
    name = found.address(3)
    again = found.pixels_at({name, "elsewhere"})
    assert list(again) == [name] and (again[name] == all_of(found).pixels[3]).all()


def test_a_parquet_file_without_pictures_gets_a_remedy_that_can_be_followed(tmp_path: Path) -> None:
    """A trained model's verbs have no `data.image_column`."""
    pq.write_table(pa.table({"scan": [b"x"]}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"give the column of images the name 'image'$"):
        NamedImages(tmp_path / "t.parquet", FORM)
