"""Compiling the kernels: once a machine, by whatever compiler is there, and never somebody else's library."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from isthmus.kernels import compiled
from isthmus.kernels.compiled import Unavailable, library, why_unavailable

needs_compiler = pytest.mark.skipif(why_unavailable() is not None, reason=f"no compiled kernels: {why_unavailable()}")


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the libraries of this test lie; nothing is remembered of other tests."""
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path))
    compiled._library.cache_clear()
    yield tmp_path / "kernels"
    compiled._library.cache_clear()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A library, compiled once for all tests that only need one."""
    path = tmp_path_factory.mktemp("built") / "kernels.so"
    compiled._compile(compiled._compiler(os.environ.get("CXX")), path)
    return path.read_bytes()


@pytest.fixture
def compiles(built: bytes, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where libraries were compiled to; the compiler's answer is `built`."""
    compiled_to: list[Path] = []

    def compile_now(_: list[str], path: Path) -> None:
        compiled_to.append(path)
        time.sleep(0.2)  # others meet it at work
        path.write_bytes(built)

    monkeypatch.setattr(compiled, "_compile", compile_now)
    return compiled_to


@needs_compiler
def test_it_is_compiled_once(fresh: Path, compiles: list[Path]) -> None:
    assert library().norm_leaky_float32
    assert len(list(fresh.glob("*.so"))) == 1
    assert fresh.stat().st_mode & 0o777 == 0o700
    compiled._library.cache_clear()
    assert library().norm_leaky_backward_bfloat16
    assert len(compiles) == 1


@needs_compiler
def test_several_at_a_time_all_get_one(fresh: Path, compiles: list[Path]) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: compiled._library.__wrapped__(None, fresh), range(4)))
    assert not any(isinstance(one, Unavailable) for one in found)
    assert len(compiles) == 1
    assert sorted(path.suffix for path in fresh.iterdir()) == ["", ".so"], "the library and the lock"


@needs_compiler
@pytest.mark.usefixtures("compiles")
def test_a_folder_that_others_can_write_to_is_not_trusted(fresh: Path) -> None:
    """Whoever can put a file there could have it executed."""
    fresh.mkdir(mode=0o700)
    fresh.chmod(0o777)
    assert library().norm_leaky_float32  # compiled apart
    assert list(fresh.iterdir()) == []


