"""A folder of pictures becomes a data set, and every file that does not is named."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.data.datasets.folder import Folder
from isthmus.data.splits import split


def picture(path: Path, value: int = 0, size: tuple[int, int] = (9, 7)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(path)


def load(path: Path, **options: Any) -> Any:
    return Folder(path=str(path), **options).load()


def values(images: np.ndarray) -> list[int]:
    """The grey value each picture was made with, to tell them apart."""
    return [int(image[0, 0, 0]) for image in images]


def test_flat_folder_is_read_in_order_of_names_without_labels(tmp_path: Path) -> None:
    for value, name in enumerate(["b.png", "a.PNG", "c.bmp", "d.Jpg", "e.tiff", "f.gif", "g.webp"]):
        picture(tmp_path / name, value)
    data = load(tmp_path)
    assert data.train.images.shape == (7, 3, 64, 64)
    assert values(data.train.images) == [1, 0, 2, 3, 4, 5, 6]
    assert data.train.labels is None and data.test is None and data.class_names == () and data.notices == ()
    assert data.source == f"folder: {tmp_path.name}"


def test_subfolders_are_classes_with_all_that_lies_below(tmp_path: Path) -> None:
    for value, name in enumerate(["dog/1.png", "cat/2.png", "cat/kittens/3.png", "dog/0.png"]):
        picture(tmp_path / name, value)
    data = load(tmp_path, size=4)
    assert values(data.train.images) == [1, 2, 3, 0]
    assert data.class_names == ("cat", "dog") and data.train.labels.tolist() == [0, 0, 1, 1]
    assert data.train.labels.dtype == np.int64


@pytest.mark.parametrize("name", ["validation", "val", "valid", "dev", "Validation"])
def test_folder_of_validation_images_is_validated_on_and_never_trained_on(name: str, tmp_path: Path) -> None:
    for value in range(20):
        picture(tmp_path / f"Train/cat/{value}.png", value)
        picture(tmp_path / f"{name}/cat/{value}.png", 100 + value)
    data = load(tmp_path, size=4)
    assert data.class_names == ("cat",) and data.notices == ()
    splits = split(data)
    assert sorted(values(splits.validation.images)) == list(range(100, 120))
    assert sorted([*values(splits.train.images), *values(splits.test.images)]) == list(range(20))
    said = [change.sentence for change in splits.handling]
    assert f"Used as splits: Train to train on (20 images), {name} for validation (20 images)." in said
    assert "Folder names used as labels: cat." in said


def test_all_three_splits_may_be_given_or_none_be_wanted(tmp_path: Path) -> None:
    for value, name in enumerate(["train/1.png", "val/2.png", "test/3.png", "extra/4.png"]):
        picture(tmp_path / name, value)
    data = load(tmp_path)
    assert data.validation is not None and data.test is not None
    assert values(data.validation.images) == [1] and values(data.test.images) == [2]
    assert data.notices == (f"Of {tmp_path}, train and val and test are used; not used: extra.",)
    assert load(tmp_path, splits="none").class_names == ("extra", "test", "train", "val")


def test_train_and_test_folders_are_the_splits(tmp_path: Path) -> None:
    """As earlier versions divided, whose runs still name the same images."""
    for value, name in enumerate(["train/dog/1.png", "train/cat/2.png", "test/dog/3.png", "val/dog/4.png"]):
        picture(tmp_path / name, value)
    data = load(tmp_path, splits="train-test")
    assert values(data.train.images) == [1, 0] and values(data.test.images) == [2]
    assert data.class_names == ("cat", "dog") and data.test.labels.tolist() == [1]
    assert data.notices == (f"Of {tmp_path}, train and test are used; not used: val.",)


def test_test_images_can_be_elsewhere(tmp_path: Path) -> None:
    picture(tmp_path / "mine/1.png", 1)
    picture(tmp_path / "theirs/2.png", 2)
    data = load(tmp_path / "mine", test=str(tmp_path / "theirs"))
    assert values(data.test.images) == [2]
    assert data.source == "folder: mine, tested on theirs"


def test_folder_called_train_alone_is_a_class(tmp_path: Path) -> None:
    """There are railways in the world."""
    picture(tmp_path / "boat/1.png")
    picture(tmp_path / "train/2.png")
    assert load(tmp_path).class_names == ("boat", "train")


def test_every_size_is_brought_to_the_one_asked(tmp_path: Path) -> None:
    for index, size in enumerate([(1, 1), (1, 40), (200, 3), (16, 16)]):
        picture(tmp_path / f"{index}.png", 50 + index, size)
    images = load(tmp_path, size=16).train.images
    assert images.shape == (4, 3, 16, 16)
    assert all((image == 50 + index).all() for index, image in enumerate(images))


def test_pictures_beside_subfolders_leave_no_labels_and_say_so(tmp_path: Path) -> None:
    picture(tmp_path / "loose.png")
    picture(tmp_path / "cat/1.png")
    data = load(tmp_path)
    assert len(data.train) == 2 and data.train.labels is None
    assert "holds 1 image itself and 1 in subfolders: they are taken together" in data.notices[0]


def test_other_files_are_named_and_hidden_pictures_counted(tmp_path: Path) -> None:
    """Hidden files that are no pictures, as systems leave them everywhere, are nobody's business."""
    picture(tmp_path / "a.png")
    (tmp_path / ".DS_Store").touch()
    assert load(tmp_path).notices == ()
    picture(tmp_path / ".hidden.png")
    picture(tmp_path / "kept/.thumbnails/b.png")
    hidden = (
        f"{tmp_path} also holds 2 hidden pictures, left out because the name of the file or of its "
        f"folder begins with a dot: .hidden.png, {Path('kept/.thumbnails/b.png')}."
    )
    assert load(tmp_path).notices == (hidden,)
    for index in range(7):
        (tmp_path / f"notes{index}.txt").touch()
    assert load(tmp_path).notices == (
        f"{tmp_path} also holds other files, which are not read: "
        "notes0.txt, notes1.txt, notes2.txt, notes3.txt, notes4.txt and 2 more.",
        hidden,
    )
    assert len(load(tmp_path).train) == 1


