"""The C++ beside this file as a library in this process, compiled once a machine."""

from __future__ import annotations

import ctypes
import fcntl
import functools
import hashlib
import os
import platform
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from isthmus import processor
from isthmus.paths import cache_folder

SOURCES = sorted(Path(__file__).parent.glob("*.cpp"))
# -march=native: whoever compiles it runs it. The rest lets comparisons and roots be vectors; sums stay in order.
_FLAGS = [
    "-std=c++17",
    "-O2",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wno-psabi",
    "-Wno-ignored-attributes",
    "-fopenmp",
    "-fPIC",
]
_SECONDS = 60.0  # a source takes a compiler up to four


class Unavailable(Exception):
    """There is no library; the message says why in a few words."""


def library() -> ctypes.CDLL:
    """The kernels, compiled now or before. Raises Unavailable where that cannot be."""
    found = _library(os.environ.get("CXX"), cache_folder() / "kernels")
    if isinstance(found, Unavailable):
        raise found
    return found


@functools.cache
def function(name: str, types: tuple[type, ...]) -> Any:
    """A function of the library with arguments of these types. Raises Unavailable where there is no library.

    Asked for once: finding the library anew takes as long as a small layer, and a step has thirty.
    """
    found = getattr(library(), name)
    found.argtypes = types
    return found


def why_unavailable() -> str | None:
    """Why there is no library, in a few words; None where there is one."""
    try:
        library()
    except Unavailable as error:
        return str(error)
    return None


def version() -> str:
    """Changes with all that the bits of the kernels depend on. Raises Unavailable where there is no library."""
    library()
    return _fingerprint(_compiler(os.environ.get("CXX")))[:8]


@functools.cache  # a failure too: it is as lasting, and a study asks for every run
def _library(chosen: str | None, folder: Path) -> ctypes.CDLL | Unavailable:
    try:
        compiler = _compiler(chosen)
        kept = folder / f"{_fingerprint(compiler)}.so" if _is_ours(folder) else None
        with nullcontext() if kept is None or kept.exists() else _turn(folder):
            if kept is not None and kept.exists():
                return ctypes.CDLL(str(kept))
            # a place of its own, and a rename: a file system without locks lets several be at it
            with tempfile.TemporaryDirectory(prefix="isthmus-", dir=folder if kept else None) as private:
                path = Path(private, "kernels.so")
                _compile(compiler, path)
                return ctypes.CDLL(str(path.rename(kept) if kept else path))
    except (OSError, Unavailable) as error:
        return error if isinstance(error, Unavailable) else Unavailable(f"the compiled kernels cannot be used: {error}")


def _compiler(chosen: str | None) -> list[str]:
    if sys.platform not in ("linux", "darwin"):
        raise Unavailable(f"kernels are not compiled on {platform.system()}")
    if chosen:
        words = shlex.split(chosen)
        if words and shutil.which(words[0]):
            return words
        raise Unavailable(f"CXX={chosen} is not here")
    for name in ("g++", "c++", "clang++"):
        if shutil.which(name):
            return [name]
    raise Unavailable("no C++ compiler is here")


def _compile(compiler: list[str], path: Path) -> None:
    """Each source in a process of its own, so that all cores are used; their objects lie beside `path`."""
    objects = {source: path.with_name(f"{source.stem}.o") for source in SOURCES}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        steps = [pool.submit(_run, [*compiler, *_FLAGS, "-c", "-o", str(to), str(of)]) for of, to in objects.items()]
        for step in steps:
            step.result()
    _run([*compiler, *_FLAGS, "-shared", "-o", str(path), *map(str, objects.values())])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} took over {_SECONDS:g} s") from None
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if "error" in line), f"exit code {done.returncode}")
        raise Unavailable(f"{command[0]} failed: {said.strip()}")


def _fingerprint(compiler: list[str]) -> str:
    """Changes with all that the library depends on: sources, flags, compiler, processor."""
    program = os.stat(str(shutil.which(compiler[0])))
    # the processor: -march=native stands for it, and a home folder can be shared by machines
    words = [*_FLAGS, *compiler, f"{program.st_size} {program.st_mtime_ns}"]
    words += [platform.machine(), processor.name(), *sorted(processor.flags())]
    headers = sorted(Path(__file__).parent.glob("*.h"))
    parts = [*(source.read_bytes() for source in (*SOURCES, *headers)), *(word.encode() for word in words)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


@contextmanager
def _turn(folder: Path) -> Generator[None]:
    """One process after another: those of a study begin together, and one compiler is enough."""
    with open(folder / "lock", "w", encoding="utf-8") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_ours(folder: Path) -> bool:
    """Whether nobody else can write into `folder`, made where it is missing: what lies in it will be executed."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.lstat()
    except OSError:
        return False
    others = stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & others
