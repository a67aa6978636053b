"""Parquet image sets: the hub's layouts are found, joined and checked."""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.data.datasets.parquet import Parquet
from isthmus.data.splits import split

NAMES = ("cat", "dog")
_rng = np.random.default_rng(0)


def pixels(count: int, side: int = 8) -> np.ndarray:
    return _rng.integers(0, 256, (count, 3, side, side), dtype=np.uint8)


def encoded(image: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0).copy()).save(buffer, kind)
    return buffer.getvalue()


def write(
    path: Path,
    images: np.ndarray | list[bytes | None],
    column: str = "img",
    names: tuple[str, ...] = NAMES,
    labels: Any = True,
) -> np.ndarray | list[bytes | None]:
    """One file as the `datasets` library writes it, in row groups of three."""
    files = [encoded(image) if isinstance(image, np.ndarray) else image for image in images]
    columns: dict[str, Any] = {column: [{"bytes": file, "path": f"{i}.png"} for i, file in enumerate(files)]}
    if labels is not None:
        columns["label"] = [index % 2 for index in range(len(files))] if labels is True else labels
    features = {column: {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})} if names else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), path, row_group_size=3)
    return images


def load(path: Path | list[Path], **options: Any) -> Any:
    return Parquet(path=[str(p) for p in path] if isinstance(path, list) else str(path), **options).load()


def test_folder_gives_pixels_labels_names_and_both_splits(tmp_path: Path) -> None:
    train, test = write(tmp_path / "set/train.parquet", pixels(7)), write(tmp_path / "set/test.parquet", pixels(2))
    data = load(tmp_path / "set")
    assert np.array_equal(data.train.images, train) and np.array_equal(data.test.images, test)
    assert data.train.labels.tolist() == [0, 1, 0, 1, 0, 1, 0] and data.train.labels.dtype == np.int64
    assert data.class_names == NAMES and data.notices == ()
    assert data.source == "parquet: set/train, tested on set/test"


@pytest.mark.parametrize("name", ["validation", "val", "valid-00000-of-00001", "dev_1"])
def test_validation_files_are_validated_on_and_never_trained_on(name: str, tmp_path: Path) -> None:
    train, held = write(tmp_path / "set/train.parquet", pixels(40)), write(tmp_path / f"set/{name}.parquet", pixels(5))
    write(tmp_path / "set/valuable.parquet", pixels(1))
    data = load(tmp_path / "set")
    assert np.array_equal(data.train.images, train) and np.array_equal(data.validation.images, held)
    assert "set/validation for validation (5 images)" in data.handling[0].sentence
    splits = split(data)
    assert np.array_equal(splits.validation.images, held) and len(splits.train) + len(splits.test) == 40
    assert load(tmp_path / "set", splits="train-test").validation is None


@pytest.mark.parametrize("folder", ["", "data", "plain_text"])
def test_shards_are_joined_in_order_wherever_the_hub_puts_them(folder: str, tmp_path: Path) -> None:
    parts = [write(tmp_path / folder / f"train-0000{i}-of-00003.parquet", pixels(4)) for i in range(3)]
    test = write(tmp_path / folder / "test-00000-of-00001.parquet", pixels(2))
    data = load(tmp_path)
    assert np.array_equal(data.train.images, np.concatenate(parts))
    assert np.array_equal(data.test.images, test)


def test_missing_shard_is_refused(tmp_path: Path) -> None:
    for index in (0, 2):
        write(tmp_path / f"train-0000{index}-of-00003.parquet", pixels(1))
    with pytest.raises(InputError, match=r"only 2 of the 3 files train-00000-of-00003.parquet"):
        load(tmp_path)


def test_jpeg_is_decoded_too(tmp_path: Path) -> None:
    image = np.full((3, 8, 8), 90, dtype=np.uint8)
    write(tmp_path / "train.parquet", [encoded(image, "JPEG")])
    assert np.abs(load(tmp_path).train.images[0].astype(int) - 90).max() < 3


def test_one_file_is_all_training_and_test_is_carved(tmp_path: Path) -> None:
    train = write(tmp_path / "photos.parquet", pixels(40))
    write(tmp_path / "test.parquet", pixels(2))
    data = load(tmp_path / "photos.parquet")
    assert np.array_equal(data.train.images, train) and data.test is None
    assert data.source == f"parquet: {tmp_path.name}/photos"
    assert len(split(data).test) == 4


