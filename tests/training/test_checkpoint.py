"""Which checkpoint of a name is read: the newest whole one, by everything that reads checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.study_plan import load_recipe
from isthmus.run_files.state import Progress
from isthmus.testing.part_under_test import TINY
from isthmus.training import checkpoint


def model() -> Autoencoder:
    return Autoencoder(load_recipe("post/latent-10", TINY), (3, 8, 8))


def load(folder: Path) -> int:
    return checkpoint.load(folder, model())[0].step


def read_weights(folder: Path) -> int:
    return checkpoint.read_weights(folder)[0].step


@pytest.mark.parametrize("read", [load, read_weights])
def test_an_interrupted_save_is_no_damage(tmp_path: Path, read: Callable[[Path], int]) -> None:
    last = tmp_path / "last"
    (tmp_path / "last.new").mkdir()
    (tmp_path / "last.new" / "model.safetensors").write_bytes(b"half")
    with pytest.raises(FileNotFoundError):
        read(last)
    checkpoint.save(tmp_path / "last.old", model(), Progress(step=3))
    assert read(last) == 3
    (tmp_path / "last.old" / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(
        checkpoint.Damaged, match=r"last\.old is damaged .*; there is no undamaged older one$"
    ) as caught:
        read(last)
    assert "last.new" not in str(caught.value)
