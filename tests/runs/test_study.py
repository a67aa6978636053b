"""Studies: only what is missing is run, nothing is lost, and what is said follows from the scores."""

from __future__ import annotations

import copy
import json
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tomli_w

from isthmus.cli import tables
from isthmus.core import registry
from isthmus.core.errors import InputError, RunError
from isthmus.evaluation.baselines.pca_comparison import with_standing
from isthmus.evaluation.baselines.pca_timeline import Course
from isthmus.evaluation.statistics.intervals import mean_interval, paired_difference
from isthmus.evaluation.statistics.sentences import comparison_sentence, scope_of, with_correction
from isthmus.evaluation.statistics.verdicts import corrected_verdict, holm, verdict
from isthmus.pages.report import write_run_report, write_study_report
from isthmus.recipes.study_plan import Plan, load_plan
from isthmus.run_files.evaluation import Cost, EvaluationRecord
from isthmus.run_files.findings import Findings
from isthmus.run_files.read import read_record
from isthmus.run_files.write import as_json
from isthmus.runs import study as studies
from isthmus.runs.comparisons import Effort
from isthmus.runs.executors import carry_out as carrying
from isthmus.runs.executors.job import RunEvent, RunFailed
from isthmus.runs.run import Done
from isthmus.training.in_folder import Started
from isthmus.training.loop import Step

BASE: dict[str, Any] = {
    "data": {"kind": "scenes", "train": 48, "test": 12, "size": 16},
    "architecture": {"kind": "conv", "filters": [4], "strides": [2]},
    "bottleneck": {"kind": "vector", "dim": 2},
    "train": {"epochs": 2, "batch": 16, "device": "cpu", "precision": "fp32"},
}
VARIATIONAL = {"kind": "gaussian", "dim": 2}
NARROW: dict[str, Any] = {"name": "narrow"}
WIDE: dict[str, Any] = {"name": "wide", "compare": "narrow", "changes": {"bottleneck.dim": 8}}
EDITED: dict[str, Any] = {"name": "wide", "compare": "narrow", "changes": {"bottleneck.dim": 9}}
BURST: dict[str, Any] = {"name": "burst", "compare": "narrow", "changes": {"train.learning_rate": 1e30}}
AFTER: dict[str, Any] = {"name": "after", "compare": "burst", "changes": {"train.epochs": 1}}


def written(folder: Path, *variations: dict[str, Any], base: dict[str, Any] | None = None, seeds: int = 1) -> Path:
    """A study file of these variations."""
    path = folder / "mine.toml"
    path.write_text(tomli_w.dumps({"seeds": seeds, "base": base or BASE, "variation": list(variations)}))
    return path


def run(path: Path, folder: Path, overrides: dict[str, Any] | None = None) -> list[Any]:
    """All events of a study run in `folder`, those of its runs as the runs gave them."""
    plan = load_plan(str(path), overrides)
    events = studies.study(plan, folder, folder.parent / "cache", command="isthmus study mine.toml")
    return [event.event if isinstance(event, RunEvent) else event for event in events]


def trained(events: list[Any]) -> list[tuple[str, int]]:
    """(variation, seed) of each run that took a step."""
    began = [
        (event.folder.parent.name, int(event.folder.name.removeprefix("seed-")))
        for event in events
        if isinstance(event, Started)
    ]
    assert bool(began) == any(isinstance(event, Step) for event in events)
    return began


def found_in(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "findings.json").read_text())