def test_several_places_are_joined_and_one_gives_the_test_images(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a/train.parquet", pixels(3)), write(tmp_path / "b/train.parquet", pixels(2))
    test = write(tmp_path / "b/test.parquet", pixels(2))
    places = [tmp_path / "a", tmp_path / "b"]
    for options in ({}, {"test": str(tmp_path / "b")}, {"test": str(tmp_path / "b/test.parquet")}):
        data = load(places, **options)
        assert np.array_equal(data.train.images, np.concatenate([one, other]))
        assert np.array_equal(data.test.images, test)
        assert data.source == "parquet: a/train + b/train, tested on b/test"


def test_two_places_with_test_images_need_a_choice(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / name / "train.parquet", pixels(3))
        write(tmp_path / name / "test.parquet", pixels(1))
    places = [tmp_path / "a", tmp_path / "b"]
    with pytest.raises(InputError, match=r"^data\.test: .*a and .*b both hold .* data\.test=.*b$"):
        load(places)
    assert len(load(places, test=str(tmp_path / "a")).test) == 1


def test_test_images_among_the_training_images_are_found(tmp_path: Path) -> None:
    images = write(tmp_path / "train.parquet", pixels(30))
    write(tmp_path / "test.parquet", list(map(encoded, images[4:6])))
    with pytest.raises(InputError, match="2 of 2 test images are also training images"):
        split(load(tmp_path))


def test_column_called_image_is_found_and_another_can_be_named(tmp_path: Path) -> None:
    write(tmp_path / "a/train.parquet", pixels(2), column="image")
    assert len(load(tmp_path / "a").train) == 2
    write(tmp_path / "b/train.parquet", pixels(2), column="photo")
    assert len(load(tmp_path / "b", image_column="photo").train) == 2
    with pytest.raises(InputError, match=r"no column 'img' or 'image' .*columns photo, label; .*data.image_column"):
        load(tmp_path / "b")


def test_plain_binary_column_is_read(tmp_path: Path) -> None:
    images = pixels(2)
    pq.write_table(pa.table({"img": [encoded(image) for image in images]}), tmp_path / "train.parquet")
    data = load(tmp_path)
    assert np.array_equal(data.train.images, images)
    assert data.train.labels is None and data.class_names == ()
    assert data.notices == (f"{tmp_path / 'train.parquet'} has no column 'label': its images have no labels.",)


def test_missing_labels_are_marked_as_on_the_hub(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", pixels(3), labels=[1, None, 0])
    assert load(tmp_path).train.labels.tolist() == [1, -1, 0]


@pytest.mark.parametrize(
    ("labels", "numbers", "names"),
    [
        (["dog", "cat", None, "dog"], [1, 0, -1, 1], ("cat", "dog")),
        (pa.array(["dog", "cat", None, "dog"]).dictionary_encode(), [1, 0, -1, 1], ("cat", "dog")),
        ([2.0, None, 0.0, float("nan")], [2, -1, 0, -1], ()),  # as pandas writes numbers of which some are missing
        ([True, False, None, True], [1, 0, -1, 1], ()),
        ([None] * 4, None, ()),
    ],
    ids=["names", "dictionary", "floats", "booleans", "none"],
)
def test_labels_are_names_or_numbers_and_may_be_missing(
    labels: Any, numbers: list[int] | None, names: tuple[str, ...], tmp_path: Path
) -> None:
    labels = pa.array(labels, pa.int64()) if numbers is None else labels
    write(tmp_path / "train.parquet", pixels(4), names=(), labels=labels)
    data = load(tmp_path)
    assert data.class_names == names
    assert data.train.labels is None if numbers is None else data.train.labels.tolist() == numbers


def test_labels_that_only_some_images_have_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", pixels(4), labels=[1, None, 0, None])
    write(tmp_path / "test.parquet", pixels(2), labels=[None, 1])
    (notice,) = load(tmp_path).notices
    assert notice.startswith("3 of 6 images in parquet: ")
    assert notice.endswith(" have no label: 2 of 4 to train on, 1 of 2 for test.")


def test_names_of_classes_are_numbered_over_all_splits(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", pixels(2), names=(), labels=["owl", "cat"])
    write(tmp_path / "test.parquet", pixels(2), names=(), labels=["dog", "owl"])
    data = load(tmp_path)
    assert data.class_names == ("cat", "dog", "owl")
    assert data.train.labels.tolist() == [2, 0] and data.test.labels.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0.5, 1.0], r"column 'label' holds 0\.5, which is no class"),
        ([[1], [2]], r"column 'label' holds list<.* rather than numbers or names of classes"),
        (pa.array([2**63, 0], pa.uint64()), r"such as 2\^63 and more"),
        ([-1e30, 0.0], r"numbers beyond 64 bits"),
    ],
    ids=["halves", "lists", "huge", "hugely negative"],
)
def test_labels_that_are_no_classes_are_refused(labels: Any, message: str, tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", pixels(2), labels=labels)
    with pytest.raises(InputError, match=message):
        load(tmp_path)


def test_a_column_may_tell_the_splits(tmp_path: Path) -> None:
    images = pixels(150)
    parts = ["train", "test", "train", "val", "train"] * 30
    files = [encoded(image) for image in images]
    columns = pa.table({"image": files, "label": list(range(150)), "part": parts})
    pq.write_table(columns, tmp_path / "all.parquet", row_group_size=7)
    data = load(tmp_path / "all.parquet", split_column="part")
    for found, name in ((data.train, "train"), (data.validation, "val"), (data.test, "test")):
        rows = [row for row, part in enumerate(parts) if part == name]
        assert np.array_equal(found.images, images[rows]) and found.labels.tolist() == rows
    with pytest.raises(InputError, match=r"row 0: column 'label' holds 0, which names no split"):
        load(tmp_path / "all.parquet", split_column="label")
    with pytest.raises(InputError, match=r"data\.split_column: .* no column 'gone' among image, label, part"):
        load(tmp_path / "all.parquet", split_column="gone")


@pytest.mark.parametrize("as_struct", [False, True])
def test_images_may_lie_beside_the_file(as_struct: bool, tmp_path: Path) -> None:
    images = pixels(3)
    (tmp_path / "pictures").mkdir()
    for index, image in enumerate(images):
        (tmp_path / "pictures" / f"{index}.png").write_bytes(encoded(image))
    names: list[Any] = [f"pictures/{index}.png" for index in range(3)]
    column = [{"bytes": None, "path": name} for name in names] if as_struct else names
    pq.write_table(pa.table({"image": column}), tmp_path / "train.parquet")
    assert np.array_equal(load(tmp_path).train.images, images)
    files = {path.relative_to(tmp_path).as_posix() for path in Parquet(path=str(tmp_path)).pictures().files}
    assert files == {"train.parquet", *names}, "that one of them changed must be seen"
    (tmp_path / "pictures/1.png").unlink()
    with pytest.raises(InputError, match=r"row 1: has no image, only a path \('pictures/1.png'\) at which there is no"):
        load(tmp_path)
    assert len(load(tmp_path, skip_broken=True).train) == 2


@pytest.mark.parametrize("path", ["../secret.png", "/etc/secret.png", "a/../../secret.png", "a\0.png"])
def test_images_outside_the_folder_of_the_file_are_not_read(path: str, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(encoded(pixels(1)[0]))
    (tmp_path / "set").mkdir()
    pq.write_table(pa.table({"image": [path]}), tmp_path / "set/train.parquet")
    with pytest.raises(InputError, match=r"row 0: its image is .*, outside the folder of the parquet file"):
        load(tmp_path / "set", skip_broken=True)


# --- lists of numbers


@pytest.mark.parametrize(
    ("numbers", "shape", "expected"),
    [
        (np.arange(2 * 6).reshape(2, 6), [2, 3], (1, 2, 3)),
        (np.arange(2 * 6).reshape(2, 2, 3), None, (1, 2, 3)),
        (np.arange(2 * 120).reshape(2, 120), [5, 8, 3], (3, 5, 8)),
        (np.arange(2 * 120).reshape(2, 120), [3, 5, 8], (3, 5, 8)),
        (np.arange(2 * 384).reshape(2, 384), [8, 8, 6], (6, 8, 8)),
        (np.arange(2 * 384).reshape(2, 6, 8, 8), None, (6, 8, 8)),
    ],
)
def test_lists_of_numbers_are_images(
    numbers: np.ndarray, shape: list[int] | None, expected: tuple[int, ...], tmp_path: Path
) -> None:
    pq.write_table(pa.table({"image": (numbers % 256).tolist()}), tmp_path / "train.parquet")
    parts = Parquet(path=str(tmp_path), shape=shape).pictures().parts
    found = list(parts["train"].read(0, 2))
    assert [picture.shape for picture in found if isinstance(picture, np.ndarray)] == [expected] * 2
    assert all(picture.dtype == np.uint8 for picture in found if isinstance(picture, np.ndarray))
    channels_last = shape is not None and len(shape) == 3 and shape[2] == expected[0]
    values = np.asarray(found[1]).transpose(1, 2, 0) if channels_last else np.asarray(found[1])
    assert np.array_equal(values.ravel(), numbers[1].ravel() % 256)


def test_one_dark_picture_of_many_bits_is_not_taken_for_8_bits(tmp_path: Path) -> None:
    """A slice of a scan whose values happen to stay below 256 has the scale of the others."""
    numbers = [[200] * 4, [4000] * 4]
    pq.write_table(pa.table({"image": numbers}), tmp_path / "train.parquet")
    parts = Parquet(path=str(tmp_path), shape=[2, 2]).pictures().parts
    assert [np.asarray(picture).max() for picture in parts["train"].read(0, 2)] == [200, 4000]
    assert all(np.asarray(picture).dtype != np.uint8 for picture in parts["train"].read(0, 2))


@pytest.mark.parametrize(
    ("numbers", "shape", "message"),
    [
        (
            [list(range(64))] * 2,
            None,
            r"row 0: is a list of 64 numbers; set the image's shape with data\.shape=\[8, 8\]",
        ),
        ([list(range(64))] * 2, [8, 9], r"data\.shape: \[8, 9\] does not fit the 64 numbers"),
        ([[1, 2, 3, 4], [1, 2, 3]], [2, 2], r"row 1: holds numbers of shape \(3,\)"),
        ([[[1, 2], [3]]] * 2, None, r"row 0: holds lists of different lengths"),
        (
            [[1, 2, 3, 4], [1, None, 3, None], [5] * 4],
            [2, 2],
            r"train\.parquet, row 1: lacks 2 of its 4 numbers; correct this row, or remove it$",
        ),
        ([[1, 2, 3, None]] * 2, [2, 2], r"row 0: lacks 1 of its 4 numbers"),
        ([None, [[1, 2], [3, None]]], None, r"row 1: lacks 1 of its 4 numbers"),
        ([None, list(range(64))], None, r"row 1: is a list of 64 numbers"),
    ],
)
def test_lists_that_are_no_images_are_one_sentence(
    numbers: list[Any], shape: list[int] | None, message: str, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"image": numbers}), tmp_path / "train.parquet")
    with pytest.raises(InputError, match=message):
        load(tmp_path, shape=shape)


