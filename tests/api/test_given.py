"""Images handed to Python functions become a file that the run's data set reads, or one sentence says why not.

The data sets of the Hugging Face hub's library are tested where it is installed.
"""

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import save

from isthmus.api.asked import asked_run, asked_study
from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.values import Dataset
from isthmus.data.given_images import FILES, keep
from isthmus.data.splits import split

_rng = np.random.default_rng(0)
RGB = _rng.integers(0, 256, (30, 8, 9, 3), dtype=np.uint8)
FIRST = RGB.transpose(0, 3, 1, 2)
LABELS = np.arange(30) % 4


def kept(data: Any, folder: Path, **options: Any) -> Dataset:
    """What a run reads of `data`, after it was kept in the run's folder."""
    named = {name.replace("_", ".", 1): value for name, value in options.items()}
    folder.mkdir(exist_ok=True)
    asked = asked_run("vae", folder, named, data)
    assert asked.images is not None
    keep(asked.images, folder, begun=False)
    keep(asked.images, folder, begun=True)  # the same images, as when the run is resumed
    assert asked.recipe.data.options["path"] == str(folder / asked.images.name)
    assert asked.recipe.data.kind == FILES[asked.images.name]
    return registry.build("datasets", asked.recipe.data.kind, asked.recipe.data.options).load()


class Torch(torch.utils.data.Dataset[Any]):
    """A data set of PyTorch that gives what `make` makes of an image, and perhaps a label."""

    def __init__(self, make: Any, second: Any = None) -> None:
        self.make, self.second = make, second

    def __len__(self) -> int:
        return len(RGB)

    def __getitem__(self, index: int) -> Any:
        picture = self.make(RGB[index])
        return picture if self.second is None else (picture, self.second(index))


@pytest.mark.parametrize(
    ("data", "expected", "labels"),
    [
        (RGB, FIRST, None),
        (FIRST, FIRST, None),
        (RGB[::-1], FIRST[::-1], None),
        (RGB[..., 0], FIRST[:, :1], None),
        (RGB / 255, FIRST, None),
        (RGB.astype(">i8"), FIRST, None),
        (torch.from_numpy(RGB), FIRST, None),
        (torch.from_numpy(FIRST) / 255, FIRST, None),
        (torch.nn.Parameter(torch.from_numpy(FIRST.copy()) / 255), FIRST, None),
        ((RGB, LABELS), FIRST, LABELS),
        ((torch.from_numpy(RGB), torch.from_numpy(LABELS)), FIRST, LABELS),
        ([RGB, LABELS.tolist()], FIRST, LABELS),
        ((RGB, LABELS[:, None].astype(np.float32)), FIRST, LABELS),
        ((RGB, range(30)), FIRST, np.arange(30)),
        ((RGB, [torch.tensor(label) for label in LABELS]), FIRST, LABELS),
        ((RGB, np.where(LABELS == 3, np.nan, LABELS)), FIRST, np.where(LABELS == 3, -1, LABELS)),
        ((RGB, [None if label == 3 else label for label in LABELS]), FIRST, np.where(LABELS == 3, -1, LABELS)),
        ((RGB, np.full(30, np.nan)), FIRST, None),
        ((RGB, None), FIRST, None),
        ((RGB[..., 0], None), FIRST[:, :1], None),
        ([Image.fromarray(image) for image in RGB], FIRST, None),
        (Torch(Image.fromarray), FIRST, None),
        (Torch(Image.fromarray, lambda index: index % 4), FIRST, LABELS),
        (Torch(Image.fromarray, lambda index: torch.tensor(index % 4)), FIRST, LABELS),
        (Torch(lambda image: Image.fromarray(image[..., 0]), lambda index: index % 4), FIRST[:, :1], LABELS),
        (Torch(lambda image: torch.from_numpy(image).permute(2, 0, 1) / 255, lambda index: index % 4), FIRST, LABELS),
        (Torch(lambda image: image, lambda index: RGB[index]), FIRST, None),
        (Torch(Image.fromarray, lambda index: float(index % 4)), FIRST, LABELS),
        (Torch(Image.fromarray, lambda index: np.float32(index % 4)), FIRST, LABELS),
        (Torch(Image.fromarray, lambda index: torch.tensor(float("nan"))), FIRST, None),
        (Torch(Image.fromarray, lambda index: torch.tensor(index or np.nan)), FIRST, np.array([-1, *range(1, 30)])),
    ],
)
def test_every_kind_of_images_is_trained_on_as_it_is(
    data: Any, expected: np.ndarray, labels: np.ndarray | None, tmp_path: Path
) -> None:
    found = kept(data, tmp_path / "run").train
    assert np.array_equal(found.images[: len(found)], expected) and found.images.dtype == np.uint8
    assert found.labels is None if labels is None else np.array_equal(found.labels, labels)


