"""A store is complete or absent, holds what was decoded, and says in one sentence what is wrong with it."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.drawn_pictures import Files, drawn, picture_set

from isthmus.core.errors import InputError, RunError
from isthmus.core.values import Dataset
from isthmus.data import decode, workers
from isthmus.data.interfaces import PictureSet
from isthmus.data.splits import split
from isthmus.data.store import build, cache
from isthmus.data.store.opening import damaged_images, open_store


class Source:
    """A data set whose pictures count as worth a store."""

    def __init__(self, found: PictureSet) -> None:
        self.found = found

    def pictures(self) -> PictureSet:
        return self.found


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Reads a picture set through the cache in `tmp_path`."""
    monkeypatch.setattr(cache, "_WORTH", 0)
    return lambda found: cache.read("folder", Source(found), tmp_path / "cache")  # type: ignore[arg-type]


def folders(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "stores").glob("*/"))


def same(one: Dataset, other: Dataset) -> None:
    for a, b in ((one.train, other.train), (one.test, other.test)):
        assert a is not None and b is not None
        assert np.array_equal(a.images[:], b.images[:])
        assert np.array_equal(a.labels, b.labels)  # type: ignore[arg-type]
    left, right = split(one), split(other)
    assert (left.hash, left.notices, left.handling) == (right.hash, right.notices, right.handling)
    assert (one.source, one.class_names, one.range) == (other.source, other.class_names, other.range)


def test_a_store_holds_what_is_decoded_in_memory(tmp_path: Path, stored) -> None:
    found = picture_set(tmp_path / "pictures", size=(4, 5))
    same(stored(found), decode.load(found))
    assert stored(found).train.images.shape == (20, 3, 4, 5)


def test_other_processes_decode_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored) -> None:
    found = picture_set(tmp_path / "pictures", 150)
    monkeypatch.setattr(build, "_FEW", 0)
    monkeypatch.setattr(workers, "cores", lambda: 2)
    same(stored(found), decode.load(found))


def test_pictures_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored) -> None:
    found = picture_set(tmp_path / "pictures")
    first = stored(found)
    monkeypatch.setattr(cache, "build", None)
    same(stored(found), first)


def test_a_picture_that_changes_gives_another_store(tmp_path: Path, stored) -> None:
    found = picture_set(tmp_path / "pictures")
    stored(found)
    Image.fromarray(drawn(1, seed=9)[0].transpose(1, 2, 0)).save(found.files[3])
    os.utime(found.files[3], ns=(1, 1))  # however coarse the disk's clock is
    assert np.array_equal(stored(found).train.images[3:4], drawn(1, seed=9))
    assert len(folders(tmp_path)) == 2


def test_a_killed_build_leaves_nothing_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored) -> None:
    """Whatever a kill leaves beside is replaced by the next build."""
    found = picture_set(tmp_path / "pictures")
    monkeypatch.setattr(build, "_describe", lambda *_: os._exit(9))
    child = os.fork()
    if not child:
        stored(found)
    assert os.waitpid(child, 0)[1] == 9 << 8
    left = folders(tmp_path)
    assert [folder.suffix for folder in left] == [".new"]
    monkeypatch.undo()
    monkeypatch.setattr(cache, "_WORTH", 0)
    same(stored(found), decode.load(found))
    assert [folder.suffix for folder in folders(tmp_path)] == [""]


def test_pictures_that_cannot_be_read_leave_no_store(tmp_path: Path, stored) -> None:
    found = picture_set(tmp_path / "pictures")
    found.files[2].write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"1 of 25 images in drawn pictures cannot be read \(train-0002.png"):
        stored(found)
    assert not folders(tmp_path)


def test_pictures_that_are_left_out_are_named_and_their_rows_skipped(tmp_path: Path, stored) -> None:
    found = picture_set(tmp_path / "pictures", skip_broken=True)
    found.files[2].write_bytes(b"no picture")
    dataset = stored(found)
    same(dataset, decode.load(found))
    assert np.array_equal(dataset.train.images[:], np.delete(drawn(20), 2, axis=0))
    assert dataset.train.labels is not None
    assert dataset.train.labels.tolist() == np.delete(np.arange(20) % 3, 2).tolist()
    assert any("train-0002.png" in notice for notice in dataset.notices)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored
) -> None:
    found = picture_set(tmp_path / "pictures")
    monkeypatch.setattr(build.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100}))
    with pytest.raises(RunError, match="no room for the decoded images; free some with `isthmus data clean`"):
        stored(found)
    assert not folders(tmp_path)


def cut_pixels(folder: Path) -> None:
    path = folder / "train.pixels"
    path.write_bytes(path.read_bytes()[:-1])


def other_pixels(folder: Path) -> None:
    path = folder / "train.pixels"
    path.write_bytes(bytes(path.stat().st_size))


