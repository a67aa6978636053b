"""The C++ files in this folder as a library in this process, compiled once per machine."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import itertools
import os
import platform
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from isthmus.core.errors import InputError
from isthmus.core.locks import locked_file
from isthmus.core.paths import cache_folder
from isthmus.kernels import processor

SOURCES = sorted(Path(__file__).parent.glob("*.cpp"))
# -march=native: the machine that compiles the library also runs it. The other flags let the compiler vectorise
# comparisons and roots; the order of sums does not change.
_FLAGS = [
    "-std=c++17",
    "-O2",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wno-psabi",
    "-Wno-ignored-attributes",
    "-fopenmp-simd",
    "-pthread",
    "-fPIC",
]
_SECONDS = 300.0  # compiling one source takes up to four seconds, and many times that on a busy machine
_TYPES = {"int": ctypes.c_int, "long": ctypes.c_long, "float": ctypes.c_float}
NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}  # parts of the operations' names


class Unavailable(Exception):
    """There is no library; the message says in a few words why, and what would help."""


def library() -> ctypes.CDLL:
    """The kernels, compiled now or before. Raises Unavailable if that is not possible."""
    found = _library(os.environ.get("CXX"), cache_folder() / "kernels")
    if isinstance(found, Unavailable):
        raise found
    return found


@functools.cache
def operation(name: str) -> Operation:
    """An operation of the library. Raises Unavailable if there is no library.

    Cached: finding the library again takes as long as a small layer, and a step calls thirty operations.
    """
    return Operation(getattr(library(), name), name, _operations(library())[name])


class Operation:
    """Calls an operation with its arguments by name: numbers, and tensors, which are passed as plain addresses.

    The names, their order and their types come from the C++ (operations.h), the only place that defines them.
    Raises TypeError for other names or another order, MemoryError if there is not enough memory.
    """

    def __init__(self, function: Any, name: str, arguments: Mapping[str, type]) -> None:
        function.argtypes = tuple(arguments.values())
        function.restype = ctypes.c_int
        self._function, self._name, self._names = function, name, tuple(arguments)
        self._numbers = [*arguments.values()].index(ctypes.c_void_p)  # how many come before the first tensor

    def __call__(self, **given: Any) -> None:
        if tuple(given) != self._names:
            raise TypeError(
                f"the compiled kernel {self._name} takes {', '.join(self._names)}, and not {', '.join(given)}"
            )
        values, first = [*given.values()], self._numbers
        tensors: list[Tensor | None] = values[first:]
        values[first:] = [None if tensor is None else tensor.data_ptr() for tensor in tensors]
        if self._function(*values):
            raise MemoryError("a compiled kernel found no memory")


def expect(shape: Sequence[int], *tensors: Tensor | None, dtype: torch.dtype = torch.float32) -> None:
    """Assert that tensors have this shape: the library gets plain addresses and would read beyond their end."""
    for tensor in tensors:
        if tensor is not None and (tensor.shape != shape or tensor.dtype != dtype):
            raise ValueError(
                f"a compiled kernel takes {dtype} {list(shape)} here, and not {tensor.dtype} {list(tensor.shape)}"
            )


def why_unavailable() -> str | None:
    """Why there is no library, in a few words; None if there is one."""
    try:
        library()
    except Unavailable as error:
        return str(error)
    return None


def version() -> str:
    """Changes with everything that the kernels' bits depend on. Raises Unavailable if there is no library."""
    library()
    return _fingerprint(_compiler(os.environ.get("CXX")))[:8]


def without_compiling() -> str:
    """The compiled kernels in words, for people; nothing is compiled for that."""
    folder = cache_folder() / "kernels"
    try:
        compiler = _compiler(os.environ.get("CXX"))
        name = _fingerprint(compiler)
        if _is_ours(folder) and _load_kept(folder, name) is not None:
            return f"compiled {name[:8]}"
    except Unavailable as error:
        return f"torch only ({error})"
    return f"not compiled yet; the first training on the CPU does it with {compiler[0]}"


def why_compiled_anew() -> str | None:
    """Why every process compiles the kernels for itself, in a sentence; None if the compiled library is kept."""
    folder = cache_folder() / "kernels"
    if _is_ours(folder) and os.access(folder, os.W_OK):
        return None
    return (
        f"The kernels are compiled anew in every process, for about 10 s: {folder} cannot be written, or others can "
        "write to it; make it writable by you alone, or set ISTHMUS_DATA to another folder."
    )


@functools.cache  # caches failures too: they last as long, and a study asks again for every run
def _library(chosen: str | None, folder: Path) -> ctypes.CDLL | Unavailable:
    try:
        compiler = _compiler(chosen)
        if _is_ours(folder):
            name = _fingerprint(compiler)
            with suppress(OSError, InputError):  # read-only or full: compiled for this process only, below
                return _load_kept(folder, name) or _compile_kept(compiler, folder, name)
        with TemporaryDirectory(prefix="isthmus-") as private:
            path = Path(private, "kernels.so")
            _compile(compiler, path)
            return _load(path)
    except OSError as error:
        return Unavailable(f"there is no room to compile kernels in ({error}); set ISTHMUS_DATA to another folder")
    except Unavailable as error:
        return error


