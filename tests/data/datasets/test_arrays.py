"""Arrays in files: every layout and type is read right, or one sentence says why not; nothing is unpickled."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from isthmus.core.errors import InputError
from isthmus.data.datasets.arrays import Arrays
from isthmus.data.interfaces import PictureSet

_rng = np.random.default_rng(0)
IMAGES = _rng.integers(0, 256, (12, 3, 8, 10), dtype=np.uint8)
GREY = IMAGES[:, :1]


def found(path: Path, **options: Any) -> PictureSet:
    return Arrays(path=str(path), **options).pictures()


def pixels(path: Path, split: str = "train", **options: Any) -> np.ndarray:
    """The pictures of a split, (N, C, H, W), before a form is applied."""
    pictures = found(path, **options).parts[split]
    return np.stack(
        [np.asarray(picture) for start, stop in pictures.chunks() for picture in pictures.read(start, stop)]
    )


def saved(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (IMAGES, IMAGES),
        (IMAGES.transpose(0, 2, 3, 1), IMAGES),
        (GREY[:, 0], GREY),
        (np.asfortranarray(IMAGES), IMAGES),
        (IMAGES[::-1, :, ::2], IMAGES[::-1, :, ::2]),
        (IMAGES.astype(np.int64), IMAGES),
        (IMAGES.astype(">i4"), IMAGES),
        (IMAGES.astype(np.float32), IMAGES),
        (IMAGES / 255, IMAGES),
        ((IMAGES / 255).astype(">f4"), IMAGES),
        (IMAGES > 99, (IMAGES > 99) * np.uint8(255)),
        ((IMAGES > 99).astype(np.int64), (IMAGES > 99) * np.uint8(255)),
        (IMAGES.astype(np.uint16) * 9, IMAGES.astype(np.uint16) * 9),
        ((IMAGES.astype(np.int16) - 99).astype(">i2"), IMAGES.astype(np.int16) - 99),
        (IMAGES.astype(np.float16) * 4, IMAGES.astype(np.float16) * 4),
    ],
)
def test_every_layout_and_type_gives_the_same_pictures(array: np.ndarray, expected: np.ndarray, tmp_path: Path) -> None:
    result = pixels(saved(tmp_path / "a.npy", array))
    assert result.dtype == expected.dtype and result.dtype.isnative and np.array_equal(result, expected)


def test_what_was_decided_is_said(tmp_path: Path) -> None:
    said = [change.sentence for change in found(saved(tmp_path / "a.npy", IMAGES / 255)).said]
    assert said == [
        "Reduced to 8 bits: 12 of 12 images, fractions of which 0 becomes black and 1 white; data.depth=16 keeps more "
        "levels."
    ]
    deep = found(tmp_path / "a.npy", depth=16)
    assert deep.said == () and deep.form.range == (0, 1)
    said = [change.sentence for change in found(saved(tmp_path / "b.npy", IMAGES > 9)).said]
    assert said == ["Taken for masks: 12 of 12 images, in which all numbers are 0 or 1; 0 becomes black and 1 white."]
    assert found(saved(tmp_path / "c.npy", IMAGES)).said == ()


def test_numbers_are_left_alone_where_their_range_is_given(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", IMAGES / 255 * 2 - 1)
    assert np.array_equal(pixels(path, range=[-1, 1]), IMAGES / 255 * 2 - 1)


def test_where_the_channels_are_is_seen_or_asked(tmp_path: Path) -> None:
    bands = _rng.integers(0, 256, (6, 5, 16, 24), dtype=np.uint8)
    path = saved(tmp_path / "a.npy", bands)
    with pytest.raises(InputError, match=r"the shape \(6, 5, 16, 24\) does not tell which axis .*set data\.channels"):
        found(path)
    assert np.array_equal(pixels(path, channels=5), bands)
    assert np.array_equal(pixels(path, layout="NCHW"), bands)
    assert np.array_equal(pixels(saved(path, bands.transpose(0, 2, 3, 1)), channels=5), bands)
    square = _rng.integers(0, 256, (6, 12, 16, 16), dtype=np.uint8)
    assert np.array_equal(pixels(saved(path, square)), square)
    assert np.array_equal(pixels(saved(path, square.transpose(0, 2, 3, 1))), square)
    with pytest.raises(InputError, match=r"\(6, 3, 16, 3\) does not tell which .* data\.layout to NCHW or NHWC"):
        found(saved(path, np.zeros((6, 3, 16, 3), np.uint8)))
    with pytest.raises(InputError, match=r"data\.layout: NHW does not fit the shape \(6, 3, 16, 3\)"):
        found(path, layout="NHW")


# --- what a file holds


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test", None, None),
        ("train_images", "train_labels", "test_images", "test_labels", "val_images", "val_labels"),
        ("images", "labels", None, None, None, None),
        ("X", "y", None, None, None, None),
        ("arr_0", "arr_1", None, None, None, None),
    ],
)
def test_npz_files_are_read_by_their_usual_names(names: tuple[str | None, ...], save: Any, tmp_path: Path) -> None:
    labels = np.arange(12)
    values = (IMAGES, labels[:, None], IMAGES[::-1], labels[::-1], IMAGES[3:5], labels[3:5])
    save(tmp_path / "a.npz", **{name: value for name, value in zip(names, values, strict=True) if name})
    parts = found(tmp_path / "a.npz").parts
    assert np.array_equal(pixels(tmp_path / "a.npz"), IMAGES)
    assert parts["train"].labels is not None and parts["train"].labels.tolist() == list(range(12))
    assert ("test" in parts, "validation" in parts) == (names[2] is not None, names[4] is not None)
    if "test" in parts:
        assert np.array_equal(pixels(tmp_path / "a.npz", "test"), IMAGES[::-1])
        assert parts["test"].labels is not None and parts["test"].labels.tolist() == list(range(11, -1, -1))


def test_other_names_are_asked_for(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", scans=IMAGES, masks=IMAGES > 5)
    with pytest.raises(InputError, match=r"a\.npz holds `scans`, `masks`, of which none .* data\.image_array"):
        found(tmp_path / "a.npz")
    assert np.array_equal(pixels(tmp_path / "a.npz", image_array="scans"), IMAGES)
    with pytest.raises(InputError, match=r"data\.image_array: there is no array 'scan'; there are `scans`, `masks`"):
        found(tmp_path / "a.npz", image_array="scan")
    np.savez(tmp_path / "one.npz", scans=IMAGES)
    assert np.array_equal(pixels(tmp_path / "one.npz"), IMAGES)


def test_safetensors_hold_channels_first(tmp_path: Path) -> None:
    save_file({"images": IMAGES, "labels": np.arange(12)}, tmp_path / "a.safetensors")
    data = Arrays(path=str(tmp_path / "a.safetensors")).load()
    assert np.array_equal(data.train.images, IMAGES)
    assert data.train.labels is not None and data.train.labels.tolist() == list(range(12))
    narrow = np.zeros((4, 3, 9, 3), np.uint8)
    save_file({"images": narrow}, tmp_path / "b.safetensors")
    assert pixels(tmp_path / "b.safetensors").shape == narrow.shape


def test_a_folder_of_npy_files_is_one_set(tmp_path: Path) -> None:
    for name, array in {"x_train": IMAGES, "y_train": np.arange(12), "x_test": IMAGES[:2] + 1}.items():
        saved(tmp_path / f"{name}.npy", array)
    parts = found(tmp_path).parts
    assert len(parts["test"]) == 2 and parts["train"].labels is not None and parts["test"].labels is None


def test_labels_and_test_images_may_be_in_other_files(tmp_path: Path) -> None:
    path, tests = saved(tmp_path / "a.npy", IMAGES), saved(tmp_path / "t.npy", IMAGES[:3])
    names = saved(tmp_path / "names.npy", np.array(["dog", "cat", ""] * 4))
    picture_set = found(path, label_file=str(names), test=str(tests))
    assert picture_set.class_names == ("cat", "dog") and picture_set.source == "arrays: a.npy, tested on t.npy"
    assert picture_set.parts["train"].labels is not None
    assert picture_set.parts["train"].labels.tolist() == [1, 0, -1] * 4 and len(picture_set.parts["test"]) == 3
    assert set(picture_set.files) == {path, tests, names}


# --- reading by parts


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors"])
def test_values_are_read_when_asked_for_and_in_other_processes(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "npy":
        saved(path, IMAGES)
    elif kind == "npz":
        np.savez(path, images=IMAGES, labels=np.arange(12))
    else:
        save_file({"images": IMAGES}, path)
    pictures = found(path).parts["train"]
    assert pictures.portable
    sent = pickle.dumps(pictures)
    assert len(sent) < 1500
    middle = np.stack([np.asarray(picture) for picture in pickle.loads(sent).read(5, 8)])
    assert np.array_equal(middle, IMAGES[5:8])
    assert pictures.name(3).endswith("image 3")
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(InputError, match=r"ends within|is damaged"):
        list(pictures.read(10, 12))


# --- what cannot be read


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    """Reading the array with pickles allowed would create the folder."""

    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "ran"),)

    objects = np.array([Trap()] * 4, dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "a.npz", images=objects)
    np.savez_compressed(tmp_path / "b.npz", images=IMAGES, labels=objects)
    for name, text in (("a.npy", "holds objects"), ("a.npz", "`images` holds objects"), ("b.npz", "objects of Python")):
        with pytest.raises(InputError, match=text):
            found(tmp_path / name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 64)), r"an array of shape \(4, 64\) is not a set of images; save it as \(N, H, W\)"),
        (np.zeros((0, 8, 8)), r"holds no pixels"),
        (np.zeros((4, 8, 8), np.complex64), r"holds complex64 rather than numbers"),
        (np.full((4, 8, 8), "x"), r"holds <U1 rather than numbers"),
        (np.zeros(5, [("a", "i4")]), r"holds \[\('a', '<i4'\)\] rather than numbers"),
    ],
)
def test_what_is_no_images_is_one_sentence(array: np.ndarray, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        found(saved(tmp_path / "a.npy", array))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(11), r"11 labels for 12 images; give one label for each image"),
        (np.eye(12), r"holds labels of shape \(12, 12\) and type float64; save the class"),
        (np.full(12, 0.5), r"holds labels that are no whole numbers"),
        (np.full(12, 2**63, np.uint64), r"holds labels of 2\^63 and more"),
        (np.full(12, 1e30), r"holds labels that are no whole numbers of 64 bits"),
    ],
)
def test_labels_that_do_not_fit_are_one_sentence(labels: np.ndarray, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=labels)
    with pytest.raises(InputError, match=message):
        found(tmp_path / "a.npz")


def test_labels_that_only_some_images_have_are_counted(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=IMAGES, y_train=[np.nan, 1] * 6, x_test=IMAGES[:3])
    told = "9 of 15 images in arrays: a.npz have no label: 6 of 12 to train on, 3 of 3 for test."
    assert found(tmp_path / "a.npz").notices == (told,)
    np.savez(tmp_path / "b.npz", images=IMAGES)
    assert found(tmp_path / "b.npz").notices == ()


def test_classes_that_are_numbers_may_have_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=[1, 0, 2] * 4, class_names=["owl", "ant", "äön"])
    assert found(tmp_path / "a.npz").class_names == ("owl", "ant", "äön")
    for wrong in (["owl", "ant"], [1, 2, 3], [["a"] * 3] * 3, np.array(["a", "b", {}], dtype=object)):
        np.savez(tmp_path / "b.npz", images=IMAGES, labels=[1, 0, 2] * 4, class_names=wrong)
        picture_set = found(tmp_path / "b.npz")
        assert picture_set.class_names == ()
        (notice,) = picture_set.notices
        assert notice.endswith("`class_names` is not used: it is no text with a name for each class up to 2.")


def test_splits_of_other_channels_are_one_sentence(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=IMAGES, x_test=GREY)
    with pytest.raises(InputError, match=r"the channels differ, 3 of the train images and 1 of the test images; give"):
        found(tmp_path / "a.npz")


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors"])
def test_damaged_files_are_one_sentence(kind: str, tmp_path: Path) -> None:
    """Wherever the file ends, and whichever byte of its head is wrong."""
    path = tmp_path / f"a.{kind}"
    if kind == "npy":
        saved(path, IMAGES)
    elif kind == "npz":
        np.savez_compressed(path, images=IMAGES)
    else:
        save_file({"images": IMAGES}, path)
    whole = path.read_bytes()
    for content in [
        *(whole[:end] for end in (0, 1, 5, 9, 40, 100, len(whole) - 1)),
        b"\0" * 100,
        whole[:7] + whole[:-7],
    ]:
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"^data\.path: .*; get it again|damaged"):
            pixels(path)
    for place in range(0, min(len(whole), 120), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            pixels(path)
        except InputError:
            continue


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^data\.path: .*gone\.npy cannot be read \(No such file"):
        found(tmp_path / "gone.npy")
    with pytest.raises(InputError, match=r"^data\.path: .* holds no \.npy file"):
        found(tmp_path)
    with pytest.raises(InputError, match=r"^data\.label_file: .*gone\.npy cannot be read"):
        found(saved(tmp_path / "a.npy", IMAGES), label_file=str(tmp_path / "gone.npy"))