def no_columns(folder: Path) -> None:
    (folder / "test.safetensors").unlink()


def cut_columns(folder: Path) -> None:
    path = folder / "train.safetensors"
    path.write_bytes(path.read_bytes()[:50])


def other_count(folder: Path) -> None:
    header = json.loads((folder / "store.json").read_text())
    header["images"]["train"] -= 1
    (folder / "store.json").write_text(json.dumps(header))


def no_json(folder: Path) -> None:
    (folder / "store.json").write_text("{")


DAMAGES = (cut_pixels, other_pixels, no_columns, cut_columns, other_count, no_json)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_is_one_sentence_and_one_in_the_cache_is_made_again(tmp_path: Path, stored, damage) -> None:
    found = picture_set(tmp_path / "pictures")
    stored(found)
    (folder,) = folders(tmp_path)
    damage(folder)
    with pytest.raises(InputError, match=r"is not a whole store .*; delete it, and make it again"):
        open_store(folder)
    same(stored(found), decode.load(found))


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path, stored) -> None:
    stored(picture_set(tmp_path / "pictures"))
    (folder,) = folders(tmp_path)
    path = folder / "store.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(InputError, match="from a newer isthmus"):
        open_store(folder)


def test_a_check_of_all_pixels_finds_one_changed_byte(tmp_path: Path, stored) -> None:
    stored(picture_set(tmp_path / "pictures", 200))
    (folder,) = folders(tmp_path)
    assert damaged_images(folder) == []
    pixels = bytearray((folder / "train.pixels").read_bytes())
    pixels[100 * 3 * 6 * 8] ^= 1
    (folder / "train.pixels").write_bytes(pixels)
    assert damaged_images(folder) == [f"{folder / 'train.pixels'}: 1 of 200 images are damaged."]


def test_cleaning_frees_what_it_lists(tmp_path: Path, stored) -> None:
    stored(picture_set(tmp_path / "pictures"))
    (kept,) = cache.stores(tmp_path / "cache")
    assert kept.source == "drawn pictures"
    assert kept.bytes > 25 * 3 * 6 * 8
    assert cache.remove(kept)
    assert not folders(tmp_path)
    same(stored(picture_set(tmp_path / "pictures")), stored(picture_set(tmp_path / "pictures")))


def test_a_worker_that_dies_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored) -> None:
    monkeypatch.setattr(build, "_FEW", 0)
    monkeypatch.setattr(workers, "cores", lambda: 2)
    monkeypatch.setattr(Files, "__reduce__", lambda self: (os._exit, (3,)))
    with pytest.raises(RunError, match="ended early"):
        stored(picture_set(tmp_path / "pictures"))
    assert not folders(tmp_path)


def test_a_store_that_is_deleted_while_it_is_read_stays_readable(tmp_path: Path, stored) -> None:
    """`isthmus data clean` beside a training loses nothing; what is read after it is made again."""
    found = picture_set(tmp_path / "pictures")
    dataset = stored(found)
    (kept,) = cache.stores(tmp_path / "cache")
    assert cache.remove(kept)
    assert np.array_equal(dataset.train.images[:], drawn(20))
    same(stored(found), dataset)


def test_a_store_that_is_cut_short_while_it_is_read_is_one_sentence(tmp_path: Path, stored) -> None:
    dataset = stored(picture_set(tmp_path / "pictures"))
    cut_pixels(*folders(tmp_path))
    with pytest.raises(RunError, match=r"was cut short while in use; .* and start again"):
        dataset.train.images[:]


def test_a_store_that_is_being_made_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored) -> None:
    cleaned: list[bool] = []
    describe = build._describe

    def clean_first(*facts: object) -> None:
        cleaned.extend(map(cache.remove, cache.stores(tmp_path / "cache")))
        describe(*facts)  # type: ignore[arg-type]

    monkeypatch.setattr(build, "_describe", clean_first)
    found = picture_set(tmp_path / "pictures")
    same(stored(found), decode.load(found))
    assert cleaned == [False]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no process groups")
def test_ctrl_c_reaches_no_process_that_decodes() -> None:
    """One that still imports would answer with a traceback; its parent ends it."""
    worker = workers._Worker({})
    try:
        assert os.getpgid(worker.process.pid) != os.getpgid(0)
    finally:
        worker.end()
    assert worker.process.returncode is not None


def test_two_trainings_at_once_make_one_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored) -> None:
    made: list[Path] = []
    monkeypatch.setattr(cache, "build", lambda *facts: (made.append(facts[2]), time.sleep(0.2), build.build(*facts)))
    found = picture_set(tmp_path / "pictures")
    with ThreadPoolExecutor(2) as pool:
        same(*pool.map(stored, [found, found]))
    assert len(made) == 1
