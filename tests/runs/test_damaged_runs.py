"""A study one of whose runs is damaged: that run alone fails, says why, and its remedy can be followed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.study_toml import NARROW_AND_WIDE, study_toml

from isthmus.core.errors import InputError
from isthmus.pages.report import write_study_report
from isthmus.recipes.study_plan import load_plan
from isthmus.run_files.findings import Findings
from isthmus.runs import study as studies
from isthmus.runs.executors.job import RunEvent
from isthmus.runs.findings import findings
from isthmus.training.events import Started

TOML = study_toml(
    NARROW_AND_WIDE,
    head=["seeds = 2"],
    data=["train = 48", "test = 12", "size = 8"],
    train=["epochs = 1", "batch = 16", 'device = "cpu"', 'precision = "fp32"'],
)
ABOUT_MODELS = "test images; one seed: about these models, not about the choice between them"
MORE = "whose runs the folder holds"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of two variations and two seeds; not to be changed, but copied."""
    home = tmp_path_factory.mktemp("finished")
    (home / "mine.toml").write_text(TOML)
    study(home / "study")
    return home / "study"


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    shutil.copy(finished.parent / "mine.toml", tmp_path)
    return Path(shutil.copytree(finished, tmp_path / "study"))


def study(folder: Path, jobs: int = 1) -> set[str]:
    """Run the study, and return the runs that it trained."""
    plan = load_plan(str(folder.parent / "mine.toml"))
    events = studies.study(plan, folder, folder.parent / "cache", command="", jobs=jobs)
    return {
        event.job.folder.relative_to(folder).as_posix()
        for event in events
        if isinstance(event, RunEvent) and isinstance(event.event, Started)
    }


def found(folder: Path, *, ended: bool = False, **changes: Any) -> Findings:
    return findings(load_plan(str(folder.parent / "mine.toml"), changes), folder, command="", ended=ended)


def written(folder: Path) -> Findings:
    return Findings.model_validate_json((folder / "findings.json").read_text())


def statuses(found: Findings) -> list[str]:
    return [run.status for row in found.variations for run in row.runs]


def said(found: Findings, kind: str) -> list[str]:
    return [one.sentence for one in found.findings if one.kind == kind]


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))


# A run without a result


def test_a_run_without_a_result_has_failed_once_the_study_has_ended(folder: Path) -> None:
    """While the study grows, it is only not yet run."""
    (folder / "wide/seed-1/per_image.parquet").unlink()
    shutil.rmtree(folder / "narrow/seed-1")
    assert statuses(found(folder)) == ["done", "missing", "done", "missing"]
    assert said(found(folder), "failure") == []
    ended = found(folder, ended=True)
    assert statuses(ended) == ["done", "failed", "done", "failed"]
    narrow, wide = folder / "narrow/seed-1", folder / "wide/seed-1"
    assert said(ended, "failure") == [
        f"narrow, seed 1, failed: {narrow}: its training has not ended; run the study again",
        f"wide, seed 1, failed: {wide / 'per_image.parquet'}: is missing; `isthmus evaluate {wide}` writes it again",
    ]


def test_a_study_without_any_result_claims_no_intervals(folder: Path) -> None:
    for path in folder.glob("*/*/evaluation.json"):
        path.write_text("{}")
    ended = found(folder, ended=True)
    assert statuses(ended) == ["failed"] * 4
    assert all(
        "evaluation.json: " in sentence and "`isthmus evaluate " in sentence for sentence in said(ended, "failure")
    )
    assert ended.intervals == ""


# failed.json


def test_a_damaged_record_of_a_failure_does_not_stop_the_study(folder: Path) -> None:
    """Findings are written after each run, while the damaged record of another is still there."""
    shutil.rmtree(folder / "wide/seed-0")
    (folder / "wide/seed-1/evaluation.json").unlink()
    (folder / "wide/seed-1/failed.json").write_text('{"format": 2, "reason": "x"}')
    assert study(folder) == {"wide/seed-0"}
    assert statuses(written(folder)) == ["done"] * 4


