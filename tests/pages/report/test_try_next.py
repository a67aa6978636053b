"""`Try next`: three commands that fit what was found, and that the command line accepts."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from tests.command import isthmus
from tests.pages.report.builder import build_study, change_json
from tests.pages.report.pages import read_page

from isthmus.api import verbs
from isthmus.api.asked import AskedRun, AskedStudy
from isthmus.core.errors import RunError
from isthmus.pages.report import write_run_report, write_study_report


def commands(page: Path) -> list[str]:
    """The commands of the section, as one copies them."""
    section = re.search(r'<section id="next".*?</section>', read_page(page).raw, re.S)
    if section is None:
        return []

    return [html.unescape(code) for code in re.findall(r'<code id="next-\d">(.*?)</code>', section[0])]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the verbs are called with; they do nothing."""
    calls: list[Any] = []

    def stopped(*given: Any, **_: Any) -> None:
        calls.append(given[0])
        raise RunError("the command line understood it; stop here")

    for name in ("train", "study", "explore"):
        monkeypatch.setattr(verbs, name, stopped)
    monkeypatch.setattr("isthmus.inference.export.export_run", stopped)
    monkeypatch.setattr("isthmus.inference.sample.generate", stopped)
    return calls


def parse(command: str, asked: list[Any]) -> Any:
    """What the command line makes of a command of the page."""
    program, *words = shlex.split(command)
    assert program == "isthmus"
    answer = isthmus(*words)
    assert "the command line understood it" in answer.err, (command, answer)
    return asked[-1]


def diagnose(folder: Path, rule: str, severity: str, sentence: str, changes: dict[str, Any]) -> None:
    line = {"rule": rule, "severity": severity, "sentence": sentence, "changes": [changes], "measured": {"size": 1.0}}
    change_json(folder / "evaluation.json", doctor=[line])


def test_one_seed_asks_for_more(tmp_path: Path, asked: list[Any]) -> None:
    folder = build_study(tmp_path / "demo", seeds=(0,))
    for run in folder.glob("*/seed-0"):
        (run / "checkpoints").mkdir()
    found = commands(write_study_report(folder))
    assert len(found) == len(set(found)) == 3
    wanted = parse(found[0], asked)
    assert isinstance(wanted, AskedStudy)
    assert (wanted.plan.seeds, wanted.folder) == ((0, 1, 2), folder)


def test_undecided_comparisons_ask_for_more_seeds(tmp_path: Path, asked: list[Any]) -> None:
    folder = build_study(tmp_path / "demo", seeds=(1, 5))
    findings = json.loads((folder / "findings.json").read_text())
    for run in (run for variation in findings["variations"] for run in variation["runs"]):
        run["status"] = "done" if (folder / run["folder"] / "evaluation.json").is_file() else "missing"
    findings["variations"] = findings["variations"][:3]  # without the one that lost a run
    change_json(folder / "findings.json", **findings)
    wanted = parse(commands(write_study_report(folder))[0], asked)
    assert wanted.plan.seeds == (1, 5, 0, 2)


def test_a_collapsed_latent_comes_first(tmp_path: Path, asked: list[Any]) -> None:
    folder = build_study(tmp_path / "demo", seeds=(0,))
    diagnose(folder / "latent-512/seed-0", "collapsed", "error", "9 numbers have collapsed.", {"bottleneck.dim": 5})
    page = write_study_report(folder)
    wanted = parse(commands(page)[0], asked)
    assert isinstance(wanted, AskedRun)
    assert wanted.recipe.bottleneck.options["dim"] == 5
    assert wanted.recipe.train == verbs.read_recipe(folder / "latent-512/seed-0").train, "the rest is the run's recipe"
    assert wanted.folder == tmp_path / "demo-latent-512-dim-5", "beside the study"
    assert "latent-512: 9 numbers have collapsed. Try bottleneck.dim=5." in read_page(page).text


