"""CIFAR-10 arrives whole, from a server that fails in every way, or one sentence says what to do."""

import errno
import hashlib
import io
import os
import re
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from tests.data.datasets.cifar_copies import LABELS, NAMES, PIXELS, archive, binary_files, python_batch, python_files

from isthmus.core.errors import InputError, RunError
from isthmus.core.values import Dataset
from isthmus.data.datasets import _cifar_files, _download, cifar10
from isthmus.data.datasets._cifar_pickle import read_batch
from isthmus.data.datasets._download import RemoteFile
from isthmus.data.datasets.cifar10 import Cifar10

WAYS_OUT = ("isthmus data cifar10 --download", "data.path", "data.kind=scenes")


def assert_whole(data: Dataset) -> None:
    assert data.test is not None and data.train.labels is not None and data.test.labels is not None
    assert np.array_equal(data.train.images, np.concatenate([PIXELS[name] for name in NAMES[:5]]))
    assert np.array_equal(data.train.labels, np.concatenate([LABELS[name] for name in NAMES[:5]]))
    assert np.array_equal(data.test.images, PIXELS["test_batch"])
    assert np.array_equal(data.test.labels, LABELS["test_batch"])
    assert data.train.labels.dtype == np.int64 and data.train.images.dtype == np.uint8
    assert data.class_names[6] == "frog" and data.source.startswith("cifar10: ")
    assert "20 training and 4 test images" in data.notices[0]


# --- copies that are there already


@pytest.fixture(params=["binary", "python"])
def copy(request: pytest.FixtureRequest) -> tuple[str, dict[str, bytes]]:
    """A folder name and the files in it."""
    if request.param == "binary":
        return "cifar-10-batches-bin", binary_files()
    return "cifar-10-batches-py", python_files()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_unpacked_copy_is_read_from_its_folder_or_the_one_above(
    copy: tuple[str, dict[str, bytes]], tmp_path: Path
) -> None:
    folder = write(tmp_path / copy[0], copy[1])
    assert_whole(Cifar10(path=str(folder)).load())
    assert_whole(Cifar10(path=str(tmp_path)).load())
    assert_whole(Cifar10(path=str(folder.rename(tmp_path / "renamed"))).load())


def test_archive_is_read_where_it_lies_and_nothing_is_written(
    copy: tuple[str, dict[str, bytes]], tmp_path: Path
) -> None:
    path = tmp_path / f"cifar-10-{'binary' if copy[0].endswith('bin') else 'python'}.tar.gz"
    path.write_bytes(archive(copy[1], copy[0]))
    assert_whole(Cifar10(path=str(path)).load())
    assert_whole(Cifar10(path=str(tmp_path)).load())
    assert list(tmp_path.iterdir()) == [path]


def test_whole_official_counts_need_no_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar10, "OFFICIAL_COUNTS", (20, 4))
    assert Cifar10(path=str(write(tmp_path / "c", binary_files()))).load().notices == ()