def test_links_are_followed_but_not_round_in_circles(tmp_path: Path) -> None:
    picture(tmp_path / "set/cat/1.png", 1)
    picture(tmp_path / "elsewhere/2.png", 2)
    (tmp_path / "set/dog").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set/cat/loop").symlink_to(tmp_path / "set")
    (tmp_path / "set/cat/self").symlink_to(tmp_path / "set/cat")
    data = load(tmp_path / "set")
    assert values(data.train.images) == [1, 2] and data.class_names == ("cat", "dog")


def test_height_and_width_may_differ(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 7, (78, 64))
    assert load(tmp_path, size=[64, 78]).train.images.shape == (1, 3, 64, 78)
    for wrong in ([64], [64, 78, 3], [0, 8], []):
        with pytest.raises(InputError, match=r"data.size: .* must be \[height, width\]"):
            load(tmp_path, size=wrong)


def damaged(folder: Path, count: int) -> None:
    for index in range(count):
        picture(folder / f"{index}.png")
        whole = (folder / f"{index}.png").read_bytes()
        (folder / f"{index}.png").write_bytes(whole[: len(whole) // 2])


def test_unreadable_files_are_named_and_counted(tmp_path: Path) -> None:
    damaged(tmp_path / "cat", 6)
    picture(tmp_path / "dog/good.png", 9)
    (tmp_path / "cat/5.png").write_bytes(b"")
    (tmp_path / "dog/gone.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "dog/pipe.png")
    with pytest.raises(
        InputError, match=r"^8 of 9 images in .* cannot be read \(cat/0.png: not a .*--skip-broken"
    ) as caught:
        load(tmp_path)
    message = str(caught.value)
    assert all(f"cat/{index}.png" in message for index in range(5)) and "and 3 more" in message
    data = load(tmp_path, skip_broken=True)
    assert values(data.train.images) == [9] and data.train.labels.tolist() == [1]
    assert data.class_names == ("cat", "dog")
    assert data.notices[0].startswith(
        f"8 of 9 images in folder: {tmp_path.name} cannot be read and are left out: cat/0.png"
    )


def test_decompression_bombs_are_left_out_like_damaged_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    picture(tmp_path / "a.png")
    picture(tmp_path / "bomb.png", size=(30, 30))
    with pytest.raises(InputError, match=r"bomb.png: has more than the 100 pixels"):
        load(tmp_path)
    assert "bomb.png" in load(tmp_path, skip_broken=True).notices[0]


def test_nothing_readable_is_an_error_even_when_skipping(tmp_path: Path) -> None:
    damaged(tmp_path, 2)
    with pytest.raises(InputError, match="2 of 2 images"):
        load(tmp_path, skip_broken=True)


def test_skipped_files_of_both_splits_are_noticed(tmp_path: Path) -> None:
    for name in ("train", "test"):
        picture(tmp_path / name / "good.png")
        (tmp_path / name / "bad.png").touch()
    notices = load(tmp_path, skip_broken=True).notices
    assert "2 of 4 images" in notices[0] and "train/bad.png" in notices[0] and "test/bad.png" in notices[0]


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("gone", {}, r"^data\.path: .*gone does not exist; name a folder"),
        ("file.png", {}, r"^data\.path: .*file\.png is not a folder"),
        ("empty", {}, r"^data\.path: .*empty holds no images \(nothing\)"),
        ("texts", {}, r"^data\.path: .*texts holds no images \(only a\.txt\)"),
        ("good", {"test": "gone"}, r"^data\.test: gone does not exist"),
        ("good", {"size": 0}, r"^data\.size: 0 must"),
    ],
)
def test_folders_without_images_are_refused(path: str, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    picture(tmp_path / "file.png")
    picture(tmp_path / "good/1.png")
    (tmp_path / "empty/below").mkdir(parents=True)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.txt").touch()
    with pytest.raises(InputError, match=message):
        load(tmp_path / path, **options)


# --- labels in a table beside the pictures


def table(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("metadata.csv", ["file_name,label", "a.png,dog", "sub/b.png,cat", "c.png,"]),
        (
            "metadata.jsonl",
            ['{"file_name": "a.png", "label": "dog"}', '{"file_name": "sub/b.png", "label": "cat"}'],
        ),
    ],
)
def test_labels_come_from_a_table(name: str, lines: list[str], tmp_path: Path) -> None:
    for value, file in enumerate(["a.png", "c.png", "sub/b.png"]):
        picture(tmp_path / file, value)
    table(tmp_path / name, *lines)
    data = load(tmp_path, size=4)
    assert data.class_names == ("cat", "dog") and data.train.labels.tolist() == [1, -1, 0]
    said = [change.sentence for change in data.handling]
    assert f"Column 'label' of {name} used as labels: cat, dog." in said
    assert not any(name in notice for notice in data.notices)


def test_each_split_may_have_its_table_or_one_be_for_all(tmp_path: Path) -> None:
    for value, file in enumerate(["train/a.png", "test/b.png"]):
        picture(tmp_path / file, value)
    table(tmp_path / "metadata.csv", "file_name,kind", "train/a.png,3", "test/b.png,7")
    for _ in range(2):
        data = load(tmp_path, size=4, label_column="kind")
        assert data.train.labels.tolist() == [3] and data.test.labels.tolist() == [7] and data.class_names == ()
        (tmp_path / "metadata.csv").unlink(missing_ok=True)
        table(tmp_path / "train/metadata.csv", "file_name,kind", "a.png,3")
        table(tmp_path / "test/metadata.csv", "file_name,kind", "b.png,7")


def test_a_table_without_labels_leaves_those_of_folders(tmp_path: Path) -> None:
    picture(tmp_path / "cat/a.png")
    table(tmp_path / "metadata.csv", "file_name,caption", "cat/a.png,a cat")
    data = load(tmp_path)
    assert data.class_names == ("cat",)
    assert (
        "has no column 'label', so no labels come from it; data.label_column names another (caption)" in data.notices[0]
    )
    assert load(tmp_path, label_column="caption").class_names == ("a cat",)


def test_texts_in_a_table_may_have_line_breaks(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    picture(tmp_path / "b.png", 2)
    table(tmp_path / "metadata.csv", "file_name,text,label", 'a.png,"one', 'two",dog', "b.png,one\u2028line,cat")
    assert load(tmp_path).train.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        (
            "metadata.csv",
            ["file_name,label", "gone.png,1", "also.png,2"],
            r"names 2 files that are not there \(gone.png",
        ),
        ("metadata.csv", ["file_name,label", "../a.png,1"], r"names '../a.png', which is not a file in its folder"),
        (
            "metadata.csv",
            ["file_name,label", "/etc/passwd,1"],
            r"names '/etc/passwd', which is not a file in its folder",
        ),
        ("metadata.csv", ["file_name,label", "a.png,1,2"], r"more values than columns"),
        (
            "metadata.jsonl",
            ['{"file_name": "a.png", "label": [1]}'],
            r"holds \[1\], which is neither a whole number nor a name",
        ),
        (
            "metadata.jsonl",
            ['{"file_name": "a.png", "label": 99999999999999999999999}'],
            r"column 'label' holds 9{23}, which is too large for the number of a class; correct it$",
        ),
        (
            "metadata.csv",
            ["file_name,label", "a.png,cat", "./a.png,dog"],
            r"gives a\.png the label 'dog', and it already has 'cat'; keep one of them$",
        ),
        (
            "metadata.jsonl",
            ['{"file_name": "a.png", "label": 1}', '{"label": 2}'],
            r"row 2 has no 'file_name'; add it, or remove the row$",
        ),
        ("metadata.jsonl", ["{"], r"line 1 is not JSON"),
        ("metadata.jsonl", ["[]"], r"line 1 is no table"),
    ],
)
def test_a_wrong_table_is_one_sentence(name: str, lines: list[str], message: str, tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    table(tmp_path / name, *lines)
    with pytest.raises(InputError, match=message):
        load(tmp_path)


def test_two_tables_that_disagree_about_a_picture_are_one_sentence(tmp_path: Path) -> None:
    picture(tmp_path / "train/a.png")
    picture(tmp_path / "test/b.png")
    table(tmp_path / "metadata.csv", "file_name,label", "train/a.png,1", "test/b.png,2")
    table(tmp_path / "train/metadata.csv", "file_name,label", "a.png,1")
    assert load(tmp_path).train.labels.tolist() == [1]
    table(tmp_path / "train/metadata.csv", "file_name,label", "a.png,2")
    with pytest.raises(InputError, match=r"train.metadata\.csv: gives a\.png the label '2', and it already has '1'"):
        load(tmp_path)


@pytest.mark.parametrize("lines", [["a.png,cat", "b.png,"], ["a.png,cat", "b.png"], ["a.png,cat"]])
def test_pictures_that_a_table_leaves_without_a_label_are_counted(lines: list[str], tmp_path: Path) -> None:
    """Whether their label is empty, their line ends early, or no line names them."""
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    table(tmp_path / "metadata.csv", "file_name,label", *lines)
    data = load(tmp_path)
    assert data.train.labels.tolist() == [0, -1]
    assert data.notices == (f"1 of 2 images in folder: {tmp_path.name} has no label.",)


def test_a_split_that_no_table_labels_is_told(tmp_path: Path) -> None:
    for name in ("train/a.png", "train/b.png", "test/c.png"):
        picture(tmp_path / name)
    table(tmp_path / "train/metadata.csv", "file_name,label", "a.png,cat", "b.png,dog")
    data = load(tmp_path)
    assert data.test.labels is None and data.train.labels.tolist() == [0, 1]
    assert data.notices == (f"1 of 3 images in folder: {tmp_path.name} has no label: 1 of 1 for test.",)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["file_name,label", "cat/a.png", "cat/b.png"], "has nothing in column 'label', so no labels come from it."),
        (["file_name,label"], "is empty: it is not used."),
        (["file_name", "cat/a.png"], "has no column 'label', so no labels come from it."),
        (["name,label", "cat/a.png,1"], "has no column 'file_name': it is not used."),
    ],
)
def test_a_table_without_any_label_leaves_those_of_folders_and_says_why(
    lines: list[str], told: str, tmp_path: Path
) -> None:
    picture(tmp_path / "cat/a.png")
    picture(tmp_path / "cat/b.png")
    table(tmp_path / "metadata.csv", *lines)
    data = load(tmp_path)
    assert data.class_names == ("cat",) and data.notices == (f"{tmp_path / 'metadata.csv'} {told}",)


