"""One small trained run for all tests of a model at work."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.command import train


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three numbers an image, on drawn RGB images of 32x32 pixels. Tests do not change it."""
    folder = tmp_path_factory.mktemp("small") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISTHMUS_DATA", str(tmp_path_factory.mktemp("small-cache")))
        assert train(folder, "train.epochs=1").code == 0
    return folder