@needs_compiler
@pytest.mark.usefixtures("compiles")
def test_a_link_to_another_folder_is_not_trusted(fresh: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    fresh.symlink_to(elsewhere)
    assert library().norm_leaky_float32
    assert list(elsewhere.iterdir()) == []


def test_without_a_compiler_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.delenv("CXX", raising=False)
    assert why_unavailable() == "no C++ compiler is here; g++ or clang++ would do"


@pytest.mark.parametrize(
    ("compiler", "said"),
    [
        ("/nowhere/g++", "CXX=/nowhere/g++ is not here; g++ or clang++ would do"),
        ("false", "false failed: exit code 1; CXX can name another compiler"),
        ("'g++ -O1", "CXX='g++ -O1 is no command (No closing quotation); close its quotes"),
    ],
)
def test_the_users_choice_of_compiler_is_used(compiler: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", compiler)
    assert why_unavailable() == said


def test_a_compilers_error_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "cxx"
    script.write_text(
        "#!/bin/sh\necho 'x.cpp:1: note: listen' >&2\necho 'fatal error: cmath: no such file' >&2\nexit 1\n"
    )
    script.chmod(0o700)
    monkeypatch.setenv("CXX", str(script))
    assert why_unavailable() == (f"{script} failed: fatal error: cmath: no such file; CXX can name another compiler")


def test_a_compiler_that_cannot_be_started_or_speaks_another_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "cxx"
    script.write_bytes(b"\x7fELF, but no program")
    script.chmod(0o700)
    monkeypatch.setenv("CXX", str(script))
    said = why_unavailable()
    assert said is not None and said.startswith(f"{script} cannot be started (")
    script.write_bytes(b"#!/bin/sh\nprintf 'error: gro\\337' >&2\nexit 1\n")
    monkeypatch.setenv("CXX", f"{script} -g")
    said = why_unavailable()
    assert said is not None and "error: gro\ufffd" in said


def test_a_library_that_cannot_be_loaded_is_named(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "cxx"  # writes something that is no library where it is told to
    script.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho nonsense > "$2"\n')
    script.chmod(0o700)
    monkeypatch.setenv("CXX", str(script))
    said = why_unavailable()
    assert said is not None and said.startswith("the compiled kernels cannot be loaded: ") and ".so" in said


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 3]


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(255 - byte for byte in content[middle : middle + 64]) + content[middle + 64 :]


@needs_compiler
@pytest.mark.parametrize(
    "damage",
    [_cut, _flipped, lambda content: bytes(len(content)), lambda _: b""],
    ids=["cut", "flipped", "zero", "empty"],
)
def test_a_damaged_library_is_never_loaded_and_is_compiled_again(
    damage: Callable[[bytes], bytes], fresh: Path, built: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaded, it would kill the process; left, every one to come."""
    monkeypatch.setattr(compiled, "_compile", lambda _, path: path.write_bytes(built))
    assert library().norm_leaky_float32
    (kept,) = fresh.glob("*.so")
    kept.unlink()  # this process has it mapped
    kept.write_bytes(damage(built))
    compiled._library.cache_clear()
    loaded: list[bytes] = []
    load = compiled._load
    monkeypatch.setattr(compiled, "_load", lambda path: loaded.append(path.read_bytes()) or load(path))
    assert library().norm_leaky_float32
    assert loaded == [built]
    assert [path.read_bytes() for path in fresh.glob("*.so")] == [built]


@needs_compiler
def test_a_cache_that_cannot_be_written_costs_time_and_is_told(
    fresh: Path, built: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "_compile", lambda _, path: path.write_bytes(built))
    assert compiled.why_compiled_anew() is None
    monkeypatch.setattr(compiled, "locked_file", _read_only)
    monkeypatch.setattr(compiled, "TemporaryDirectory", _elsewhere(fresh))
    assert library().norm_leaky_float32
    assert not list(fresh.glob("*.so"))
    fresh.chmod(0o722)
    said = compiled.why_compiled_anew()
    assert said is not None and str(fresh) in said and "ISTHMUS_DATA" in said


def _read_only(*_: object, **__: object) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def _elsewhere(forbidden: Path) -> Callable[..., tempfile.TemporaryDirectory[str]]:
    def made(*, prefix: str, dir: Path | None = None) -> tempfile.TemporaryDirectory[str]:
        if dir == forbidden:
            _read_only()
        return tempfile.TemporaryDirectory(prefix=prefix, dir=dir)

    return made


@needs_compiler
@pytest.mark.usefixtures("compiles")
def test_a_kernel_without_memory_raises() -> None:
    """Where no exception can be caught in C++, the process ends without a word."""
    with pytest.raises(MemoryError, match="compiled kernel"):
        winograd_of(channels=1 << 18, filters=1 << 23, x=None, weight=None, bias=None, y=None)


def winograd_of(**changes: Any) -> None:
    names = ("images", "height", "width", "channels", "filters", "padding", "reversed", "threads")
    compiled.operation.__wrapped__("winograd")(**{**dict.fromkeys(names, 8), **changes})


@needs_compiler
@pytest.mark.usefixtures("compiles")
@pytest.mark.parametrize(
    "given", [{}, {"x": None, "weight": None, "bias": None}, dict.fromkeys(("x", "weight", "bias", "y", "z"))]
)
def test_an_operation_takes_the_arguments_of_its_source_and_no_others(given: dict[str, None]) -> None:
    """The library would read beyond them, or take one for another."""
    with pytest.raises(TypeError, match=r"kernel winograd takes images, .*x, weight, bias, y, and not images"):
        winograd_of(**given)


@needs_compiler
def test_a_library_of_another_version_is_compiled_again(
    fresh: Path, built: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One that lists no operations: it is never called."""
    old = tmp_path / "old.so"
    source = tmp_path / "old.cpp"
    source.write_text('extern "C" int winograd() { return 0; }')
    compiled._run([*compiled._compiler(os.environ.get("CXX")), "-shared", "-fPIC", "-o", str(old), str(source)])
    monkeypatch.setattr(compiled, "_compile", lambda _, path: path.write_bytes(built))
    name = compiled._fingerprint(compiled._compiler(os.environ.get("CXX")))
    fresh.mkdir(mode=0o700)
    old.rename(fresh / f"{name}-{compiled._digest(old)}.so")
    assert library().norm_leaky_float32
    assert [path.read_bytes() for path in fresh.glob("*.so")] == [built]


def test_on_macos_it_says_how_to_get_a_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There g++ and clang++ are always there, and without Apple's tools ask for them."""
    monkeypatch.setattr(sys, "platform", "darwin")
    script = tmp_path / "g++"
    script.write_text("#!/bin/sh\necho 'xcode-select: note: no developer tools were found' >&2\nexit 1\n")
    script.chmod(0o700)
    monkeypatch.setenv("CXX", str(script))
    assert why_unavailable() == f"{script} failed: exit code 1; `xcode-select --install` brings one"
    monkeypatch.setenv("CXX", "/nowhere/g++")
    assert why_unavailable() == "CXX=/nowhere/g++ is not here; `xcode-select --install` brings one"
