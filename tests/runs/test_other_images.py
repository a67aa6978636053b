"""A study whose images were changed: nothing is trained in vain, and nothing is compared across images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from PIL import Image
from tests.command import assert_refused, isthmus

import isthmus as ist
from isthmus.recipes.study_plan import load_plan
from isthmus.run_files.findings import Findings
from isthmus.run_files.write import as_json
from isthmus.runs.findings import findings

A: dict[str, Any] = {"name": "a"}
B: dict[str, Any] = {"name": "b", "compare": "a", "changes": {"bottleneck.dim": 3}}
C: dict[str, Any] = {"name": "c", "compare": "a", "changes": {"bottleneck.dim": 4}}
FEWER: dict[str, Any] = {"name": "b", "compare": "a", "changes": {"split.limit": 30}}


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path_factory.getbasetemp() / "cache"))


def pictures(folder: Path, count: int = 60, *, seed: int = 0) -> None:
    """So many pictures, in the place of those that are there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    draws = np.random.default_rng(seed)
    for number in range(count):
        Image.fromarray(draws.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / f"{number}.png")


def plan(home: Path, *variations: dict[str, Any], seeds: int = 1) -> Path:
    base = {
        "data": {"kind": "folder", "path": str(home / "pictures"), "size": 16},
        "architecture": {"kind": "conv", "filters": [4], "strides": [2]},
        "bottleneck": {"kind": "vector", "dim": 2},
        "train": {"epochs": 1, "batch": 16, "device": "cpu", "precision": "fp32"},
    }
    path = home / "mine.toml"
    path.write_text(tomli_w.dumps({"name": "mine", "seeds": seeds, "base": base, "variation": list(variations)}))
    return path


def study(home: Path, *variations: dict[str, Any], seeds: int = 1) -> Any:
    return isthmus("study", plan(home, *variations, seeds=seeds), "-o", home / "study", "-q")


def found(home: Path, *variations: dict[str, Any], seeds: int = 1) -> Findings:
    return findings(load_plan(str(plan(home, *variations, seeds=seeds))), home / "study", command="")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures and a finished study of a and b; to be copied."""
    home = tmp_path_factory.mktemp("two")
    pictures(home / "pictures")
    assert study(home, A, B).code == 0
    return home


@pytest.fixture
def home(two: Path) -> Iterator[Path]:
    """The finished study, put back afterwards: the recipes name their folder."""
    kept = two.with_name(f"{two.name}-kept")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(two, kept)
    yield two
    shutil.rmtree(two)
    kept.rename(two)


def mixed(home: Path, *variations: dict[str, Any], seeds: int = 1, count: int = 60) -> None:
    """What an earlier version did: train what is missing on pictures that others have taken the place of."""
    pictures(home / "pictures", count, seed=1)
    elsewhere = home / "other"
    path = plan(home, *variations, seeds=seeds)
    assert isthmus("study", path, "-o", elsewhere, "-q").code == 0
    for run in elsewhere.glob("*/seed-*"):
        place = home / "study" / run.relative_to(elsewhere)
        if not place.exists():
            shutil.copytree(run, place)


@pytest.mark.parametrize("count", [60, 75])
@pytest.mark.parametrize(("variations", "seeds"), [((A, B), 1), ((A, B), 2), ((A, B, C), 1)])
def test_nothing_is_trained_beside_runs_on_other_images(
    home: Path, count: int, variations: tuple[dict[str, Any], ...], seeds: int
) -> None:
    before = sorted((home / "study").rglob("*"))
    pictures(home / "pictures", count, seed=1)
    answer = study(home, *variations, seeds=seeds)
    assert_refused(answer, "a/seed-0", "are not those it was trained on; restore them", "another --out")
    assert sorted((home / "study").rglob("*")) == before


@pytest.mark.parametrize("count", [60, 75])
def test_variations_on_other_test_images_are_not_compared(home: Path, count: int) -> None:
    mixed(home, A, C, count=count)
    rows = {one.variation: one for one in found(home, A, B, C).findings if one.kind == "comparison"}
    assert rows["b"].verdict != "not tested"
    assert (rows["c"].verdict, rows["c"].corrected) == ("not tested", None)
    assert "c and a are not comparable: they were tested on other images; " in rows["c"].sentence


@pytest.mark.parametrize("count", [60, 75])
def test_seeds_on_other_test_images_are_not_pooled(home: Path, count: int) -> None:
    alone = found(home, A, B)
    mixed(home, A, B, seeds=2, count=count)
    both = found(home, A, B, seeds=2)
    for one, other in zip(alone.variations, both.variations, strict=True):
        assert other.scores == one.scores
        assert [run.status for run in other.runs] == ["done", "failed"]
    said = [one.sentence for one in both.findings if one.kind == "failure"]
    assert len(said) == 2
    assert all("tested on other images than seed 0; " in sentence for sentence in said)


def without_test_hash(folder: Path) -> None:
    """As an earlier version wrote it."""
    for path in (*folder.rglob("evaluation.json"), *folder.rglob("environment.json")):
        table = json.loads(path.read_text())
        del table["data"]["test_hash"]
        path.write_text(json.dumps(table))


def test_runs_of_earlier_versions_are_compared_by_all_their_images(home: Path) -> None:
    mixed(home, A, C)
    without_test_hash(home / "study")
    rows = {one.variation: one for one in found(home, A, B, C).findings if one.kind == "comparison"}
    assert rows["b"].verdict != "not tested"
    assert rows["c"].verdict == "not tested"


def test_the_page_warns_of_what_an_earlier_version_compared(home: Path) -> None:
    mixed(home, A, C)
    without_test_hash(home / "study")
    table = as_json(found(home, A, B, C))
    for one in table["findings"]:
        if one["kind"] == "comparison":
            one["verdict"] = "worse"
    (home / "study/findings.json").write_text(json.dumps(table))
    assert isthmus("report", home / "study").code == 0
    page = (home / "study/report.html").read_text()
    assert "The runs of c and a are not on the same images." in page
    assert "The runs of b and a are not" not in page


@pytest.mark.parametrize("old", [False, True])
def test_variations_may_be_trained_on_other_images(tmp_path: Path, old: bool) -> None:
    """Those that are tested on the same are compared; of older runs, today's images say it."""
    pictures(tmp_path / "pictures")
    assert study(tmp_path, A, FEWER).code == 0
    if old:
        without_test_hash(tmp_path / "study")
    assert study(tmp_path, A, FEWER).code == 0
    table = json.loads((tmp_path / "study/findings.json").read_text())
    assert [one["verdict"] for one in table["findings"] if one["kind"] == "comparison"] != ["not tested"]


