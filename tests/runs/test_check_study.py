"""A study's rows are checked with their images before any training: all faults at once, each image set read once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.study_toml import study_toml

from isthmus.core.errors import InputError
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import Plan, load_plan
from isthmus.runs import shared_splits
from isthmus.runs.check_study import check_plan
from isthmus.runs.shared_splits import SharedSplits

SMALL = ("train = 80", "test = 12")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The data set of every reading of images."""
    found: list[Any] = []
    load = shared_splits.load_data

    def counted(recipe: Recipe) -> Any:
        found.append(recipe.table()["data"])
        return load(recipe)

    monkeypatch.setattr(shared_splits, "load_data", counted)
    return found


def plan(folder: Path, grid: str) -> Plan:
    path = folder / "mine.toml"
    path.write_text(study_toml(f"[grid]\n{grid}", data=SMALL, train=('device = "cpu"',)))
    return load_plan(str(path))


def test_images_are_read_once_also_where_rows_take_turns(tmp_path: Path, reads: list[Any]) -> None:
    found = plan(tmp_path, '"bottleneck.dim" = [2, 3]\n"data.train" = [80, 90]')
    shapes, _ = check_plan(found, tmp_path / "out", SharedSplits())
    assert [one["train"] for one in reads] == [80, 90]
    assert list(shapes) == [row.name for row in found.variations], "in the order of the file"
    assert shapes["dim-3-train-90"][0] > shapes["dim-3-train-80"][0]


def test_all_faults_are_told_and_a_broken_image_set_once(tmp_path: Path, reads: list[Any]) -> None:
    (tmp_path / "empty").mkdir()
    rows = [
        f'{{ name = "no-images", "data.kind" = "folder", "data.path" = "{tmp_path}/empty" }}',
        '{ name = "no-weight", "bottleneck.kind" = "gaussian", "bottleneck.dim" = 3 }',
        '{ name = "fine", "train.batch" = 64 }',
    ]
    found = plan(tmp_path, f'mine = [{", ".join(rows)}]\n"architecture.kernel" = [3, 5]')
    with pytest.raises(InputError) as told:
        check_plan(found, tmp_path / "out", SharedSplits())
    assert len(reads) == 2
    first, *faults = str(told.value).splitlines()
    assert first == "2 faults; correct them all:"
    assert any("no-weight-kernel-3, no-weight-kernel-5: objective.weights: no weight" in line for line in faults)
    assert any("no-images-kernel-3, no-images-kernel-5: data.path" in line for line in faults)
    assert not (tmp_path / "out").exists()


def test_a_fault_of_all_rows_names_none(tmp_path: Path) -> None:
    found = plan(tmp_path, '"bottleneck.dim" = [2, 3]\n"train.device" = ["abacus"]')
    with pytest.raises(InputError, match=r"^train\.device: 'abacus'"):
        check_plan(found, tmp_path / "out", SharedSplits())