@pytest.mark.parametrize("make", [tuple, list, np.array, lambda names: np.array(names, "S5")])
def test_labels_beside_an_array_may_be_names(make: Any, tmp_path: Path) -> None:
    names = ["rhinoceros"[:5], "ant", "", "äön"] if make in (tuple, list, np.array) else ["rhino", "ant", "", "yak"]
    found = kept((RGB, make(names * 7 + names[:2])), tmp_path / "run")
    assert found.class_names == ("ant", "rhino", names[3]) and found.train.labels is not None
    assert found.train.labels[:5].tolist() == [1, 0, -1, 2, 1]
    assert found.notices == ("7 of 30 images in an array have no label.",)


def test_that_the_second_part_of_items_is_no_label_is_told(tmp_path: Path) -> None:
    """Such as a mask, attributes, or a table of boxes; a list of pictures has no second part at all."""
    for number, second in enumerate((RGB[0], torch.zeros(40), {"boxes": []}, Image.fromarray(RGB[0]))):
        found = kept(Torch(Image.fromarray, lambda index, second=second: second), tmp_path / str(number))
        (notice,) = found.notices
        assert found.train.labels is None and notice.endswith("has no column 'label': its images have no labels.")
    with pytest.raises(InputError, match=r"^data: image 4 has a label, and the first has none; give it None as its"):
        kept(Torch(Image.fromarray, lambda index: 3 if index == 4 else RGB[0]), tmp_path / "some")


def test_the_first_image_may_be_the_one_without_a_label(tmp_path: Path) -> None:
    found = kept(Torch(Image.fromarray, lambda index: (None, "cat", "dog")[index % 3]), tmp_path / "run")
    assert found.class_names == ("cat", "dog") and found.train.labels is not None
    assert found.train.labels[:3].tolist() == [-1, 0, 1]


def test_labels_may_be_names(tmp_path: Path) -> None:
    found = kept(Torch(Image.fromarray, lambda index: ("dog", "cat")[index % 2]), tmp_path / "run")
    assert found.class_names == ("cat", "dog") and found.train.labels is not None
    assert found.train.labels[:3].tolist() == [1, 0, 1]


def test_an_array_is_kept_as_earlier_versions_kept_it(tmp_path: Path) -> None:
    kept(RGB, tmp_path / "run")
    content = (tmp_path / "run/images.safetensors").read_bytes()
    assert content == save({"images": np.ascontiguousarray(FIRST)})


def test_many_channels_and_bits_are_kept(tmp_path: Path) -> None:
    bands = _rng.integers(0, 4096, (10, 12, 16, 16)).astype(np.uint16)
    found = kept(bands, tmp_path / "bands", data_range=[0, 4095])
    assert found.train.images.shape == bands.shape and found.train.images.dtype == np.uint16
    fractions = _rng.random((10, 16, 16)).astype(np.float32)
    found = kept(fractions, tmp_path / "deep", data_depth=16)
    error = found.train.images[:10][:, 0] / 65535 - fractions
    assert found.train.images.dtype == np.uint16 and np.abs(error).max() <= 0.51 / 65535