def test_numbers_of_classes_may_be_floats_where_some_are_missing(tmp_path: Path) -> None:
    """As pandas writes them."""
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    table(tmp_path / "metadata.jsonl", '{"file_name": "a.png", "label": 2.0}', '{"file_name": "b.png", "label": null}')
    assert load(tmp_path).train.labels.tolist() == [2, -1]


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    table(tmp_path / "metadata.csv", "file_name,label", "a.png,1")
    with pytest.raises(InputError, match=r"data\.label_column: .* no column 'kind' among file_name, label"):
        load(tmp_path, label_column="kind")


@pytest.mark.parametrize("shown", [[0, 1], [-1], [], [0, 1, 2, 3]])
def test_pages_show_one_channel_or_three(shown: list[int], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.shown_channels: .* give one channel, or three"):
        Folder(path=str(tmp_path), shown_channels=shown)
    with pytest.raises(InputError, match=r"names channel 3, and the images have channels 0 to 2"):
        Folder(path=str(tmp_path), channels=3, shown_channels=[1, 2, 3])


def test_whole_way_to_splits(tmp_path: Path) -> None:
    for value in range(30):
        picture(tmp_path / f"{value % 2}/{value:02}.png", value)
    parts = split(load(tmp_path, size=8))
    assert sorted(v for part in (parts.train, parts.validation, parts.test) for v in values(part.images)) == list(
        range(30)
    )