# --- reading by parts


def test_a_large_row_group_is_not_read_at_once(tmp_path: Path) -> None:
    files = [_rng.bytes(20_000) for _ in range(1000)]
    pq.write_table(pa.table({"image": files}), tmp_path / "a.parquet", use_dictionary=False, write_batch_size=16)
    pictures = Parquet(path=str(tmp_path / "a.parquet")).pictures().parts["train"]
    before, peak = pa.total_allocated_bytes(), 0
    for read, expected in zip(pictures.read(0, 1000), files, strict=True):
        assert read == expected
        peak = max(peak, pa.total_allocated_bytes() - before)
    assert peak < 8_000_000, "of 20 MB"


@pytest.mark.parametrize("group", [3, 100, 1000])
def test_chunks_follow_row_groups_and_cover_all(group: int, tmp_path: Path) -> None:
    numbers = np.arange(700 * 4).reshape(700, 4)
    for name, part in (("a", numbers[:400]), ("b", numbers[400:])):
        pq.write_table(pa.table({"image": part.tolist()}), tmp_path / f"train-{name}.parquet", row_group_size=group)
    pictures = Parquet(path=str(tmp_path), shape=[2, 2]).pictures().parts["train"]
    chunks = list(pictures.chunks())
    assert [start for start, _ in chunks] == [0, *(stop for _, stop in chunks[:-1])] and chunks[-1][1] == 700
    assert len(chunks) > 1 and all(stop > start for start, stop in chunks)
    found = [np.asarray(picture).ravel() for start, stop in chunks for picture in pictures.read(start, stop)]
    assert np.array_equal(np.stack(found), numbers)
    assert np.array_equal(np.asarray(next(iter(pictures.read(401, 402)))).ravel(), numbers[401])
    assert pictures.name(401).endswith("train-b.parquet, row 1")
    assert pickle.loads(pickle.dumps(pictures)).name(401) == pictures.name(401)


