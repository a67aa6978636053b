"""CIFAR-100 is read from both official layouts, with either of its labels; the rest is tested for CIFAR-10."""

from pathlib import Path

import numpy as np
import pytest
from tests.data.datasets.cifar_copies import archive, python_batch

from isthmus.core.errors import InputError
from isthmus.data.datasets.cifar100 import Cifar100

_rng = np.random.default_rng(0)
PIXELS = {name: _rng.integers(0, 256, (5, 3, 32, 32), dtype=np.uint8) for name in ("train", "test")}
FINE = {name: _rng.integers(0, 100, 5) for name in PIXELS}
COARSE = {name: _rng.integers(0, 20, 5) for name in PIXELS}
FINE_NAMES = tuple(f"fine{number}" for number in range(100))


def binary_files() -> dict[str, bytes]:
    rows = {
        f"{name}.bin": np.hstack(
            [COARSE[name][:, None].astype(np.uint8), FINE[name][:, None].astype(np.uint8), PIXELS[name].reshape(5, -1)]
        )
        for name in PIXELS
    }
    return {name: row.tobytes() for name, row in rows.items()} | {
        "fine_label_names.txt": "\n".join(FINE_NAMES).encode() + b"\n",
        "coarse_label_names.txt": b"a\nb\n",
    }


def python_files() -> dict[str, bytes]:
    """With the fine labels alone."""
    return {
        name: python_batch(PIXELS[name], FINE[name]).replace(b"U\x06labels", b"U\x0bfine_labels") for name in PIXELS
    }


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("layout", ["binary", "python"])
def test_both_layouts_give_pixels_and_fine_labels(layout: str, packed: bool, tmp_path: Path) -> None:
    files = binary_files() if layout == "binary" else python_files()
    if packed:
        path = tmp_path / f"cifar-100-{layout}.tar.gz"
        path.write_bytes(archive(files, f"cifar-100-{layout}"))
    else:
        path = write(tmp_path / f"cifar-100-{layout}", files)
    for place in (path, tmp_path):
        data = Cifar100(path=str(place)).load()
        assert data.test is not None and data.train.labels is not None and data.test.labels is not None
        assert np.array_equal(data.train.images, PIXELS["train"]) and np.array_equal(data.test.images, PIXELS["test"])
        assert np.array_equal(data.train.labels, FINE["train"]) and np.array_equal(data.test.labels, FINE["test"])
        assert data.class_names == (FINE_NAMES if layout == "binary" else ())
        assert "5 training and 5 test images; CIFAR-100 has 50,000 and 10,000" in data.notices[0]


def test_the_coarse_labels_can_be_chosen(tmp_path: Path) -> None:
    data = Cifar100(path=str(write(tmp_path / "c", binary_files())), labels="coarse").load()
    assert data.train.labels is not None and np.array_equal(data.train.labels, COARSE["train"])
    assert data.class_names == (), "two names do not name twenty classes"


def test_what_is_missing_or_damaged_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path / "cache"))
    with pytest.raises(
        InputError, match=r"no copy of CIFAR-100 in .*; run `isthmus data cifar100 --download` \(161 MiB"
    ):
        Cifar100().load()
    wrong = binary_files()
    wrong["train.bin"] = b"\x13\xff" + wrong["train.bin"][2:]
    with pytest.raises(InputError, match=r"train\.bin: has no labels, or labels outside 0 to 99"):
        Cifar100(path=str(write(tmp_path / "w", wrong))).load()
    with pytest.raises(InputError, match=r"train\.bin is missing"):
        Cifar100(path=str(write(tmp_path / "m", {"test.bin": wrong["test.bin"]}))).load()
    with pytest.raises(InputError, match=r"data\.download: has no effect together with data\.path=x"):
        Cifar100(path="x", download=True)
