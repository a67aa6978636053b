"""Compiling the kernels: once a machine, by whatever compiler is there, and never somebody else's library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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


@needs_compiler
def test_it_is_compiled_once(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert library().forward_float32
    assert len(list(fresh.glob("*.so"))) == 1
    assert fresh.stat().st_mode & 0o777 == 0o700
    compiled._library.cache_clear()
    monkeypatch.setattr(compiled, "_compile", lambda *_: pytest.fail("compiled again"))
    assert library().backward_bfloat16


@needs_compiler
def test_several_at_a_time_all_get_one(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_now, compiled_to = compiled._compile, list[Path]()

    def counted(compiler: list[str], path: Path) -> None:
        compiled_to.append(path)
        compile_now(compiler, path)

    monkeypatch.setattr(compiled, "_compile", counted)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: compiled._library.__wrapped__(None, fresh), range(4)))
    assert not any(isinstance(one, Unavailable) for one in found)
    assert len(compiled_to) == 1
    assert sorted(path.suffix for path in fresh.iterdir()) == ["", ".so"], "the library and the lock"


@needs_compiler
def test_a_folder_that_others_can_write_to_is_not_trusted(fresh: Path) -> None:
    """Whoever can put a file there could have it executed."""
    fresh.mkdir(mode=0o700)
    fresh.chmod(0o777)
    assert library().forward_float32  # compiled apart
    assert list(fresh.iterdir()) == []


@needs_compiler
def test_a_link_to_another_folder_is_not_trusted(fresh: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    fresh.symlink_to(elsewhere)
    assert library().forward_float32
    assert list(elsewhere.iterdir()) == []


def test_without_a_compiler_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.delenv("CXX", raising=False)
    assert why_unavailable() == "no C++ compiler is here"


@pytest.mark.parametrize(
    ("compiler", "said"),
    [("/nowhere/g++", "CXX=/nowhere/g++ is not here"), ("false", "false failed: exit code 1")],
)
def test_the_users_choice_of_compiler_is_used(compiler: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", compiler)
    assert why_unavailable() == said


def test_a_compilers_error_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "cxx"
    script.write_text(
        "#!/bin/sh\necho 'x.cpp:1: note: listen' >&2\necho 'fatal error: omp.h: no such file' >&2\nexit 1\n"
    )
    script.chmod(0o700)
    monkeypatch.setenv("CXX", str(script))
    assert why_unavailable() == f"{script} failed: fatal error: omp.h: no such file"


def test_a_library_that_cannot_be_loaded_is_named(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "cxx"  # writes something that is no library where it is told to
    script.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho nonsense > "$2"\n')
    script.chmod(0o700)
    monkeypatch.setenv("CXX", str(script))
    said = why_unavailable()
    assert said is not None and said.startswith("the compiled kernels cannot be used: ") and ".so" in said
