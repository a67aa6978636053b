"""IDX files, MNIST and Fashion-MNIST: read whole, downloaded on request, or one sentence says what is wrong."""

import gzip
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from tests.data.datasets.idx_files import idx, write_pair

from isthmus.core.errors import InputError
from isthmus.data.datasets import _download, fashion_mnist, mnist
from isthmus.data.datasets._download import RemoteFile
from isthmus.data.datasets.fashion_mnist import FashionMnist
from isthmus.data.datasets.idx import Idx
from isthmus.data.datasets.mnist import Mnist

_rng = np.random.default_rng(0)
IMAGES = _rng.integers(0, 256, (30, 28, 28), dtype=np.uint8)
LABELS = _rng.integers(0, 10, 30).astype(np.uint8)


def copy(folder: Path, *, packed: bool = True) -> Path:
    write_pair(folder, "train", IMAGES[:20], LABELS[:20], packed=packed)
    write_pair(folder, "t10k", IMAGES[20:], LABELS[20:], packed=packed)
    return folder


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("below", ["", "raw", "MNIST/raw"])
def test_a_folder_gives_both_splits_and_their_labels(below: str, packed: bool, tmp_path: Path) -> None:
    copy(tmp_path / below, packed=packed)
    data = Idx(path=str(tmp_path)).load()
    assert data.test is not None and data.train.labels is not None and data.test.labels is not None
    assert np.array_equal(data.train.images, IMAGES[:20, None]) and np.array_equal(data.test.images, IMAGES[20:, None])
    assert np.array_equal(data.train.labels, LABELS[:20]) and np.array_equal(data.test.labels, LABELS[20:])
    assert data.source == f"idx: {tmp_path.name}" and data.notices == ()


def test_one_file_is_all_training_and_its_labels_lie_beside(tmp_path: Path) -> None:
    copy(tmp_path)
    data = Idx(path=str(tmp_path / "train-images-idx3-ubyte.gz")).load()
    assert data.test is None and data.train.labels is not None and np.array_equal(data.train.labels, LABELS[:20])
    other = Idx(path=str(tmp_path / "train-images-idx3-ubyte.gz"), test=str(tmp_path / "t10k-images-idx3-ubyte.gz"))
    tests = other.load().test
    assert tests is not None and tests.labels is not None and np.array_equal(tests.labels, LABELS[20:])