def test_a_folder_in_the_place_of_the_record_of_a_failure_is_a_failure(folder: Path) -> None:
    record = folder / "wide/seed-1/failed.json"
    record.mkdir()
    now = found(folder)
    assert statuses(now) == ["done", "done", "done", "failed"]
    (sentence,) = said(now, "failure")
    assert sentence.startswith(f"wide, seed 1, failed: {record}: cannot be read (")
    assert sentence.endswith("; remove it, and run the study again")
    shutil.rmtree(folder / "wide/seed-1/checkpoints")
    (folder / "wide/seed-1/evaluation.json").unlink()
    shutil.rmtree(folder / "wide/seed-0")
    assert study(folder) == {"wide/seed-0"}, "the other runs go on"
    assert statuses(written(folder)) == ["done", "done", "done", "failed"]


@pytest.mark.parametrize("name", ["recipe.toml", "environment.json"])
def test_a_damaged_run_does_not_stop_those_beside_it(folder: Path, name: str) -> None:
    (folder / "wide/seed-0" / name).write_text("[")
    (folder / "wide/seed-0/evaluation.json").unlink()
    shutil.rmtree(folder / "narrow/seed-1")
    assert study(folder, jobs=2) == {"narrow/seed-1"}
    assert statuses(written(folder)) == ["done", "done", "failed", "done"]


# What intervals cover


@pytest.mark.parametrize(
    ("failed", "covers", "one_seed"),
    [
        ([], "test images and seeds", False),
        (["wide"], "test images and seeds; of wide over test images alone", False),
        (["narrow", "wide"], ABOUT_MODELS, True),
    ],
)
def test_intervals_cover_the_seeds_that_finished(folder: Path, failed: list[str], covers: str, one_seed: bool) -> None:
    for name in failed:
        (folder / name / "seed-1/failed.json").write_text('{"error": "why"}')
    now = found(folder)
    assert now.intervals == f"95 % over {covers}"
    (folder / "findings.json").write_text(now.model_dump_json(exclude_unset=True))
    page = re.sub(r"</?(button|span)[^>]*>", "", write_study_report(folder).read_text())
    assert f"Intervals: 95 % over {covers}." in page
    assert ("With one seed each, a verdict" in page) == one_seed


# Which images a run was tested on


@pytest.mark.parametrize("keys", [["hash", "test_hash"], ["test_hash"]])
def test_runs_that_record_no_images_are_not_known_to_share_them(folder: Path, keys: list[str]) -> None:
    """Earlier versions wrote `hash` and no `test_hash`, and their runs stay comparable."""
    for path in folder.glob("*/*/evaluation.json"):
        edit(path, lambda table: [table["data"].pop(key) for key in keys])
    now = found(folder)
    known = "hash" not in keys
    assert statuses(now) == ["done", "done" if known else "failed"] * 2
    (comparison,) = [one for one in now.findings if one.kind == "comparison"]
    assert (comparison.verdict == "not tested") != known
    if not known:
        wide = folder / "wide/seed-1"
        assert said(now, "failure")[1] == (
            "wide, seed 1, failed: not comparable: it is not recorded on which images it was tested; "
            f"`isthmus evaluate {wide}` records it, or train all seeds with another --out"
        )
        assert "not comparable: it is not recorded on which images wide and narrow were tested; " in comparison.sentence


def test_a_seed_is_not_pooled_with_one_that_records_no_images(folder: Path) -> None:
    edit(
        folder / "wide/seed-0/evaluation.json", lambda table: [table["data"].pop(key) for key in ("hash", "test_hash")]
    )
    now = found(folder)
    assert statuses(now) == ["done", "done", "done", "failed"]
    assert "it is not recorded on which images seed 0 was tested; `isthmus evaluate` " in said(now, "failure")[0]
    (comparison,) = said(now, "comparison")
    assert "not comparable: it is not recorded on which images wide was tested; " in comparison


# More seeds


def test_seeds_that_the_folder_holds_are_named_as_a_shell_takes_them(folder: Path) -> None:
    assert f"with two or more (seeds=[0,1], {MORE}) it does" in said(found(folder, seeds=[0]), "note")[0]