def test_classes_numbered_differently_are_not_joined(tmp_path: Path) -> None:
    write(tmp_path / "a/train.parquet", pixels(1))
    write(tmp_path / "b/train.parquet", pixels(1), names=("dog", "cat"))
    with pytest.raises(InputError, match=r"number their classes differently \(cat, dog; dog, cat\)"):
        load([tmp_path / "a", tmp_path / "b"])
    write(tmp_path / "b/train.parquet", pixels(1), names=())
    assert load([tmp_path / "a", tmp_path / "b"]).class_names == NAMES


def test_images_of_several_sizes_need_one(tmp_path: Path) -> None:
    mixed = [encoded(image) for image in [*pixels(4), *pixels(1, side=5)]]
    write(tmp_path / "train.parquet", mixed)
    with pytest.raises(InputError, match=r"train.parquet, row 4: is 5x5, but .* are 8x8 .* data\.size=N"):
        load(tmp_path)
    assert load(tmp_path, size=6).train.images.shape == (5, 3, 6, 6)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file[: len(file) // 2], r"row 4: not a readable image \("),
        (lambda file: b"text", r"row 4: not a readable image \(none of"),
        (lambda file: b"", "row 4: is empty"),
        (lambda file: None, "row 4: has no image, only a path"),
    ],
)
def test_damaged_image_is_named_by_its_row(damage: Any, message: str, tmp_path: Path) -> None:
    files: list[bytes | None] = [encoded(image) for image in pixels(6)]
    files[4] = damage(files[4])
    write(tmp_path / "train.parquet", files)
    with pytest.raises(InputError, match=message):
        load(tmp_path)


