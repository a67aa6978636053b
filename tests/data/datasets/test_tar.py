"""Shards of WebDataset: images are read by their place, and members that have no place there are refused."""

import gzip
import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.data.datasets.tar import Tar


def png(value: int, size: tuple[int, int] = (6, 5)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (value, value // 2, 255 - value)).save(buffer, "PNG")
    return buffer.getvalue()


def shard(path: Path, *members: tuple[str, bytes] | tarfile.TarInfo) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for member in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member[0])
            content = b"" if isinstance(member, tarfile.TarInfo) else member[1]
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def load(path: Path | str, **options: Any) -> Any:
    return Tar(path=str(path), **options).load()


def values(images: np.ndarray) -> list[int]:
    """The red value each picture was made with, to tell them apart."""
    return [int(image[0, 0, 0]) for image in images]


def test_images_and_labels_of_a_sample_belong_together(tmp_path: Path) -> None:
    path = shard(
        tmp_path / "a.tar",
        *[("b/2.cls", b"7\n"), ("b/2.png", png(20)), ("b/1.png", png(10)), ("b/1.cls", b"3")],
        *[("c.png", png(30)), ("._c.png", b"of macOS")],
    )
    data = load(path)
    assert values(data.train.images) == [20, 10, 30] and data.train.images.shape[1:] == (3, 5, 6)
    assert data.train.labels.tolist() == [7, 3, -1] and data.class_names == () and data.test is None
    assert data.notices == ("1 of 3 images in tar: a.tar has no label.",)


def test_labels_may_be_names_or_lie_in_json(tmp_path: Path) -> None:
    path = shard(
        tmp_path / "a.tar",
        *[("1.png", png(1)), ("1.json", b'{"label": "dog", "animal": 4}')],
        *[("2.png", png(2)), ("2.json", b'{"label": "cat", "animal": 5}'), ("2.txt", b"a cat")],
    )
    data = load(path)
    assert data.class_names == ("cat", "dog") and data.train.labels.tolist() == [1, 0]
    assert data.notices == ("a.tar also holds files that are not read: txt.",)
    assert load(path, label_key="animal").train.labels.tolist() == [4, 5]
    assert load(path, label="txt").class_names == ("a cat",)


def test_of_several_images_one_is_chosen(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", ("1.left.png", png(1)), ("1.right.png", png(2)))
    with pytest.raises(InputError, match=r"1 has several images, left\.png and right\.png; choose one with data"):
        load(path)
    assert values(load(path, image="right.png").train.images) == [2]


def test_a_folder_of_shards_has_splits_by_name(tmp_path: Path) -> None:
    for name, number in {"train-000": 1, "train-001": 2, "val_0": 3, "test": 4, "valuable": 5}.items():
        shard(tmp_path / f"{name}.tar", ("x.png", png(number)))
    data = load(tmp_path)
    assert values(data.train.images) == [1, 2]
    assert values(data.validation.images) == [3] and values(data.test.images) == [4]
    assert data.source == "tar: train-000.tar to train-001.tar"
    assert "val_0.tar for validation (1 image)" in data.handling[0].sentence


@pytest.mark.parametrize("pattern", ["a-{00..02}.tar", "a-*.tar", "a-0[0-2].tar"])
def test_shards_may_be_named_by_a_pattern(pattern: str, tmp_path: Path) -> None:
    for number in range(3):
        shard(tmp_path / f"a-{number:02}.tar", ("x.png", png(number)))
    shard(tmp_path / "b-00.tar", ("x.png", png(9)))
    data = load(tmp_path / pattern, test=str(tmp_path / "b-*.tar"))
    assert values(data.train.images) == [0, 1, 2] and values(data.test.images) == [9]
    assert data.source == "tar: a-00.tar to a-02.tar, tested on b-00.tar"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a-{00..03}.tar", r"a-02\.tar, a-03\.tar of a-\{00\.\.03\}\.tar are missing"),
        ("a-{0..99999999}.tar", r"are missing in"),
        ("a-{03..00}.tar", r"counts from 03 down to 00"),
        ("c-*.tar", r"no file in .* is called c-\*\.tar"),
        ("gone.tar", r"gone\.tar does not exist"),
        ("empty", r"empty holds no \.tar file"),
    ],
)
def test_missing_shards_are_named(pattern: str, message: str, tmp_path: Path) -> None:
    for number in range(2):
        shard(tmp_path / f"a-{number:02}.tar", ("x.png", png(number)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=rf"^data\.path: .*{message}"):
        load(tmp_path / pattern)


def _entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (_entry("../out.png"), r"holds '\.\./out\.png', which lies outside"),
        (_entry("/etc/out.png"), r"holds '/etc/out\.png', which lies outside"),
        (_entry("a/../../out.png"), r"which lies outside"),
        (_entry("link.png", tarfile.SYMTYPE, "/etc/passwd"), r"holds 'link\.png', which is a link"),
        (_entry("link.png", tarfile.LNKTYPE, "good.png"), r"which is a link"),
        (_entry("device.png", tarfile.CHRTYPE), r"which is no ordinary file"),
        (_entry("pipe.png", tarfile.FIFOTYPE), r"which is no ordinary file"),
    ],
)
def test_members_outside_links_and_devices_are_refused(member: tarfile.TarInfo, message: str, tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", ("good.png", png(1)), member)
    with pytest.raises(InputError, match=message):
        load(path, skip_broken=True)
    assert [file.name for file in tmp_path.iterdir()] == ["a.tar"]


def _cut(content: bytes) -> bytes:
    return content[: 512 + 40]


def _at_a_member(content: bytes) -> bytes:
    """Cut where the next member would begin; nothing but the end mark tells."""
    return content[: 512 + -(-len(png(1)) // 512) * 512]


def _changed_header(content: bytes) -> bytes:
    return _at_a_member(content) + b"x" * 512 + bytes(1024)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (gzip.compress, r"is compressed with gzip, .*; unpack it first"),
        (_cut, r"not a complete tar file|ends within"),
        (_at_a_member, r"was cut short, its end mark is missing; get it again, or pack it again"),
        (_changed_header, r"is damaged at byte 1,024; get it again"),
        (lambda content: content * 2, r"holds more behind its end mark, as files joined by `cat` do; name the files"),
        (lambda content: b"text" * 300, r"not a complete tar file"),
        (lambda content: b"", r"not a complete tar file|holds no images"),
        (lambda content: b"\0" * 1024, r"holds no images; name the end of their names with data\.image"),
        (lambda content: content.replace(b"\x89PNG", b"\x00PNG"), r"a\.tar, good\.png: not a readable image"),
    ],
)
def test_damaged_files_are_one_sentence(change: Callable[[bytes], bytes], message: str, tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", ("good.png", png(1)))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=message):
        load(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("1.json", b"{", r"a\.tar, 1\.json: is not JSON"),
        ("1.json", b'{"label": [1, 2]}', r"its label is \[1, 2\], which is neither a whole number nor a name"),
        ("1.json", b'{"label": 99999999999999999999999}', r"its label is 9{23}, which is too large for the number of"),
        ("1.json", b'{"label": -9223372036854775809}', r"which is too large for the number of a class; correct it, or"),
        ("1.json", b'{"label": 0.5}', r"its label is 0\.5, which is neither a whole number nor a name"),
        ("1.json", b" " * (1 << 20) + b"1", r"is too large for a label"),
    ],
)
def test_labels_that_are_none_are_one_sentence(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        load(shard(tmp_path / "a.tar", ("1.png", png(1)), (name, content)))


def test_images_are_read_by_other_processes_from_any_place(tmp_path: Path) -> None:
    paths = [
        shard(tmp_path / f"{name}.tar", *[(f"{index:03}.png", png(start + index)) for index in range(40)])
        for name, start in (("a", 0), ("b", 100))
    ]
    pictures = Tar(path=list(map(str, paths))).pictures().parts["train"]
    assert pictures.portable
    sent = pickle.loads(pickle.dumps(pictures))
    assert list(sent.read(38, 43)) == [png(38), png(39), png(100), png(101), png(102)]
    assert sent.name(41) == f"{paths[1]}, 001.png"
