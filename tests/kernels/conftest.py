"""Which library the kernels' tests use: this machine's, or one in plain C++ that runs the code for tiles anywhere."""

from __future__ import annotations

import ctypes
import os
import platform
import shlex
from collections.abc import Iterator

import pytest

from isthmus.core.paths import cache_folder
from isthmus.kernels import compiled, tiled_convolution, winograd
from isthmus.kernels.compiled import Unavailable, why_unavailable


@pytest.fixture(scope="session")
def portable() -> ctypes.CDLL:
    """The kernels with tiles in plain C++ and, on x86, vectors as narrow as those of processors without AVX-512."""
    if reason := why_unavailable():
        pytest.skip(f"no compiled kernels: {reason}")
    narrow = ["-mno-avx512f"] if platform.machine() in ("x86_64", "AMD64") else []
    words = [*compiled._compiler(os.environ.get("CXX")), "-DPORTABLE_TILES", *narrow]
    found = compiled._library.__wrapped__(shlex.join(words), cache_folder() / "kernels")
    assert not isinstance(found, Unavailable), found
    return found


@pytest.fixture
def portable_kernels(portable: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The portable library instead of this machine's."""
    monkeypatch.setattr(compiled, "_library", lambda *_: portable)
    _forget()
    yield
    monkeypatch.undo()
    _forget()


@pytest.fixture(params=["amx", "portable"])
def tiles(request: pytest.FixtureRequest) -> None:
    """The processor's tiles, where it has them, and those in plain C++."""
    if request.param == "portable":
        request.getfixturevalue("portable_kernels")
    elif not tiled_convolution.ready():
        pytest.skip("no C++ compiler, or a processor without AMX tiles")


def _forget() -> None:
    for remembered in (compiled.operation, tiled_convolution.ready, winograd.ready):
        remembered.cache_clear()
