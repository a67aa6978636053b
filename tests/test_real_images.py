"""On real CIFAR-10 images, where they lie beside the project: the main job, small."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from isthmus.pages.report import write_study_report
from isthmus.recipes.study_plan import load_plan
from isthmus.runs.study import study

FEW = {
    "split.limit": 64,
    "train.epochs": 1,
    "train.least_steps": 8,
    "train.device": "cpu",
    "seeds": 1,
}


@pytest.mark.parametrize("name", ["post", pytest.param("post-faithful", marks=pytest.mark.slow)])
def test_a_study_of_the_post_ends_with_all_its_runs_and_a_page(name: str, shared_data: Path, tmp_path: Path) -> None:
    """All but the number of images is as a user runs it."""
    (tmp_path / "few").mkdir()
    for file in (shared_data / "cifar10-exact").glob("*.parquet"):
        pq.write_table(pq.read_table(file).slice(0, 40), tmp_path / "few" / file.name)
    data = {"data.kind": "parquet", "data.path": str(tmp_path / "few")}
    plan = load_plan(name, {**data, **FEW})
    for _ in study(plan, tmp_path / "study", tmp_path / "cache", command="test"):
        pass
    found = json.loads((tmp_path / "study" / "findings.json").read_text())
    names = [row["name"] for row in found["variations"]]
    posts = [name for name in names if not name.startswith("from-nothing")]
    assert posts == ["latent-10", "denoise", "latent-512", "many-layers"]
    assert all(row["runs"][0]["status"] == "done" for row in found["variations"])
    assert found["data"]["test_images"] == 40
    assert found["data"]["class_names"][0] == "airplane"
    kinds = [row["kind"] for row in found["findings"]]
    assert kinds.count("comparison") == sum(len(row["compare"]) for row in found["variations"]) >= 3
    assert kinds.count("pca") == len(names)
    assert write_study_report(tmp_path / "study").stat().st_size > 100_000