def test_pictures_may_differ_in_size_where_one_is_asked_for(tmp_path: Path) -> None:
    pictures = [Image.fromarray(RGB[index]).resize((8 + index % 3, 12)) for index in range(20)]
    with pytest.raises(InputError, match=r"row 1: is 9x12, but .* are 8x12 .* data\.size"):
        kept(pictures, tmp_path / "a")
    assert kept(pictures, tmp_path / "b", data_size=6).train.images.shape == (20, 3, 6, 6)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_pictures_of_every_mode_lose_nothing(mode: str, tmp_path: Path) -> None:
    """Kept in a file, they are read as from a file."""
    made = Image.fromarray(RGB[0]).convert("F" if mode == "I;16" else mode)
    made = Image.fromarray(np.asarray(made).astype(np.uint16) * 99) if mode == "I;16" else made
    found = kept([made] * 3, tmp_path / "run", data_range=[0, 30_000]).train.images[:1]
    made.save(tmp_path / "own.tiff")
    own = {"kind": "folder", "path": str(tmp_path), "size": [8, 9], "range": [0.0, 30_000.0]}
    (tmp_path / "run/images.parquet").rename(tmp_path / "run/images.kept")
    direct = registry.build("datasets", own.pop("kind"), own).load().train.images[:1]
    assert np.array_equal(found, direct)


@pytest.mark.parametrize("mode", ["HSV", "La", "RGBa", "I;16N"])
def test_pictures_of_modes_that_no_file_has_are_kept_as_the_nearest_that_one_has(mode: str, tmp_path: Path) -> None:
    image = Image.fromarray(RGB[0])
    if mode == "I;16N":
        with pytest.raises(
            InputError, match=r"^data: image 1 cannot be kept \(.*I;16N.*\); convert it to another mode"
        ):
            kept([image, image.convert("I").convert(mode)], tmp_path / "run")
        return
    near = {"HSV": "RGB", "La": "LA", "RGBa": "RGBA"}[mode]
    made = image.convert(near).convert(mode)
    expected = kept([made.convert(near)] * 3, tmp_path / "near").train.images[:3]
    assert np.array_equal(kept([made] * 3, tmp_path / "run").train.images[:3], expected)


def test_a_picture_that_pillow_cannot_read_is_named(tmp_path: Path) -> None:
    Image.fromarray(RGB[0]).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    expected = r"^data: image 1 cannot be kept \(.*\); convert it to another mode"
    with Image.open(tmp_path / "cut.png") as cut, pytest.raises(InputError, match=expected):
        kept([Image.fromarray(RGB[0]), cut], tmp_path / "run")


def test_options_that_name_other_images_than_those_given_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^data\.kind: 'folder' names other images than those passed as `data`; leave"
    ):
        kept(RGB, tmp_path / "run", data_kind="folder")
    with pytest.raises(InputError, match=r"^data\.path: 'x\.npy' names other images than those passed"):
        kept(RGB, tmp_path / "run", data_path="x.npy")
    assert np.array_equal(kept(RGB, tmp_path / "fits", data_kind="arrays").train.images[:30], FIRST)