@pytest.mark.parametrize("file", ["evaluation", "environment"])
def test_seeds_on_other_images_are_not_recommended(folder: Path, file: str) -> None:
    """The study would refuse them, or not pool them."""
    for name in ("evaluation", "environment"):
        if file in ("evaluation", name):
            edit(folder / f"wide/seed-1/{name}.json", lambda table: table["data"].update(hash="other", test_hash="o"))
    assert "(seeds=3)" in said(found(folder, seeds=[0]), "note")[0]


def test_seeds_of_another_recipe_are_not_recommended(folder: Path) -> None:
    recipe = folder / "narrow/seed-1/recipe.toml"
    recipe.write_text(recipe.read_text().replace("epochs = 1", "epochs = 2"))
    assert "(seeds=3)" in said(found(folder, seeds=[0]), "note")[0]


# recipe.toml and checkpoints/


@pytest.mark.parametrize(
    ("content", "what"), [("", "has no [train], so it is not whole"), ("[", "not a TOML file"), (None, "is missing")]
)
@pytest.mark.parametrize("evaluated", [True, False])
def test_a_run_without_its_recipe_fails_alone(folder: Path, content: str | None, what: str, evaluated: bool) -> None:
    """Nobody can say whether its scores are of this recipe. Following the remedy mends it."""
    home = folder / "wide/seed-0"
    (home / "recipe.toml").unlink()
    if content is not None:
        (home / "recipe.toml").write_text(content)
    if not evaluated:
        (home / "evaluation.json").unlink()
        shutil.rmtree(folder / "narrow/seed-1")
    assert study(folder) == (set() if evaluated else {"narrow/seed-1"})
    now = written(folder)
    assert statuses(now) == ["done", "done", "failed", "done"]
    (sentence,) = said(now, "failure")
    assert sentence.startswith(f"wide, seed 0, failed: {home / 'recipe.toml'}: {what}")
    assert sentence.endswith(f"; restore it from a copy, or remove the folder {home} to train this run again")
    shutil.rmtree(home)
    assert study(folder) == {"wide/seed-0"}
    assert statuses(written(folder)) == ["done"] * 4


def test_a_run_of_other_options_still_stops_the_study(folder: Path) -> None:
    recipe = folder / "wide/seed-1/recipe.toml"
    recipe.write_text(recipe.read_text().replace("epochs = 1", "epochs = 2"))
    with pytest.raises(InputError, match=r"train\.epochs is 2 there, 1 here\); choose another --out"):
        study(folder)


def test_the_scores_of_a_run_without_weights_are_used(folder: Path, finished: Path) -> None:
    """Nothing of it is written again, and the remedy trains it."""
    home = folder / "wide/seed-0"
    shutil.rmtree(home / "checkpoints")
    before = (home / "recipe.toml").stat().st_mtime_ns
    assert study(folder) == set()
    now = written(folder)
    assert statuses(now) == ["done"] * 4
    assert said(now, "comparison") == said(written(finished), "comparison")
    assert said(now, "note") == [
        f"wide, seed 0: its scores are used, but {home / 'checkpoints'} is missing; remove the folder {home}, and the "
        "study trains that run again."
    ]
    assert (home / "recipe.toml").stat().st_mtime_ns == before
    shutil.rmtree(home)
    assert study(folder) == {"wide/seed-0"}
    assert said(written(folder), "note") == []


@pytest.mark.parametrize("lost", ["evaluation.json", "training.json"])
def test_a_run_without_weights_and_scores_fails_alone(folder: Path, lost: str) -> None:
    home = folder / "wide/seed-0"
    shutil.rmtree(home / "checkpoints")
    (home / lost).unlink()
    kept = sorted(path.name for path in home.iterdir())
    assert study(folder) == set()
    now = written(folder)
    assert statuses(now) == ["done", "done", "failed", "done"]
    assert said(now, "failure") == [
        f"wide, seed 0, failed: {home / 'checkpoints'}: is missing; restore it from a copy, or remove the folder "
        f"{home} to train this run again"
    ]
    assert sorted(path.name for path in home.iterdir()) == sorted([*kept, "failed.json"])
