"""A folder that isthmus saved an array in is whole: it can be renamed, copied and taken along."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import TINY
from tests.study_toml import NARROW_AND_WIDE, study_toml

import isthmus as ist
from command import isthmus
from isthmus.runs.run_folder import read_recipe

OPTIONS = {**{name: value for name, value in TINY.items() if not name.startswith("data.")}, "train.epochs": 1}
IMAGES = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 3), dtype=np.uint8)


pytestmark = pytest.mark.usefixtures("cache_of_module")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on an array; not to be changed, but copied."""
    home = tmp_path_factory.mktemp("moved") / "given"
    return ist.train("post/latent-10", data=IMAGES, out=home, options=OPTIONS, show_progress=False)


def test_a_copied_run_has_its_own_images(given: Path, tmp_path: Path) -> None:
    shutil.copytree(given, tmp_path / "other")
    assert read_recipe(tmp_path / "other").data.options["path"] == str(tmp_path / "other/images.safetensors")


def test_a_renamed_run_finds_its_images_beside_it(given: Path, tmp_path: Path) -> None:
    other = shutil.copytree(given, tmp_path / "other")
    recipe = (other / "recipe.toml").read_text()  # as if trained elsewhere, and moved
    (other / "recipe.toml").write_text(recipe.replace(str(given), str(tmp_path / "gone")))
    answer = isthmus("evaluate", other)
    assert answer.code == 0, answer.err
    assert ist.train("post/latent-10", data=IMAGES, out=other, options=OPTIONS, show_progress=False) == other


def test_a_study_and_its_runs_find_the_studys_images(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        study_toml(NARROW_AND_WIDE, train=["epochs = 1", "batch = 16", 'device = "cpu"'])
    )
    ist.study(str(tmp_path / "mine.toml"), data=IMAGES, out=tmp_path / "one", show_progress=False)
    (tmp_path / "one").rename(tmp_path / "other")
    answer = isthmus("evaluate", tmp_path / "other/wide/seed-0")
    assert answer.code == 0, answer.err
    shutil.rmtree(tmp_path / "other/wide")
    answer = isthmus("study", tmp_path / "other", "-q")
    assert answer.code == 0, answer.err
    assert (tmp_path / "other/wide/seed-0/evaluation.json").is_file()


def test_a_file_of_ones_own_stays_where_it_is(given: Path, tmp_path: Path) -> None:
    """Even one of that name: nothing beside the run stands for it."""
    own = tmp_path / "images.safetensors"
    shutil.copy(given / "images.safetensors", own)
    data = {"kind": "arrays", "path": str(own)}
    run = ist.train("post/latent-10", data=data, out=tmp_path / "run", options=OPTIONS, show_progress=False)
    assert read_recipe(run).data.options["path"] == str(own)