@pytest.mark.parametrize("path", ["gone", "."])
def test_path_without_a_copy_names_the_ways_out(path: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^data.path: .*(does not exist|holds no copy)") as caught:
        Cifar10(path=str(tmp_path / path)).load()
    assert all(way in str(caught.value) for way in WAYS_OUT)


def test_path_and_download_together_are_refused() -> None:
    with pytest.raises(InputError, match=r"data\.download: has no effect together with data\.path=x"):
        Cifar10(path="x", download=True)


def test_missing_and_damaged_batches_are_named(tmp_path: Path) -> None:
    files = binary_files()
    cases = {
        "data_batch_3.bin is missing": {n: c for n, c in files.items() if n != "data_batch_3.bin"},
        r"data_batch_2.bin: 12,291 bytes": files | {"data_batch_2.bin": files["data_batch_2.bin"][:-1]},
        r"test_batch.bin: has no labels": files | {"test_batch.bin": b"\xff" * 3073},
        r"data_batch_1.bin: has no labels": files | {"data_batch_1.bin": b""},
    }
    for index, (message, content) in enumerate(cases.items()):
        with pytest.raises(InputError, match=message):
            Cifar10(path=str(write(tmp_path / str(index), content))).load()


# --- the Python version, read without unpickling


@pytest.mark.parametrize("fortran", [False, True])
def test_python_batch_is_read_in_either_memory_order(fortran: bool) -> None:
    pixels, labels = read_batch(python_batch(PIXELS["test_batch"], LABELS["test_batch"], fortran), name="test_batch")
    assert np.array_equal(pixels, PIXELS["test_batch"]) and np.array_equal(labels, LABELS["test_batch"])


def test_malicious_pickle_runs_nothing(tmp_path: Path) -> None:
    """Each of these makes `pickle` create a folder, the last while it reads a whole batch."""
    victim = str(tmp_path / "ran").encode()
    text = b"X" + len(victim).to_bytes(4, "little") + victim
    called = b"cos\nmkdir\n" + text + b"\x85R"
    batch = python_batch(PIXELS["test_batch"], LABELS["test_batch"])
    attacks = [
        (b"\x80\x02" + called + b".", "'os.mkdir'"),
        (b"\x80\x04\x8c\x02os\x8c\x05mkdir\x93" + text + b"\x85R.", "SHORT_BINUNICODE"),
        (b"(" + text + b"ios\nmkdir\n.", "BINUNICODE"),
        (b"(ios\nmkdir\n.", "INST"),
        (b"(cos\nmkdir\n" + text + b"o.", "'os.mkdir'"),
        (batch.replace(b"U\x0bbatch_label", called + b"0U\x0bbatch_label"), "'os.mkdir'"),
    ]
    for attack, reason in attacks:
        with pytest.raises(InputError, match=rf"^data_batch_1: not a CIFAR batch .*{reason}"):
            read_batch(attack, name="data_batch_1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\x80\x02}.",
        b"\x80\x02K\x01.",
        b"\x80\x02.",
        b"\x80\x02(e.",
        b"\x80\x02K\x01K\x02a.",
        b"\x80\x02]K\x01K\x02s.",
        b"\x80\x02h\x05.",
        b"\x80\x02cnumpy\ndtype\ncnumpy\nndarray\n\x85R(K\x01tb.",
        b"\x80\x02cnumpy\nndarray\nK\x01\x85R.",
        b"\x80\x02}" + b")" + b"\x85" * 300_000 + b"K\x01s.",
    ],
)
def test_damaged_pickle_is_a_sentence(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^batch: not a CIFAR batch"):
        read_batch(data, name="batch")


def test_truncated_or_altered_batch_never_passes_for_whole() -> None:
    whole = python_batch(PIXELS["test_batch"], LABELS["test_batch"])
    for end in range(0, len(whole), 97):
        with pytest.raises(InputError):
            read_batch(whole[:end], name="batch")
    for old, new in ((b"U\x02u1", b"U\x02f4"), (b"K\x04M\x00\x0c", b"K\x05M\x00\x0c"), (b"labels", b"Labels")):
        with pytest.raises(InputError):
            read_batch(whole.replace(old, new), name="batch")


# --- archives that are not what they seem


def tar(add: Callable[[tarfile.TarFile], None]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        add(file)
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> Callable[[tarfile.TarFile], None]:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, "/etc/passwd"
    return lambda file: file.addfile(info, io.BytesIO(b"x" * size))


@pytest.mark.parametrize(
    "hostile",
    [
        member("../escaped.bin", size=3),
        member("/absolute.bin", size=3),
        member("cifar-10-batches-bin/../../escaped", size=3),
        member("cifar-10-batches-bin/test_batch.bin", tarfile.SYMTYPE),
        member("cifar-10-batches-bin/test_batch.bin", tarfile.LNKTYPE),
        member("cifar-10-batches-bin/test_batch.bin", tarfile.CHRTYPE),
        member("cifar-10-batches-bin/test_batch.bin", tarfile.FIFOTYPE),
    ],
)
def test_members_outside_links_and_devices_are_refused(
    hostile: Callable[[tarfile.TarFile], None], tmp_path: Path
) -> None:
    path = tmp_path / "folder" / "cifar-10-binary.tar.gz"
    write(path.parent, {path.name: tar(hostile)})
    with pytest.raises(InputError, match="was not unpacked, because it holds"):
        Cifar10(path=str(path)).load()
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


def test_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cifar-10-binary.tar.gz"
    path.write_bytes(archive(binary_files()))
    monkeypatch.setattr(_cifar_files, "UNPACKED_BYTES", 50_000)
    with pytest.raises(InputError, match="which the official archive does not"):
        Cifar10(path=str(path)).load()


@pytest.mark.parametrize("content", [b"", b"text", archive(binary_files())[:5000]])
def test_damaged_archive_is_a_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cifar-10-binary.tar.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"tar.gz: not a readable .tar.gz"):
        Cifar10(path=str(path)).load()


# --- downloads


@dataclass
class Server:
    """A server on 127.0.0.1 that answers as the test tells it, and writes down what it was asked."""

    content: bytes
    cut: list[int] = field(default_factory=list)  # how many bytes each answer sends, before all of them
    ranges: bool = True
    stated_length: int | None = None
    status: list[int] = field(default_factory=list)  # failures before the first good answer
    asked: list[str | None] = field(default_factory=list)
    port: int = 0

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range")
        self.asked.append(wanted)
        if self.status:
            handler.send_error(self.status.pop(0))
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.ranges else 0
        body = self.content[start:]
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        handler.send_header("Content-Length", str(self.stated_length or len(body)))
        handler.end_headers()
        handler.wfile.write(body[: self.cut.pop(0)] if self.cut else body)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serves the binary archive as the official one, to an empty cache in `tmp_path/cache`."""
    served = Server(archive(binary_files()))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        served.port = http.server_address[1]
        url = f"http://127.0.0.1:{served.port}/cifar-10-binary.tar.gz"
        md5 = hashlib.md5(served.content).hexdigest()
        monkeypatch.setattr(cifar10, "OFFICIAL", RemoteFile(url, len(served.content), md5))
        monkeypatch.setattr(_download, "PAUSES_SECONDS", (0, 0, 0))
        monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path / "cache"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.delenv("ISTHMUS_OFFLINE", raising=False)
        yield served
        http.shutdown()


def part(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "cifar-10-binary.tar.gz.part"


def cached(tmp_path: Path) -> list[str]:
    return sorted(file.name for file in (tmp_path / "cache").iterdir())


def download() -> Dataset:
    return Cifar10(download=True).load()


def test_download_is_announced_cached_and_used_again(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_whole(download())
    shown = capsys.readouterr()
    assert re.search(rf"Downloading cifar-10-binary.tar.gz \(0 MiB from 127.0.0.1:{server.port}\)", shown.err)
    assert shown.out == ""
    assert cached(tmp_path) == ["cifar-10-batches-bin"]
    for again in (download, Cifar10().load):
        assert_whole(again())
    assert server.asked == [None]
    assert capsys.readouterr().err == ""


def test_cut_connection_is_continued_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.cut = [20_000, 5_000]
    assert_whole(download())
    assert server.asked == [None, "bytes=20000-", "bytes=25000-"]


def test_later_call_continues_what_an_earlier_one_kept(server: Server, tmp_path: Path) -> None:
    server.cut = [10_000, 1_000, 1_000, 1_000]
    with pytest.raises(InputError, match=r"connection broke\); 13,000 of [\d,]+ bytes are kept") as caught:
        download()
    assert all(way in str(caught.value) for way in WAYS_OUT)
    assert part(tmp_path).read_bytes() == server.content[:13_000]
    assert_whole(download())
    assert server.asked[-1] == "bytes=13000-"


def test_server_that_ignores_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.cut, server.ranges = [20_000], False
    assert_whole(download())
    assert server.asked == [None, "bytes=20000-"]


@pytest.mark.parametrize("lie", [100, 10_000_000])
def test_lie_about_the_length_is_not_believed(lie: int, server: Server) -> None:
    server.stated_length = lie
    if lie == 100:  # every answer ends after 100 bytes: four attempts do not suffice
        with pytest.raises(InputError, match=r"400 of [\d,]+ bytes are kept"):
            download()
    else:
        assert_whole(download())


def test_longer_file_than_known_is_cut_to_length_and_checked(server: Server) -> None:
    server.content += b"more"
    assert_whole(download())


def test_wrong_byte_is_found_and_the_file_deleted(server: Server, tmp_path: Path) -> None:
    right = server.content
    server.content = right[:1000] + bytes([right[1000] ^ 1]) + right[1001:]
    with pytest.raises(InputError, match=r"has the md5 .* and was deleted") as caught:
        download()
    assert all(way in str(caught.value) for way in WAYS_OUT)
    assert cached(tmp_path) == []
    server.content = right
    assert_whole(download())


def test_part_that_is_too_long_is_deleted(server: Server, tmp_path: Path) -> None:
    write(tmp_path / "cache", {part(tmp_path).name: server.content + b"more"})
    with pytest.raises(InputError, match="was deleted"):
        download()
    assert_whole(download())


def test_server_that_recovers_is_asked_again(server: Server) -> None:
    server.status = [503, 500]
    assert_whole(download())


def test_refused_range_starts_over(server: Server, tmp_path: Path) -> None:
    write(tmp_path / "cache", {part(tmp_path).name: server.content[:500]})
    server.status = [416]
    assert_whole(download())
    assert server.asked == ["bytes=500-", None]


def test_file_that_is_not_there_is_asked_for_once(server: Server) -> None:
    server.status = [404, 404]
    with pytest.raises(InputError, match="it answered 404 Not Found"):
        download()
    assert len(server.asked) == 1


def test_no_network_is_said_at_once_with_the_ways_out(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pause(seconds: float) -> None:
        assert seconds == 0, "waited for a network that is not there"

    monkeypatch.setattr(_download.time, "sleep", pause)
    monkeypatch.setattr(_download, "PAUSES_SECONDS", (60,))
    monkeypatch.setattr(cifar10, "OFFICIAL", RemoteFile("http://127.0.0.1:9/cifar-10-binary.tar.gz", 5, ""))
    with pytest.raises(InputError, match=r"could not be downloaded \(.*refused\)") as caught:
        download()
    assert all(way in str(caught.value) for way in WAYS_OUT)


def test_nothing_is_downloaded_unasked(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no copy of CIFAR-10 in .*cache; run") as caught:
        Cifar10().load()
    assert all(way in str(caught.value) for way in WAYS_OUT)
    assert server.asked == [] and not (tmp_path / "cache").exists()


def test_offline_forbids_downloads(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_OFFLINE", "1")
    with pytest.raises(InputError, match="no download while offline") as caught:
        download()
    assert all(way in str(caught.value) for way in WAYS_OUT) and server.asked == []
    monkeypatch.setenv("ISTHMUS_OFFLINE", "0")
    assert_whole(download())


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "home/.cache/isthmus"),
        ({"XDG_CACHE_HOME": "xdg"}, "xdg/isthmus"),
        ({"XDG_CACHE_HOME": "xdg", "ISTHMUS_DATA": "own"}, "own"),
    ],
)
def test_cache_is_where_the_environment_says(
    variables: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ISTHMUS_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in {"HOME": "home", **variables}.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    write(tmp_path / expected / "cifar-10-batches-py", python_files())
    assert_whole(Cifar10().load())


def test_cache_that_cannot_be_made_is_a_sentence(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path / "file" / "cache"))
    with pytest.raises(InputError, match=r"part: cannot be written \(.*set ISTHMUS_DATA to another"):
        download()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_cache_is_a_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0o555)
    with pytest.raises(InputError, match=r"part: cannot be written \(Permission denied\)"):
        download()


def test_full_disk_is_a_sentence_and_no_wrong_use(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(_download, "open_regular", full)
    with pytest.raises(RunError, match=r"part: cannot be written \(No space left on device\)"):
        download()


def test_a_link_in_the_place_of_what_arrives_is_not_written_through(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    victim = tmp_path / "victim"
    victim.write_text("dear diary")
    part(tmp_path).symlink_to(victim)
    with pytest.raises(InputError, match="is a link"):
        download()
    assert victim.read_text() == "dear diary"


def test_full_disk_while_unpacking_leaves_no_half_a_copy(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive that did arrive is kept, and is read as it is."""
    write_bytes = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name == "data_batch_3.bin":
            raise OSError(28, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunError, match=r"batches-bin: cannot be written \(No space left on device\)"):
        download()
    assert cached(tmp_path) == ["cifar-10-binary.tar.gz"]
    assert_whole(Cifar10().load())