@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "f4", "f8"])
def test_every_type_of_number_is_read(kind: str, tmp_path: Path) -> None:
    numbers = _rng.integers(-100, 100, (3, 8, 8)).astype(kind)
    (tmp_path / "a-images-idx3-ubyte").write_bytes(idx(numbers))
    pictures = Idx(path=str(tmp_path / "a-images-idx3-ubyte")).pictures().parts["train"]
    assert np.array_equal(np.stack([np.asarray(picture)[0] for picture in pictures.read(0, 3)]), numbers)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0\0\x07\x03" + idx(IMAGES)[4:], r"is not a complete .*IDX file"),
        (idx(IMAGES)[:-1], r"it ends 1 byte too early"),
        (idx(IMAGES)[:9], r"it ends after 5 of 12 bytes"),
        (idx(IMAGES) + b"more", r"it holds 4 bytes more than its header says"),
        (gzip.compress(idx(IMAGES)[:-1], mtime=0), r"is damaged \(it ends after 23,519 of 23,520 bytes"),
        (gzip.compress(idx(IMAGES) + b"more", mtime=0), r"is damaged \(it holds more bytes"),
        (gzip.compress(b"text", mtime=0), r"it begins with 74657874 rather than with the mark of an IDX file"),
        (gzip.compress(idx(IMAGES), mtime=0)[:-500], r"is damaged \("),
        (b"\0\0\x08\x03" + b"\xff" * 12, r"bytes too early"),
        (gzip.compress(b"\0\0\x08\x03" + b"\x00\x00\xff\xff" * 3, mtime=0), r"is damaged|of memory"),
        (idx(LABELS), r"holds numbers of shape \(30,\), and images are \(N, H, W\)"),
        (b"", r"is not a complete"),
    ],
)
def test_damaged_files_are_one_sentence(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises((InputError, _download.RunError), match=message) as caught:
        Idx(path=str(path)).load()
    assert str(path) in str(caught.value)


def test_labels_that_do_not_fit_are_one_sentence(tmp_path: Path) -> None:
    write_pair(tmp_path, "train", IMAGES, LABELS[:9], packed=True)
    with pytest.raises(
        InputError, match=r"train-labels-idx1-ubyte\.gz holds 9 labels for the 30 images of train-images"
    ):
        Idx(path=str(tmp_path)).load()


def test_a_folder_without_such_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^data\.path: .* holds no file such as train-images-idx3-ubyte"):
        Idx(path=str(tmp_path)).load()
    np.save(tmp_path / "a.npy", IMAGES)
    with pytest.raises(InputError, match=r"is not an IDX file; read it with data\.kind=arrays"):
        Idx(path=str(tmp_path / "a.npy")).load()


# --- the published sets


@pytest.mark.parametrize(("source", "first"), [(Mnist, "0"), (FashionMnist, "T-shirt/top")])
def test_a_copy_is_read_with_the_names_of_its_classes(
    source: type[Mnist] | type[FashionMnist], first: str, tmp_path: Path
) -> None:
    data = source(path=str(copy(tmp_path))).load()
    assert data.train.images.shape == (20, 1, 28, 28) and data.class_names[0] == first and len(data.class_names) == 10
    assert "20 training and 10 test images" in data.notices[0] and "60,000 and 10,000" in data.notices[0]
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.full(10, 99, np.uint8)), mtime=0))
    with pytest.raises(InputError, match="holds labels outside 0 to 9"):
        source(path=str(tmp_path)).load()
    (tmp_path / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(
        InputError, match=r"holds no copy of .*MNIST; run `isthmus data .*mnist --download` \(.*kind=digits"
    ):
        source(path=str(tmp_path)).load()


class _Served:
    """A server of the four files on 127.0.0.1, and what was asked of it."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.asked = files, list[str]()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Served]:
    """Serves a small MNIST as the official one, to an empty cache in `tmp_path/cache`."""
    files = {path.name: path.read_bytes() for path in copy(tmp_path / "there").iterdir()}
    server = _Served(files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            server.asked.append(name)
            if name not in server.files:
                self.send_error(404)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(server.files[name])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{http.server_address[1]}"
        official = tuple(
            RemoteFile(f"{url}/{name}", len(content), hashlib.md5(content).hexdigest())
            for name, content in files.items()
        )
        monkeypatch.setattr(mnist, "OFFICIAL", replace(mnist.OFFICIAL, files=official))
        monkeypatch.setattr(_download, "PAUSES_SECONDS", ())
        monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path / "cache"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.delenv("ISTHMUS_OFFLINE", raising=False)
        yield server
        http.shutdown()


def test_nothing_is_downloaded_unasked_and_everything_once(served: _Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"no copy of MNIST in .*cache/mnist; run `isthmus data mnist --download`"):
        Mnist().load()
    monkeypatch.setenv("ISTHMUS_OFFLINE", "1")
    with pytest.raises(InputError, match="no download while offline"):
        Mnist(download=True).load()
    assert served.asked == []
    monkeypatch.delenv("ISTHMUS_OFFLINE")
    for source in (Mnist(download=True), Mnist(download=True), Mnist()):
        assert np.array_equal(source.load().train.images, IMAGES[:20, None])
    assert sorted(served.asked) == sorted(served.files)


def test_a_wrong_file_is_deleted_and_the_others_kept(served: _Served, tmp_path: Path) -> None:
    right = served.files["t10k-images-idx3-ubyte.gz"]
    served.files["t10k-images-idx3-ubyte.gz"] = right[:-1] + bytes([right[-1] ^ 1])
    with pytest.raises(InputError, match=r"has the md5 .* and was deleted; .*; run `isthmus data mnist --download`"):
        Mnist(download=True).load()
    assert not (tmp_path / "cache/mnist/t10k-images-idx3-ubyte.gz").exists()
    kept = {path.name for path in (tmp_path / "cache/mnist").iterdir()}
    served.files["t10k-images-idx3-ubyte.gz"], served.asked = right, []
    assert len(Mnist(download=True).load().train) == 20
    assert set(served.asked) == served.files.keys() - kept


@pytest.mark.parametrize("module", [mnist, fashion_mnist])
def test_what_is_published_is_four_files(module: object) -> None:
    official = mnist.OFFICIAL if module is mnist else fashion_mnist.OFFICIAL
    assert {file.name for file in official.files} == {
        f"{split}-{kind}-ubyte.gz" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
    }
    assert len({file.md5 for file in official.files}) == 4 and all(len(file.md5) == 32 for file in official.files)
