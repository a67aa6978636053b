"""Downloads a known file when the user asks for it; resumes after a break and checks the result."""

from __future__ import annotations

import errno
import hashlib
import http.client
import importlib.util
import os
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from isthmus.core.atomic_files import open_regular
from isthmus.core.errors import InputError, RunError

CHUNK_BYTES = 1 << 18
TIMEOUT_SECONDS = 30
PAUSES_SECONDS = (1, 2, 4, 8)  # before the second attempt, the third, ...


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server; its size and MD5 are known in advance."""

    url: str
    size: int
    md5: str

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def __str__(self) -> str:
        return f"{self.size / 2**20:.0f} MiB from {self.host}"


def offline() -> bool:
    """Whether the user forbade downloads, with ISTHMUS_OFFLINE=1 or --offline."""
    return os.environ.get("ISTHMUS_OFFLINE", "") not in ("", "0")


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn an OSError while writing `path`, such as a full disk, into one sentence."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (RunError if full else InputError)(
            f"{path}: cannot be written ({error.strerror or error}); "
            f"{'make room' if full else 'make it writable'}, or set ISTHMUS_DATA to another folder"
        ) from None


def download(remote: RemoteFile, target: Path) -> None:
    """Fetch `remote` into `target`, with a progress bar on stderr.

    A partial download is kept beside the target as `.part` and resumed, in this call or a later one.
    Raises InputError where the server cannot be reached, where it sent another file, and where the target
    cannot be written.
    """
    part = target.with_name(f"{target.name}.part")
    with writing(part):
        part.parent.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True)
    console.print(
        f"Downloading {remote.name} ({remote}) to {target.parent}",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
    columns = (BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn(), TimeRemainingColumn())
    # in a notebook, rich's bar needs ipywidgets; without them it only warns, and the line above has to do
    no_bar = console.is_jupyter and importlib.util.find_spec("ipywidgets") is None
    with Progress(*columns, console=console, disable=no_bar) as progress:
        task = progress.add_task("", total=remote.size)
        for have in _attempts(remote, part):
            progress.update(task, completed=have)
    _check(remote, part)
    with writing(target):
        part.replace(target)


def _attempts(remote: RemoteFile, part: Path) -> Iterator[int]:
    """Yield how many bytes have arrived, until all have or no attempt is left."""
    reason = "the connection broke"
    for attempt, pause in enumerate((0, *PAUSES_SECONDS)):
        time.sleep(pause)
        try:
            yield from _receive(remote, part)
        except urllib.error.HTTPError as error:
            error.close()
            reason = f"it answered {error.code} {error.reason}"
            if error.code == 416:  # the server has no bytes at the offset where we would resume
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in (408, 429):
                break
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
            # fail at once where there is no network; a connection that broke may come back
            if attempt == 0 and isinstance(error, urllib.error.URLError):
                break
        if _size(part) >= remote.size:
            return
    kept = (
        f"; {_size(part):,} of {remote.size:,} bytes are kept, and the next download resumes there"
        if _size(part)
        else ""
    )
    raise InputError(f"{remote.url}: could not be downloaded ({reason}){kept}")


def _receive(remote: RemoteFile, part: Path) -> Iterator[int]:
    """One attempt: resume `part`, or start again where the server cannot resume."""
    have = _size(part)
    if have >= remote.size:
        yield remote.size
        return
    request = urllib.request.Request(remote.url, headers={"User-Agent": "isthmus"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        place = str(answer.headers.get("Content-Range"))
        continued = answer.status == 206 and place.startswith(f"bytes {have}-")
        have = have if continued else 0
        yield have
        with writing(part), open_regular(part, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as file:
            file.truncate(have)
            # the server's Content-Length is not used: the true length is known
            while chunk := _read(answer, min(CHUNK_BYTES, remote.size - have)):
                file.write(chunk)
                have += len(chunk)
                yield have


def _read(answer: IO[bytes], count: int) -> bytes:
    """The next bytes; none at the end or when the connection breaks, so that the bytes so far are kept."""
    try:
        return answer.read(count)
    except (OSError, http.client.HTTPException):
        return b""


def _check(remote: RemoteFile, part: Path) -> None:
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != remote.md5:
        part.unlink()
        raise InputError(
            f"{remote.url}: the download has the md5 {found} rather than {remote.md5} and was deleted; "
            "try again, or get the file elsewhere"
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