def test_an_old_evaluation_of_a_run_that_failed_is_not_shown(home: Path) -> None:
    (home / "study/b/seed-0/environment.json").write_text("{")
    answer = study(home, A, B)
    assert answer.code == 1
    assert "b, seed 0, failed: " in answer.out and "environment.json: cannot be read" in answer.out
    table = json.loads((home / "study/findings.json").read_text())
    assert [run["status"] for row in table["variations"] for run in row["runs"]] == ["done", "failed"]
    assert not [one for one in table["findings"] if one["kind"] == "comparison"]


def changed_run(home: Path) -> Path:
    """A trained run on pictures that others have taken the place of since."""
    pictures(home / "pictures")
    options = ("architecture.filters=[4]", "architecture.strides=[2]", "bottleneck.dim=2")
    images = ("data.kind=folder", f"data.path={home / 'pictures'}", "data.size=16")
    training = ("train.epochs=1", "train.batch=16", "train.device=cpu")
    answer = isthmus("train", "post/latent-10", *images, *options, *training, "-o", home / "run", "-q")
    assert answer.code == 0, answer
    pictures(home / "pictures", seed=1)
    return home / "run"


def test_no_verb_takes_other_images_for_those_of_the_run(tmp_path: Path) -> None:
    run = changed_run(tmp_path)
    for words in (["sample", run, "-o", tmp_path / "new.png"], ["evaluate", run], ["explore", run]):
        assert_refused(isthmus(*words), str(run), "are not those it was trained on; restore them")
    with pytest.raises(ist.InputError, match="are not those it was trained on"):
        ist.sample(run, 4)


def test_the_cost_of_16_bits_is_not_measured_on_other_images(tmp_path: Path) -> None:
    run = changed_run(tmp_path)
    answer = isthmus("export", run, "--half")
    assert answer.code == 0
    assert (
        "What 16-bit weights cost was not measured: " in answer.err and "are not those it was trained on" in answer.err
    )
    assert json.loads((run / "export/export.json").read_text())["half_cost_db"] is None