def test_a_network_below_pca_may_start_there(tmp_path: Path, asked: list[Any]) -> None:
    folder = build_study(tmp_path / "demo", seeds=(0,))
    for name, loss in (("latent-10", 1.0), ("latent-512", 13.0)):
        home = folder / name / "seed-0"
        diagnose(home, "below_pca", "warning", "It loses to PCA.", {"model.linear": "pca"})
        doctor = json.loads((home / "evaluation.json").read_text())["doctor"]
        change_json(home / "evaluation.json", doctor=[{**doctor[0], "measured": {"psnr": -loss}}])
    runs = [parse(command, asked) for command in commands(write_study_report(folder)) if " train " in command]
    starts = [run for run in runs if run.recipe.model.linear == "pca"]
    assert [run.recipe.name for run in starts] == ["latent-512"], "for the one that loses most"


def test_what_was_still_improving_is_trained_longer(run_folder: Path, asked: list[Any]) -> None:
    rising = [
        {"kind": "epoch", "epoch": n, "step": 100 * n, "seconds": float(n), "validation_psnr": 15 + n / 4}
        for n in range(1, 9)
    ]
    (run_folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in rising))
    page = write_run_report(run_folder)
    said = "was still improving when its training ended, by 0.5 dB lately"
    assert said in " ".join(read_page(page).text.split())
    assert parse(commands(page)[0], asked).recipe.train.epochs == 16


def test_what_did_not_improve_at_its_end_is_not(run_folder: Path, asked: list[Any]) -> None:
    flat = [
        {"kind": "epoch", "epoch": n, "step": 100 * n, "seconds": float(n), "validation_psnr": 15 + min(n, 4)}
        for n in range(1, 9)
    ]
    (run_folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in flat))
    assert not any("train.epochs" in command for command in commands(write_run_report(run_folder)))


def test_failed_and_missing_runs_come_first(study_folder: Path, asked: list[Any]) -> None:
    page = write_study_report(study_folder)
    assert "1 run failed: mend the cause, then run the study again." in read_page(page).text
    assert parse(commands(page)[0], asked).folder == study_folder


def test_a_study_in_which_all_failed_has_three_ways_on(study_folder: Path, asked: list[Any]) -> None:
    findings = json.loads((study_folder / "findings.json").read_text())
    for variation in findings["variations"]:
        for run in variation["runs"]:
            run.update(status="failed", error="the disk is full")
    change_json(study_folder / "findings.json", **{**findings, "data": None})
    wanted = [parse(command, asked) for command in commands(write_study_report(study_folder))]
    assert [type(one) for one in wanted] == [AskedStudy, AskedRun, AskedStudy]
    assert wanted[1].recipe.name == "latent-10"


def test_a_trained_run_is_put_to_work(run_folder: Path, asked: list[Any]) -> None:
    """With nothing to mend: another seed, the explorer, new images."""
    (run_folder / "checkpoints").mkdir()
    (run_folder / "metrics.jsonl").unlink()
    change_json(run_folder / "evaluation.json", doctor=[])
    found = commands(write_run_report(run_folder))
    assert [command.split()[1] for command in found] == ["train", "explore", "sample"]
    assert parse(found[0], asked).recipe.seed == 1
    assert [parse(command, asked) for command in found[1:]] == [run_folder, run_folder]


@pytest.mark.parametrize("name", ["a b", "it's", "-x", "$(x)"])
def test_a_command_can_be_pasted_whatever_the_folder_is_called(
    tmp_path: Path, asked: list[Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = build_study(tmp_path / name, seeds=(0,))
    monkeypatch.chdir(tmp_path)
    page = write_study_report(Path(name) if name != "-x" else Path("./-x"))
    assert parse(commands(page)[0], asked).folder.resolve() == folder.resolve()


def test_a_remedy_that_a_command_cannot_express_is_left_out(run_folder: Path) -> None:
    diagnose(run_folder, "odd", "error", "It is odd.", {"objective.weights": {"kl": 1.0}})
    assert not any("objective" in command for command in commands(write_run_report(run_folder)))


def test_a_run_may_be_the_present_folder(study_folder: Path, asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    run = study_folder / "latent-10/seed-0"
    monkeypatch.chdir(run)
    found = commands(write_run_report(Path(".")))
    wanted = [parse(command, asked) for command in found]
    assert wanted[-1].folder == study_folder.with_name("demo-latent-10-seed-1")