def _compile_kept(compiler: list[str], folder: Path, name: str) -> ctypes.CDLL:
    """Compile into `folder`, or use what another process has compiled meanwhile. Raises OSError, Unavailable."""
    with ExitStack() as turn:
        # The processes of a study start together, and one compiler is enough. Some file systems have no locks.
        with suppress(OSError):
            turn.enter_context(locked_file(folder / "lock", wait=True))
        if found := _load_kept(folder, name):
            return found
        # compile in a separate folder, then rename: without locks several processes may compile at once
        with TemporaryDirectory(prefix="isthmus-", dir=folder) as private:
            path = Path(private, "kernels.so")
            _compile(compiler, path)
            with open(path, "rb+") as file:
                os.fsync(file.fileno())  # before the rename: a crash may keep a name without its content
            return _load(path.rename(folder / f"{name}-{_digest(path)}.so"))


def _load_kept(folder: Path, name: str) -> ctypes.CDLL | None:
    """The library with this fingerprint, if it exists and is intact; a damaged one is removed.

    A truncated or changed library kills the process as soon as it is used, so its file name holds its digest.
    """
    for path in folder.glob(f"{name}*.so"):
        with suppress(OSError, Unavailable):
            if path.stem == f"{name}-{_digest(path)}":
                return _load(path)
        path.unlink(missing_ok=True)
    return None


def _load(path: Path) -> ctypes.CDLL:
    """Raises Unavailable if the file is not a library, or if its operations cannot be called from here."""
    try:
        found = ctypes.CDLL(str(path))
    except OSError as error:
        remedy = "set ISTHMUS_DATA to a folder from which programs may be started, or CXX to another compiler"
        raise Unavailable(f"the compiled kernels cannot be loaded: {error}; {remedy}") from None
    try:
        _operations(found)
    except (AttributeError, KeyError, ValueError) as error:
        raise Unavailable(f"{path} lists no operations as this isthmus reads them ({error}); remove it") from None
    return found


def _operations(found: ctypes.CDLL) -> dict[str, dict[str, type]]:
    """Operation's name -> names and types of its arguments, as declared in C++."""
    ask = found.operation
    ask.restype = ctypes.c_char_p
    texts = iter(lambda: ask(next(numbers)), None)
    numbers = itertools.count()
    pairs = (text.decode().removesuffix(")").split("(") for text in texts)
    return {name: dict(map(_argument, arguments.split(", "))) for name, arguments in pairs}


def _argument(text: str) -> tuple[str, type]:
    """Name and type of one argument: "const float *weight" -> ("weight", c_void_p)."""
    kind, name = text.replace("*", "* ").rsplit(maxsplit=1)
    return name, ctypes.c_void_p if kind.endswith("*") else _TYPES[kind]


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _compiler(chosen: str | None) -> list[str]:
    if sys.platform not in ("linux", "darwin"):
        raise Unavailable(f"kernels are not compiled on {platform.system()}")
    if chosen:
        try:
            words = shlex.split(chosen)
        except ValueError as error:
            raise Unavailable(f"CXX={chosen} is no command ({error}); close its quotes") from None
        if words and shutil.which(words[0]):
            return words
        raise Unavailable(f"CXX={chosen} is not here; {_would_do()}")
    for name in ("g++", "c++", "clang++"):
        if shutil.which(name):
            return [name]
    raise Unavailable(f"no C++ compiler is here; {_would_do()}")


def _compile(compiler: list[str], path: Path) -> None:
    """Compile each source in its own process, to use all cores; the object files are written beside `path`."""
    objects = {source: path.with_name(f"{source.stem}.o") for source in SOURCES}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        steps = [pool.submit(_run, [*compiler, *_FLAGS, "-c", "-o", str(to), str(of)]) for of, to in objects.items()]
        for step in steps:
            step.result()
    _run([*compiler, *_FLAGS, "-shared", "-o", str(path), *map(str, objects.values())])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} took over {_SECONDS:g} s; try again when the machine is less busy") from None
    except OSError as error:
        raise Unavailable(f"{command[0]} cannot be started ({error.strerror}); {_would_do()}") from None
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if "error" in line), f"exit code {done.returncode}")
        raise Unavailable(f"{command[0]} failed: {said.strip()}; {_remedy(done.stderr)}")


def _remedy(said: str) -> str:
    if "No space left" in said:
        return "make room on the disk"
    if sys.platform == "darwin" and ("xcode-select" in said or "xcrun" in said):  # a placeholder for a compiler
        return _would_do()
    return "CXX can name another compiler"


def _would_do() -> str:
    return "`xcode-select --install` brings one" if sys.platform == "darwin" else "g++ or clang++ would do"


def _fingerprint(compiler: list[str]) -> str:
    """Changes with everything that the library depends on: sources, flags, compiler, processor."""
    program = os.stat(str(shutil.which(compiler[0])))
    # includes the processor, because -march=native depends on it and machines can share a home folder
    words = [*_FLAGS, *compiler, f"{program.st_size} {program.st_mtime_ns}"]
    words += [platform.machine(), processor.name(), *sorted(processor.flags())]
    headers = sorted(Path(__file__).parent.glob("*.h"))
    parts = [*(source.read_bytes() for source in (*SOURCES, *headers)), *(word.encode() for word in words)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _is_ours(folder: Path) -> bool:
    """Whether nobody else can write into `folder`, because its content will be executed. Creates it if missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.lstat()
    except OSError:
        return False
    others = stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & others