def kinds(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [row for row in found["findings"] if row["kind"] == kind]


def times(folder: Path) -> dict[Path, int]:
    """When each file of the runs was written, the lock apart, which every visit takes."""
    files = [path for path in folder.glob("*/seed-*/**/*") if path.is_file() and path.name != "lock"]
    return {path.relative_to(folder): path.stat().st_mtime_ns for path in files}


def column(folder: Path, variation: str, name: str, seeds: int = 1) -> np.ndarray:
    tables = [pq.read_table(folder / variation / f"seed-{seed}" / "per_image.parquet") for seed in range(seeds)]
    return np.stack([table[name].to_numpy() for table in tables])


@pytest.fixture(scope="module")
def two_seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of two variations and two seeds; not to be changed, but copied."""
    home = tmp_path_factory.mktemp("two")
    run(written(home, NARROW, WIDE, seeds=2), home / "study")
    return home / "study"


@pytest.fixture(scope="module")
def one_seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("one")
    run(written(home, NARROW, WIDE), home / "study")
    return home / "study"


@pytest.fixture(scope="module")
def with_burst(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study in which one variation diverged."""
    home = tmp_path_factory.mktemp("burst")
    run(written(home, NARROW, BURST, AFTER), home / "study")
    write_study_report(home / "study")
    return home / "study"


@pytest.fixture
def again(tmp_path: Path) -> Callable[[Path], Path]:
    """A copy of a finished study that a test may go on with."""
    return lambda folder: Path(shutil.copytree(folder, tmp_path / "study"))


# What is run


def test_every_variation_is_run_with_every_seed(two_seeds: Path) -> None:
    folders = sorted(path.parent.relative_to(two_seeds).as_posix() for path in two_seeds.glob("**/evaluation.json"))
    assert folders == ["narrow/seed-0", "narrow/seed-1", "wide/seed-0", "wide/seed-1"]
    recipe = tomllib.loads((two_seeds / "wide/seed-1/recipe.toml").read_text())
    assert (recipe["name"], recipe["seed"], recipe["bottleneck"]["dim"]) == ("wide", 1, 8)
    found = found_in(two_seeds)
    assert [one["status"] for row in found["variations"] for one in row["runs"]] == ["done"] * 4


def test_a_finished_study_is_left_alone(again: Callable[[Path], Path], two_seeds: Path, tmp_path: Path) -> None:
    """No file of any run is written again, and the findings are the same."""
    folder = again(two_seeds)
    before, said = times(folder), found_in(folder)
    events = run(written(tmp_path, NARROW, WIDE, seeds=2), folder)
    assert trained(events) == []
    assert sum(isinstance(event, Done) for event in events) == 4
    assert times(folder) == before
    assert found_in(folder) == said


def test_more_seeds_add_runs(again: Callable[[Path], Path], one_seed: Path, two_seeds: Path, tmp_path: Path) -> None:
    """Only the new ones are trained; the outcome is that of asking for both at once."""
    folder = again(one_seed)
    before = times(folder)
    events = run(written(tmp_path, NARROW, WIDE), folder, {"seeds": 2})
    assert trained(events) == [("narrow", 1), ("wide", 1)]
    after = times(folder)
    assert {path: after[path] for path in before} == before
    assert found_in(folder)["findings"] == found_in(two_seeds)["findings"]


def test_a_further_variation_adds_its_runs(again: Callable[[Path], Path], one_seed: Path, tmp_path: Path) -> None:
    folder = again(one_seed)
    denoise = {"name": "denoise", "compare": "wide", "changes": {"corruption.kind": "gaussian"}}
    assert trained(run(written(tmp_path, NARROW, WIDE, denoise), folder)) == [("denoise", 0)]
    assert [row["variation"] for row in kinds(found_in(folder), "comparison")] == ["wide", "denoise"]


def test_an_unfinished_run_is_finished(again: Callable[[Path], Path], one_seed: Path, tmp_path: Path) -> None:
    """A run that was stopped before its evaluation is evaluated, not trained again."""
    folder = again(one_seed)
    (folder / "wide/seed-0/evaluation.json").unlink()
    weights = (folder / "wide/seed-0/checkpoints/best/model.safetensors").stat().st_mtime_ns
    assert trained(run(written(tmp_path, NARROW, WIDE), folder)) == []
    assert (folder / "wide/seed-0/checkpoints/best/model.safetensors").stat().st_mtime_ns == weights
    assert found_in(folder)["findings"] == found_in(one_seed)["findings"]


def test_an_edited_variation_is_refused_by_its_option(
    again: Callable[[Path], Path], one_seed: Path, tmp_path: Path
) -> None:
    folder = again(one_seed)
    before = times(folder)
    with pytest.raises(InputError, match=r"wide.seed-0: .*bottleneck\.dim is 8 there, 9 here.*choose another --out"):
        run(written(tmp_path, NARROW, EDITED), folder)
    assert times(folder) == before


def test_the_folder_of_a_single_run_is_no_place_for_a_study(one_seed: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds a single run, not a study; choose another --out"):
        run(written(tmp_path, NARROW), one_seed / "narrow" / "seed-0")


# Mistakes are found before anything is trained


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"architecture.filters": [4, 4]}, r"^bad: architecture: filters has 2 entries and strides 1"),
        ({"bottleneck.kind": "gaussian", "bottleneck.dim": 2}, r"^bad: objective\.weights: no weight .*'kl'"),
        (
            {"objective.kind": "masked"},
            r"^bad: objective\.kind: 'masked' .*'none' hides none; set corruption\.kind=hid",
        ),
        ({"train.device": "cuda:99"}, r"^bad: train\.device: 'cuda:99' is not here"),
        ({"split.validation": 0.001}, r"^bad: data: no validation images are left"),
        ({"data.kind": "folder", "data.path": "nowhere"}, r"^bad: .*nowhere"),
    ],
)
def test_a_mistake_in_one_variation_stops_the_study_at_once(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        run(written(tmp_path, NARROW, {"name": "bad", "changes": changes}), tmp_path / "study")
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    "changes", [{"data.seed": 1}, {"data.test": 11}, {"data.size": 20}], ids=["others", "fewer", "larger"]
)
def test_only_scores_on_the_same_images_are_compared(tmp_path: Path, changes: dict[str, Any]) -> None:
    """A paired difference over different images would be a number about nothing."""
    other = {"name": "other", "compare": "narrow", "changes": changes}
    with pytest.raises(InputError, match=r"^other: compared with 'narrow', which is tested on other images; leave"):
        run(written(tmp_path, NARROW, other), tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_other_training_images_may_be_compared(tmp_path: Path) -> None:
    """And without `compare` other test images are welcome beside them."""
    few = {"name": "few", "compare": "narrow", "changes": {"split.limit": 20}}
    large = {"name": "large", "changes": {"data.size": 20}}
    run(written(tmp_path, NARROW, few, large), tmp_path / "study")
    found = found_in(tmp_path / "study")
    assert [row["variation"] for row in kinds(found, "comparison")] == ["few"]
    assert [row["image_values"] for row in found["variations"]] == [768, 768, 1200]


# Failures


def test_a_diverging_variation_is_named_and_the_others_finish(with_burst: Path) -> None:
    found = found_in(with_burst)
    (failure,) = kinds(found, "failure")
    assert failure["variation"] == "burst"
    assert failure["sentence"].startswith("burst, seed 0, failed: ")
    assert "stopped being finite by step" in failure["sentence"]
    status = {row["name"]: row["runs"][0]["status"] for row in found["variations"]}
    assert status == {"narrow": "done", "burst": "failed", "after": "done"}
    assert "scores" not in next(row for row in found["variations"] if row["name"] == "burst")
    page = (with_burst / "report.html").read_text()
    assert re.search(r"burst, seed 0</b> failed: <code>.*stopped being finite", page)


def test_a_comparison_with_a_failed_variation_is_left_out(with_burst: Path) -> None:
    found = found_in(with_burst)
    assert kinds(found, "comparison") == []
    assert [row["variation"] for row in kinds(found, "pca")] == ["narrow", "after"]


def test_a_failed_variation_is_tried_again(again: Callable[[Path], Path], with_burst: Path, tmp_path: Path) -> None:
    folder = again(with_burst)
    before = times(folder)
    events = run(written(tmp_path, NARROW, BURST, AFTER), folder)
    assert trained(events) == [("burst", 0)]
    assert [event.job.variation for event in events if isinstance(event, RunFailed)] == ["burst"]
    after = times(folder)
    untouched = {path for path in before if path.parts[0] != "burst"}
    assert {path: after[path] for path in untouched} == {path: before[path] for path in untouched}


def test_a_mended_variation_takes_the_failed_ones_place(
    again: Callable[[Path], Path], with_burst: Path, tmp_path: Path
) -> None:
    """Nothing of it was saved, so nothing is lost: the remedy its error names can be followed in place."""
    folder = again(with_burst)
    mended = copy.deepcopy(BURST)
    mended["changes"]["train.learning_rate"] = 1e-3
    assert trained(run(written(tmp_path, NARROW, mended, AFTER), folder)) == [("burst", 0)]
    found = found_in(folder)
    assert kinds(found, "failure") == []
    assert [row["variation"] for row in kinds(found, "comparison")] == ["burst", "after"]
    assert not (folder / "burst/seed-0/failed.json").exists()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RuntimeError("no kernel"), "RuntimeError: no kernel"),
        (OSError(28, "No space left on device"), "the disk is full; make room, and run the study again"),
        (RunError("a sentence"), "a sentence"),
    ],
)
def test_no_failure_takes_the_other_runs_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    """Whatever a run dies of, and before it has a folder even."""
    real = carrying.run

    def break_narrow(recipe: Any, *args: Any, **options: Any) -> Any:
        if recipe.name == "narrow":
            raise error
        return real(recipe, *args, **options)

    monkeypatch.setattr(carrying, "run", break_narrow)
    path = written(tmp_path, NARROW, WIDE)
    run(path, tmp_path / "study")
    found = found_in(tmp_path / "study")
    (failure,) = kinds(found, "failure")
    assert failure["sentence"].startswith("narrow, seed 0, failed: ")
    assert sentence in failure["sentence"]
    assert found["variations"][1]["runs"][0]["status"] == "done"
    monkeypatch.setattr(carrying, "run", real)
    assert trained(run(path, tmp_path / "study")) == [("narrow", 0)]
    assert kinds(found_in(tmp_path / "study"), "failure") == []


