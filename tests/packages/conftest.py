"""Shared by the tests of parts from other packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.packages.installing import forget


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of packages on the path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    forget(folder)
    yield folder
    forget(folder)