def test_messages_about_a_given_array_name_neither_its_file_nor_its_number_twice(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        kept(RGB, tmp_path / "run", data_channels=5)
    assert str(tmp_path) not in str(refused.value)
    assert str(refused.value).startswith("30 of 30 images in an array cannot be read (image 0: has 3 channels where 5")
    with pytest.raises(InputError, match=r"^data: all 20 images of an array are identical"):
        split(kept(np.zeros((20, 8, 8), np.uint8), tmp_path / "same"))


def test_grey_images_four_pixels_wide_can_be_told(tmp_path: Path) -> None:
    assert kept(RGB[:20, :, :4, 0], tmp_path / "run", data_layout="NHW").train.images.shape == (20, 1, 8, 4)


def test_the_layout_of_an_array_can_be_told(tmp_path: Path) -> None:
    narrow = _rng.integers(0, 256, (6, 3, 16, 3), dtype=np.uint8)
    with pytest.raises(InputError, match=r"^data: the shape \(6, 3, 16, 3\) does not tell .* set data\.layout"):
        asked_run("vae", tmp_path, {}, narrow)
    assert kept(narrow, tmp_path / "a", data_layout="NHWC").train.images.shape == (6, 3, 3, 16)
    assert kept(narrow, tmp_path / "b", data_layout="NCHW").train.images.shape == narrow.shape


class _Endless(torch.utils.data.IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter(())


def _broken(image: np.ndarray) -> Any:
    raise OSError("disk on fire")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (3, r"^data: 3 is no images; pass a path, .*an array, a tensor"),
        ((RGB, LABELS[:7]), r"^data: 7 labels for 30 images; pass one for each"),
        ((RGB, LABELS + 0.5), r"^data: label 0 is 0\.5, which is neither a whole number nor a name; pass the class"),
        ((RGB, np.full(30, np.inf)), r"^data: label 0 is inf, which is neither a whole number"),
        (
            (RGB, np.full(30, 2**63 + 5, np.uint64)),
            r"^data: label 0 is 9223372036854775813, which is too large for the",
        ),
        ((RGB, np.full(30, -1e30)), r"^data: label 0 is -1e\+30, which is too large"),
        ((RGB, np.eye(30)), r"^data: labels of shape \(30, 30\) for 30 images; .* `labels\.argmax\(1\)` of one-hot"),
        ((RGB[..., 0], torch.eye(30)), r"^data: labels of shape \(30, 30\) for 30 images"),
        ((RGB, np.eye(30).tolist()), r"^data: label 0 is \[1\.0, .*, which is neither a whole number nor a name"),
        ((RGB, np.array(3)), r"^data: labels of shape \(\) for 30 images"),
        ((RGB, "cat"), r"^data: 'cat' is no labels; pass one for each image, or the images alone"),
        ((RGB, {"a": 1}), r"^data: \{'a': 1\} is no labels"),
        (Torch(Image.fromarray, lambda index: 0.5), r"^data: the label of item 0 is 0\.5, which is neither a whole"),
        (Torch(Image.fromarray, lambda index: torch.tensor(0.5)), r"^data: the label of item 0 is 0\.5, which is"),
        (Torch(Image.fromarray, lambda index: 2**70), r"^data: the label of item 0 is \d{22}, which is too large"),
        ({"images": RGB, "labels": LABELS}, r"^data: a table of images, labels does not say .* \(data\['images'\], "),
        (
            RGB[0],
            r"^data: an array of shape \(8, 9, 3\) is one image; pass several, .* data\.layout to NHW if these are",
        ),
        (np.zeros((0, 8, 8, 3), np.uint8), r"holds no pixels; pass at least one image"),
        (RGB.astype(np.complex64), r"^data: images of type complex64 are not accepted"),
        (RGB.astype(object), r"^data: images of type object are not accepted"),
        (np.ma.masked_array(RGB, RGB > 5), r"a masked array hides"),
        (torch.zeros(4, 8, 8).to_sparse(), r"^data: this tensor is not an array of numbers"),
        (_Endless(), r"^data: a data set without length and order"),
        (Torch(_broken), r"^data: item 0 cannot be read \(OSError: disk on fire\)"),
        (Torch(lambda image: "a.png"), r"^data: item 0 is 'a\.png'; it must be a PIL image"),
        (Torch(lambda image: np.zeros(5)), r"^data: its first image is an array of shape \(5,\)"),
    ],
)
def test_what_is_no_images_is_one_sentence(data: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        kept(data, tmp_path / "run")
    assert not list(tmp_path.glob("run/*"))


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (
            [RGB[0], RGB[1, :5]],
            r"^data: image 1 is an array of shape \(5, 9, 3\) .* the first is \(\(8, 9, 3\), 'uint8'\)",
        ),
        ([RGB[0], RGB[1] / 255], r"^data: image 1 is an array .* float64, and the first"),
        ([RGB[0], Image.fromarray(RGB[1])], r"^data: image 1 is of another kind than the first"),
    ],
)
def test_pictures_that_do_not_go_together_are_one_sentence(pictures: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        kept(pictures, tmp_path / "run")
    assert not list(tmp_path.glob("run/*")), "nothing half is left"


def test_other_images_are_not_put_in_the_place_of_those_of_a_run(tmp_path: Path) -> None:
    for name, first, other in (("a", RGB, RGB[:20]), ("b", Torch(Image.fromarray), [Image.fromarray(RGB[0])] * 5)):
        kept(first, tmp_path / name)
        images = asked_run("vae", tmp_path / name, {}, other).images
        assert images is not None
        with pytest.raises(InputError, match="holds a run on other images than this data"):
            keep(images, tmp_path / name, begun=True)
        keep(images, tmp_path / name, begun=False)  # a run that never began
        (tmp_path / name / images.name).write_text("dear diary")
        with pytest.raises(InputError, match="was not written by isthmus and would be lost"):
            keep(images, tmp_path / name, begun=False)
        assert (tmp_path / name / images.name).read_text() == "dear diary"


def test_studies_take_them_too(tmp_path: Path) -> None:
    asked = asked_study("demo", tmp_path / "s", {}, (torch.from_numpy(RGB), LABELS))
    assert asked.images is not None and asked.plan.variations[0].recipe(0).data.options["path"].startswith(
        str(tmp_path)
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.npy", "arrays"),
        ("a.npz", "arrays"),
        ("a.safetensors", "arrays"),
        ("a.tar", "tar"),
        ("a.parquet", "parquet"),
        ("train-images-idx3-ubyte.gz", "idx"),
        ("set/train-images-idx3-ubyte", "idx"),
        ("set/x_train.npy", "arrays"),
        ("set/train-00.tar", "tar"),
        ("set/a.png", "folder"),
    ],
)
def test_a_path_says_which_data_set_reads_it(name: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    for path in {tmp_path / name, tmp_path / name.partition("/")[0]}:
        if kind != "folder" or path.is_dir():
            assert asked_run("vae", None, {}, path).recipe.data.kind == kind
    assert asked_run("vae", None, {}, tmp_path / "a-{0..3}.tar").recipe.data.kind == "tar"


# --- the hub's library


@pytest.fixture
def hub() -> Any:
    found = pytest.importorskip("datasets", reason="the hub's library is not installed")
    if "DatasetDict" not in vars(found):  # a folder of that name, such as that of our own tests
        pytest.skip("the hub's library is not installed")
    return found


@pytest.mark.parametrize("splits", [("train",), ("train", "validation", "test")])
def test_data_sets_of_the_hub_are_kept_with_splits_and_names(hub: Any, splits: tuple[str, ...], tmp_path: Path) -> None:
    features = hub.Features({"photo": hub.Image(), "animal": hub.ClassLabel(names=["cat", "dog"])})
    columns = {"photo": [Image.fromarray(image) for image in RGB], "animal": [index % 2 for index in range(30)]}
    whole = hub.Dataset.from_dict(columns, features=features)
    parts = {name: whole.select(range(at, 30, len(splits))) for at, name in enumerate(splits)}
    found = kept(hub.DatasetDict(parts) if len(splits) > 1 else whole, tmp_path / "run")
    for at, (name, part) in enumerate(zip(splits, (found.train, found.validation, found.test), strict=False)):
        assert part is not None, name
        assert np.array_equal(part.images[: len(part)], FIRST[at :: len(splits)])
        assert part.labels is not None and part.labels.tolist() == [index % 2 for index in range(at, 30, len(splits))]
    assert found.class_names == ("cat", "dog")


def test_a_module_of_ones_own_is_not_taken_for_the_hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many people have a `datasets.py`."""
    monkeypatch.setitem(sys.modules, "datasets", types.ModuleType("datasets"))
    with pytest.raises(InputError, match="is no images"):
        asked_run("vae", tmp_path, {}, object())
    assert np.array_equal(kept(RGB, tmp_path / "run").train.images[:30], FIRST)


@pytest.mark.parametrize("top", (1.0, 255.0, 4000.0))
@pytest.mark.parametrize("wrong", (np.nan, np.inf))
def test_a_number_that_is_none_is_named_with_its_picture_and_place(tmp_path: Path, wrong: float, top: float) -> None:
    """One such number must not change how the pictures beside it are kept."""
    images = np.rint(RGB / 255 * top).astype(np.float32) if top > 1 else (RGB / np.float32(255))
    images[5, 1, 2, 0] = wrong
    with pytest.raises(InputError, match=rf"image 5: holds {wrong} at row 1, column 2, channel 0 \(counted from 0\)"):
        kept(images, tmp_path / "refused")
    rest = kept(images, tmp_path / "rest", data_skip_broken=True).train.images
    assert np.array_equal(rest[:], kept(np.delete(images, 5, axis=0), tmp_path / "without").train.images[:])


@pytest.mark.parametrize("labels", (np.arange(29), list(range(29)), ["a"] * 31))
def test_labels_of_another_number_are_counted(tmp_path: Path, labels: Any) -> None:
    with pytest.raises(InputError, match=rf"data: {len(labels)} labels for 30 images; pass one for each"):
        kept((RGB, labels), tmp_path / "run")