def test_ctrl_c_ends_the_study_and_not_just_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(carrying, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(written(tmp_path, NARROW, WIDE), tmp_path / "study")
    assert list(tmp_path.glob("study/**/failed.json")) == []


# What is said


def test_a_variation_is_compared_with_several_and_unequal_training_is_said(tmp_path: Path) -> None:
    """Of the same epochs nothing is said; of half of them how many images each saw, in how many seconds."""
    short = {"name": "short", "changes": {"bottleneck.dim": 2, "train.epochs": 1}}
    both = {**WIDE, "compare": ["narrow", "short"]}
    path = written(tmp_path, NARROW, short, both)
    run(path, tmp_path / "study")
    found = found_in(tmp_path / "study")
    equal, unequal = kinds(found, "comparison")
    assert (equal["against"], unequal["against"]) == ("narrow", "short")
    assert "saw" not in equal["sentence"]
    end = r"Not the same training: wide saw (\d+) images in \d+ s, short saw (\d+) images in \d+ s\.$"
    said = re.search(end, unequal["sentence"])
    assert said is not None
    assert int(said[1]) == 2 * int(said[2]) > 0
    assert load_plan(str(tmp_path / "study/study.toml")).variations[2].compare == ("narrow", "short")


@pytest.mark.parametrize("against", [["narrow", "narrow"], ["wide"], ["narow"]])
def test_what_nothing_can_be_compared_with_is_refused(tmp_path: Path, against: list[str]) -> None:
    with pytest.raises(InputError, match="compare"):
        load_plan(str(written(tmp_path, NARROW, {**WIDE, "compare": against})))


@pytest.mark.parametrize("seeds", [1, 2])
def test_findings_follow_from_the_per_image_scores(one_seed: Path, two_seeds: Path, seeds: int) -> None:
    """Differences, verdicts and sentences, computed here again from the parquet files of the runs."""
    folder = one_seed if seeds == 1 else two_seeds
    found = found_in(folder)
    wide, narrow = (column(folder, name, "model_psnr", seeds) for name in ("wide", "narrow"))
    pca = column(folder, "wide", "pca_psnr")
    cost = {row["name"]: row["cost"] for row in found["variations"]}
    ratio = cost["wide"]["multiply_adds"] / cost["narrow"]["multiply_adds"]
    compared, against_pca = paired_difference(wide, narrow), mean_interval(wide - pca)
    errors = column(folder, "wide", "model_mse", seeds).mean() / column(folder, "wide", "pca_mse").mean()
    evaluations = [json.loads((folder / f"wide/seed-{s}/evaluation.json").read_text()) for s in range(seeds)]
    courses = [Course(**one["against_pca"]["validation"]) for one in evaluations]
    assert all(course.epochs == 2 for course in courses)
    assert found["variations"][1]["against_pca"] == {"psnr": as_json(against_pca.record()), "mse_ratio": errors}
    assert found["variations"][1]["stayed_at_start"] == 0

    (comparison,) = kinds(found, "comparison")
    pair, alone = scope_of(seeds, "wide", (seeds, "narrow")), scope_of(seeds, "wide")
    assert bool(pair) == bool(alone) == (seeds == 1)
    about = "models" if seeds == 1 else "choice"
    assert comparison == {
        "kind": "comparison", "variation": "wide", "against": "narrow", "about": about, "measure": "psnr",
        "difference": compared.mean, "low": compared.low, "high": compared.high, "p": compared.p,
        "verdict": verdict(compared),
        "sentence": comparison_sentence("wide", "narrow", compared, cost_ratio=ratio, scope=pair),
    }  # fmt: skip
    other = mean_interval(column(folder, "narrow", "model_psnr", seeds) - column(folder, "narrow", "pca_psnr"))
    plain, p = verdict(against_pca), holm([other.p, against_pca.p])[1]
    sentence = comparison_sentence("wide", "PCA with 8 components", against_pca, scope=alone)
    assert kinds(found, "pca")[1] == {
        "kind": "pca", "variation": "wide", "against": "pca", "about": about, "measure": "psnr",
        "difference": against_pca.mean, "low": against_pca.low, "high": against_pca.high, "p": against_pca.p,
        "verdict": plain,
        "corrected": {"method": "Holm", "comparisons": 2, "p": p, "verdict": corrected_verdict(plain, p)},
        "sentence": with_correction(with_standing(sentence, errors, courses, seeds), plain, p, 2),
    }  # fmt: skip


def test_a_busy_machine_does_not_make_trainings_unequal() -> None:
    """Of two seeds one was slowed: mean rate times mean time is no mean of the images, and equal trainings differed."""
    even = [Cost(train_seconds=1.0, images_per_second=86.0)] * 2
    slowed = [even[0], Cost(train_seconds=4.0, images_per_second=21.5)]
    assert Effort.of(slowed).images == pytest.approx(Effort.of(even).images) == pytest.approx(86)
    assert np.isnan(Effort.of([Cost()]).images)


@pytest.mark.parametrize(
    ("stayed", "verdicts", "said"),
    [
        (["narrow/seed-0", "narrow/seed-1"], [True, False, True], "training did not improve narrow beyond PCA."),
        (["narrow/seed-1"], [True, True, True], "training did not improve narrow beyond PCA in 1 of 2 seeds."),
        (
            ["narrow/seed-0", "narrow/seed-1", "wide/seed-0", "wide/seed-1"],
            [False, False, False],
            "wide against narrow: not tested: neither network improved on PCA.",
        ),
    ],
)
def test_runs_that_never_left_their_start_at_pca_say_so(
    again: Callable[[Path], Path], two_seeds: Path, tmp_path: Path, stayed: list[str], verdicts: list[bool], said: str
) -> None:
    """Two that are PCA are not compared; of one beside a trained one the comparison says what it is with."""
    folder = again(two_seeds)
    for name in stayed:
        for file, key in (("evaluation.json", "checkpoint"), ("checkpoints/best/state.json", "progress")):
            held = json.loads((folder / name / file).read_text())
            held[key]["epoch"] = 0
            (folder / name / file).write_text(json.dumps(held))
    found = as_json(studies.findings(load_plan(str(written(tmp_path, NARROW, WIDE, seeds=2))), folder, command=""))
    (comparison,), (narrow, wide) = kinds(found, "comparison"), kinds(found, "pca")
    rows = (comparison, narrow, wide)
    assert [row["verdict"] != "not tested" for row in rows] == verdicts
    assert [("difference" in row, "p" in row) for row in rows] == [(tested, tested) for tested in verdicts]
    assert comparison["sentence"].endswith(said)
    if verdicts[1]:
        assert narrow["sentence"].count("in 1 of 2 seeds") >= 1
    else:
        assert narrow["sentence"].startswith("narrow is PCA: ")
    assert found["variations"][0]["stayed_at_start"] == sum(name.startswith("narrow") for name in stayed)
    # what was not tested is none of the many
    assert ("corrected" in wide) == (verdicts[1] and verdicts[2])
    (folder / "findings.json").write_text(json.dumps(found))
    write_study_report(folder)
    tables.print_findings(Findings.model_validate(found))


@pytest.mark.parametrize("place", [0, 1])
def test_a_cost_that_one_seed_lacks_is_that_of_the_other(
    again: Callable[[Path], Path], two_seeds: Path, tmp_path: Path, place: int
) -> None:
    """Another version may not have measured it; the page can be read all the same."""
    folder = again(two_seeds)
    costs: list[dict[str, Any]] = []
    for seed in (0, 1):
        path = folder / f"narrow/seed-{seed}/evaluation.json"
        evaluation = json.loads(path.read_text())
        costs.append(dict(evaluation["cost"]))
        if seed == place:
            evaluation["cost"]["train_seconds"] = None
            path.write_text(json.dumps(evaluation))
    found = as_json(studies.findings(load_plan(str(written(tmp_path, NARROW, WIDE, seeds=2))), folder, command=""))
    assert found["variations"][0]["cost"]["train_seconds"] == costs[1 - place]["train_seconds"]
    (folder / "findings.json").write_text(json.dumps(found))
    write_study_report(folder)
    tables.print_findings(Findings.model_validate(found))


def test_a_variations_scores_are_means_over_seeds_and_images(two_seeds: Path) -> None:
    row = next(row for row in found_in(two_seeds)["variations"] if row["name"] == "wide")
    for measure in ("psnr", "ssim", "mse"):
        known = registry.find("measures", measure)
        scores = column(two_seeds, "wide", f"model_{measure}", seeds=2)
        interval = mean_interval(scores, least=known.least, most=known.most)
        assert row["scores"][measure] == pytest.approx(as_json(interval.record()), rel=1e-12)
    mean_mse = column(two_seeds, "wide", "model_mse", seeds=2).mean()
    assert row["scores"]["psnr_of_mean_mse"] == pytest.approx(-10 * np.log10(mean_mse))
    seconds = [json.loads((two_seeds / f"wide/seed-{s}/training.json").read_text())["seconds"] for s in (0, 1)]
    assert row["cost"]["train_seconds"] == pytest.approx(sum(seconds) / 2)
    assert (row["latent_size"], row["image_values"], row["changes"]) == (8, 768, {"bottleneck.dim": 8})


def test_with_one_seed_training_luck_is_said_not_to_be_covered(one_seed: Path, two_seeds: Path) -> None:
    one, two = found_in(one_seed), found_in(two_seeds)
    assert [row["sentence"] for row in kinds(one, "note")] == [
        "One seed: a verdict is about these trained models and says nothing about the choice between them; "
        "with two or more (seeds=3) it does."
    ]
    assert one["intervals"] == "95 % over test images; one seed: about these models, not about the choice between them"
    assert kinds(two, "note") == []
    assert two["intervals"] == "95 % over test images and seeds"


def test_a_variation_of_which_one_seed_is_left_says_so(
    again: Callable[[Path], Path], two_seeds: Path, tmp_path: Path
) -> None:
    """Its interval covers less than the others' beside it."""
    folder = again(two_seeds)
    shutil.rmtree(folder / "wide" / "seed-1")
    found = as_json(studies.findings(load_plan(str(written(tmp_path, NARROW, WIDE, seeds=2))), folder, command=""))
    assert found["variations"][1]["runs"][1]["status"] == "missing"
    assert [row["sentence"] for row in kinds(found, "note")] == [
        "wide: one of 2 seeds finished; a verdict on it is about these trained models and says nothing about the "
        "choice between them."
    ]
    expected = paired_difference(column(folder, "wide", "model_psnr", 1), column(folder, "narrow", "model_psnr", 2))
    (comparison,) = kinds(found, "comparison")
    assert (comparison["low"], comparison["high"]) == (expected.low, expected.high)
    assert comparison["sentence"].startswith("These trained models, one seed of wide: ")
    assert comparison["about"] == "models"


def test_what_the_doctor_finds_stands_with_its_variation(tmp_path: Path) -> None:
    changes = {"corruption.kind": "frozen", "train.monitor": "training", "train.learning_rate": 1e-9}
    run(written(tmp_path, {"name": "lost", "changes": changes}), tmp_path / "study")
    (row,) = found_in(tmp_path / "study")["variations"]
    assert len(row["flags"]) == 1
    said = {one["rule"]: one for one in row["doctor"]}
    assert said["untrained"]["sentence"].startswith("It is untrained: it took 6 steps")
    assert "noise is frozen" in said["noise_left_on"]["sentence"]
    assert said["untrained"]["seeds"] == [0]


def test_notes_stand_among_the_findings_unless_an_override_undoes_them(tmp_path: Path) -> None:
    """What the author says of a change is not said where another value took its place."""
    short = {"name": "short", "note": "it had 1 epoch instead of 2.", "changes": {"train.epochs": 1}}
    path = written(tmp_path, NARROW, short)
    run(path, tmp_path / "study")
    assert kinds(found_in(tmp_path / "study"), "note")[0]["sentence"] == "short: it had 1 epoch instead of 2."
    kept = load_plan(str(path), {"train.batch": 8}).variations[1]
    assert (kept.note, kept.changes) == ("it had 1 epoch instead of 2.", {"train.epochs": 1})
    short["changes"] = {"train.epochs": 1, "bottleneck.dim": 8}
    undone = load_plan(str(written(tmp_path, NARROW, short)), {"train.epochs": 3}).variations[1]
    assert (undone.note, undone.changes) == (None, {"bottleneck.dim": 8, "train.epochs": 3})


def test_undefined_ssim_goes_all_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Images of 8 pixels: strict JSON, both pages and both tables are made, and none claims a similarity."""
    base = {**BASE, "data": {**BASE["data"], "size": 8}}
    run(written(tmp_path, NARROW, WIDE, base=base, seeds=2), tmp_path / "study")
    text = (tmp_path / "study/findings.json").read_text()
    assert "NaN" not in text
    found = json.loads(text)
    reason = "images are smaller than the window of 11 pixels"
    none = {"mean": None, "low": None, "high": None, "undefined": reason}
    assert all(row["scores"]["ssim"] == none for row in found["variations"])
    tables.print_findings(Findings.model_validate(found))
    tables.print_evaluation(read_record(tmp_path / "study/wide/seed-0/evaluation.json", EvaluationRecord))
    printed = capsys.readouterr().out
    assert printed.count("undefined") == 2 + 3 + 2
    assert printed.count(f"SSIM is undefined: {reason}.") == 2
    for page in (write_study_report(tmp_path / "study"), write_run_report(tmp_path / "study/wide/seed-0")):
        assert not re.search(r"\bnan\b", page.read_text(), flags=re.IGNORECASE)
        assert f"undefined: {reason}" in page.read_text()


# study.toml


PARTS: list[dict[str, Any]] = [
    {"name": "plain"},
    {
        "name": "denoise",
        "note": "a note",
        "compare": "plain",
        "changes": {"corruption": {"kind": "gaussian", "std": 0.3}},
    },
    {"name": "frozen", "about": "about it", "changes": {"corruption.kind": "frozen", "corruption.seed": 3}},
    {
        "name": "variational",
        "changes": {"bottleneck": VARIATIONAL, "objective": {"kind": "weighted", "weights": {"kl": 0.25}}},
    },
    {"name": "unweighted", "changes": {"bottleneck.dim": 3, "objective.weights": {}}},
    {"name": "clipped", "changes": {"train.clip_norm": 1.0, "train.patience_epochs": 2, "split.limit": 30}},
]


def recipes(plan: Plan) -> list[tuple[Any, ...]]:
    return [
        (row.name, row.about, row.note, row.compare, row.recipe(seed)) for row in plan.variations for seed in plan.seeds
    ]


@pytest.mark.parametrize(
    "variations", [PARTS, PARTS[::-1], PARTS[2:4], PARTS[3:4]], ids=["all", "reversed", "two kinds", "one"]
)
def test_study_toml_gives_the_same_recipes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variations: list[dict[str, Any]]
) -> None:
    """Also where variations differ in a part's kind, or have options that the others leave unset."""
    monkeypatch.setattr(carrying, "run", lambda *_: iter(()))
    plan = load_plan(str(written(tmp_path, *variations, seeds=2)), {"train.batch": 8})
    for _ in studies.study(plan, tmp_path / "study", tmp_path / "cache", command=""):
        pass
    again = load_plan(str(tmp_path / "study" / "study.toml"))
    assert recipes(again) == recipes(plan)
    assert (again.name, again.about, again.seeds) == (plan.name, plan.about, plan.seeds)


def test_an_empty_table_takes_the_bases_weights_away(tmp_path: Path) -> None:
    base = {**BASE, "bottleneck": VARIATIONAL, "objective": {"kind": "weighted", "weights": {"kl": 1.0}}}
    changes = {"bottleneck.kind": "vector", "bottleneck.dim": 2, "objective.weights": {}}
    plan = load_plan(str(written(tmp_path, {"name": "variational"}, {"name": "plain", "changes": changes}, base=base)))
    assert [row.recipe(0).objective.options["weights"] for row in plan.variations] == [{"kl": 1.0}, {}]


def test_study_toml_goes_on_with_the_study(again: Callable[[Path], Path], two_seeds: Path) -> None:
    """It is the same study, so nothing is left to run; with a third seed two runs are."""
    folder = again(two_seeds)
    assert trained(run(folder / "study.toml", folder)) == []
    assert trained(run(folder / "study.toml", folder, {"seeds": 3})) == [("narrow", 2), ("wide", 2)]


@pytest.mark.parametrize("name", ["post", "post-faithful", "demo"])
def test_the_builtin_studies_can_be_run_from_their_study_toml(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "run", lambda *_: iter(()))
    plan = load_plan(name, {"data.kind": "scenes", "data.train": 100, "data.test": 2})
    for _ in studies.study(plan, tmp_path / "study", tmp_path / "cache", command=""):
        pass
    assert recipes(load_plan(str(tmp_path / "study" / "study.toml"))) == recipes(plan)