def test_damaged_file_is_named(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", pixels(20, side=16))
    whole = (tmp_path / "train.parquet").read_bytes()
    for content in (b"", b"version https://git-lfs.github.com/spec/v1\n", whole[: len(whole) // 2]):
        (tmp_path / "train.parquet").write_bytes(content)
        with pytest.raises(InputError, match=r"train.parquet: not a readable parquet file"):
            load(tmp_path)
    (tmp_path / "train.parquet").write_bytes(whole[:8] + bytes(2000) + whole[2008:])
    with pytest.raises(InputError, match=r"train.parquet: damaged|row \d+: "):
        load(tmp_path)


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("gone", {}, r"^data\.path: .*gone does not exist"),
        ("empty", {}, r"^data\.path: .*empty holds no train\*\.parquet \(found: none\)"),
        ("other", {}, r"holds no train\*\.parquet \(found: photos\.parquet\)"),
        ("whole", {"test": "gone"}, r"^data\.test: gone does not exist"),
        ("numbers", {}, r"column 'img' holds int64 rather than image files"),
        ("rowless", {}, r"holds no rows"),
    ],
)
def test_wrong_paths_and_columns_are_named(path: str, options: dict[str, str], message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path / "other/photos.parquet", pixels(1))
    write(tmp_path / "whole/train.parquet", pixels(1))
    for name, column in (("numbers", [1, 2]), ("rowless", pa.array([], pa.binary()))):
        (tmp_path / name).mkdir()
        pq.write_table(pa.table({"img": column}), tmp_path / name / "train.parquet")
    with pytest.raises(InputError, match=message):
        load(tmp_path / path, **options)


def test_options_that_name_nothing_are_refused() -> None:
    with pytest.raises(InputError, match=r"data\.path: \[\] is empty"):
        Parquet(path=[])
    with pytest.raises(InputError, match=r"data\.size: 0"):
        Parquet(path="x", size=0)
