"""The check on a GPU: its table, its shares of time, and each part's code with tiny sizes on the CPU."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import re
import sys
import time
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bench.contest import ROOT
from bench.goals import table
from bench.gpu_check import __main__ as starter
from bench.gpu_check import found, goals, packages, seconds, wheels
from bench.gpu_check.found import NoGoal, Said, Value
from bench.gpu_check.goals import PARTS
from bench.gpu_check.measure import Report
from bench.gpu_check.parts import agreement, captured, epochs, evaluation, post
from bench.gpu_check.parts import seeds as seeds_part
from bench.gpu_check.setting import Setting, networks
from bench.gpu_check.watched import watched

from isthmus.core.values import ImageSet
from isthmus.data.splits import Splits

TINY = Setting("cpu", (), 10.0, rehearse=True)
MACHINE = {"cpu": "a CPU", "cores": 2, "memory_gib": 8, "python": "3.12", "torch": "2.11", "isthmus": "0"}


@pytest.fixture
def report(tmp_path: Path) -> Report:
    machine = {**MACHINE, "gpu": "NVIDIA H200", "load_average_1_minute": 0.0}
    return Report(list(PARTS), machine, tmp_path, rehearse=False)


def values(part: Any, setting: Setting = TINY) -> dict[str, float]:
    """The last value of each row; every row is one of the part's own."""
    name = part.__name__.rpartition(".")[2]
    known = {row.name for row in PARTS[name].rows}
    seen: dict[str, float] = {}
    for one in part.measure(setting):
        if not isinstance(one, Said):
            assert one.name in known
        if isinstance(one, Value):
            seen[one.name] = one.value
    return seen


# the table


def test_a_goal_without_a_value_is_shown_and_does_not_hold(report: Report) -> None:
    assert "| an epoch at batch 32 | not measured | 0.600 or less | |" in table(report.shown("epochs"))
    report.ends = dict.fromkeys(PARTS, "done in 1 s")
    assert not report.holds


def test_all_goals_hold_if_every_part_is_done_and_every_value_is_good(report: Report) -> None:
    for part in PARTS.values():
        for row in part.rows:
            report.take(next(name for name in PARTS if PARTS[name] is part), Value(row.name, 1e-9))
    report.ends = dict.fromkeys(PARTS, "done in 1 s")
    assert report.holds
    report.ends["seeds"] = "late: ended after 30 s"
    assert not report.holds
    report.ends["seeds"] = "done in 1 s"
    report.take("seeds", Value(goals.SEEDS, 2.5))
    assert not report.holds
    assert "| 2.50 | 2.00 or less | **no** |" in table(report.shown("seeds"))


def test_what_is_known_is_on_disk_after_every_value(report: Report, tmp_path: Path) -> None:
    report.take("epochs", Value(goals.EPOCH_32, 0.5))
    report.take("epochs", Said("an epoch at batch 512: out of memory"))
    report.write()
    (written,) = tmp_path.glob("bench-gpu-check-*.json")
    read = json.loads(written.read_text(encoding="utf-8"))
    assert [row["median"] for row in read["measured"] if row["name"] == goals.EPOCH_32] == [0.5]
    (page,) = tmp_path.glob("*-gpu-check.md")
    text = page.read_text(encoding="utf-8")
    assert "| an epoch at batch 32 | 0.500 s | 0.600 or less | yes |" in text
    assert "- an epoch at batch 512: out of memory" in text and "| post | not begun |" in text


def test_another_gpu_is_held_against_goals_named_as_those_of_the_h200(tmp_path: Path) -> None:
    machine = {**MACHINE, "gpu": "NVIDIA A100", "load_average_1_minute": 0.0}
    there = Report(["agreement", "epochs"], machine, tmp_path, rehearse=False)
    assert there.shown("epochs")[0].name == "an epoch at batch 32 (goal of an H200)"
    assert there.shown("agreement")[0].name == goals.OUTPUTS, "a number that is no time is the same goal everywhere"


def test_a_part_can_say_that_a_goal_is_none_here(report: Report) -> None:
    report.take("quality", NoGoal(goals.QUALITY, "the images are drawn"))
    assert report.rows["quality"][goals.QUALITY].goal is None
    assert any("no goal here: the images are drawn" in said for said in report.said)


# time


def test_the_parts_share_the_time_and_later_ones_get_what_is_left() -> None:
    given = {name: part.seconds for name, part in PARTS.items()}
    whole = seconds.shares(given, seconds.WHOLE - seconds.END)
    assert sum(whole.values()) <= 8 * 60
    assert whole["post"] >= 140 and seconds.shares({"post": 145.0}, 300.0) == {"post": 300.0}


def test_a_late_part_is_ended_with_all_its_processes_and_keeps_what_it_said(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    child = f"import time, pathlib\nwhile True: pathlib.Path({str(alive)!r}).touch(); time.sleep(0.05)"
    script = (
        f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"print('noise'); print({found.to_line(Value('a', 2.0))!r}, flush=True); time.sleep(60)"
    )
    begun = time.monotonic()
    said = list(watched([sys.executable, "-c", script], 3.0))
    assert time.monotonic() - begun < 20
    assert said[0] == Value("a", 2.0) and str(said[-1]).startswith("late")
    alive.unlink(missing_ok=True)
    time.sleep(0.3)
    assert not alive.exists(), "the part's own child is ended too"


def test_a_failed_part_says_its_last_line() -> None:
    (said,) = watched([sys.executable, "-c", "raise ValueError('no such device')"], 30.0)
    assert re.fullmatch(r"failed after \d+ s: ValueError: no such device", str(said))


# each part


def test_agreement_compares_every_network_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "networks", lambda setting: _some(setting, "families/vae", "families/vq"))
    assert values(agreement) == {goals.OUTPUTS: 0.0, goals.CODES: 0.0}
    outputs = agreement._outputs
    calls: list[int] = []

    def elsewhere(model: Any, pixels: torch.Tensor) -> Any:
        calls.append(1)
        x_hat, codes = outputs(model, pixels)
        return x_hat + 0.25 * (len(calls) % 2), codes

    monkeypatch.setattr(agreement, "_outputs", elsewhere)
    assert values(agreement)[goals.OUTPUTS] == pytest.approx(0.25)
    monkeypatch.setattr(agreement, "_outputs", lambda *given: (outputs(*given)[0] * torch.nan, None))
    assert values(agreement)[goals.OUTPUTS] == float("inf"), "outputs that are no numbers do not agree"


@pytest.mark.parametrize("differs", [False, True])
def test_captured_steps_are_compared_with_plain_ones(monkeypatch: pytest.MonkeyPatch, differs: bool) -> None:
    """On the device a graph is replayed; here a step that says it was one."""
    monkeypatch.setattr(captured, "networks", lambda setting: _some(setting, "post/denoise"))
    monkeypatch.setattr(captured, "captures", lambda device, settings: settings.capture)

    class Step(captured.GraphStep):
        def __call__(self, chosen: torch.Tensor, number: int) -> Any:
            self.graph = object()  # pyright: ignore[reportAttributeAccessIssue]
            return self.eager(chosen, number + 1 if differs else number)

    monkeypatch.setattr(captured, "GraphStep", Step)
    seen = values(captured)
    assert seen[goals.CAPTURED] == 1.0
    assert (seen[goals.LOSSES] > 0) is differs


def test_a_network_that_cannot_train_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captured, "networks", lambda setting: _some(setting, "post/denoise"))
    losses = captured.losses

    def only_8_bits(recipe: Any, images: Any, *rest: Any, **options: Any) -> Any:
        if images.dtype == np.uint16:
            raise NotImplementedError("where_cuda not implemented for 'UInt16'\nand more")
        return losses(recipe, images, *rest, **options)

    monkeypatch.setattr(captured, "losses", only_8_bits)
    said = [one.sentence for one in captured.measure(TINY) if isinstance(one, Said)]
    assert "post/denoise, 16 bits: cannot train: NotImplementedError: where_cuda not implemented for 'UInt16'" in said


def test_epochs_are_of_50000_images_and_a_batch_that_fails_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = {"32": 100_000.0, "512": 250_000.0, "128": 200_000.0}

    def module(name: str, arguments: list[str]) -> dict[str, Any]:
        batch = arguments[arguments.index("--batch") + 1]
        if batch not in rates:
            raise SystemExit("contestants.isthmus_train failed:\nCUDA out of memory")
        return {"images_per_second": rates[batch], "precision": "bf16"}

    monkeypatch.setattr(epochs, "run_module", module)
    monkeypatch.setattr(epochs, "copy_bandwidth", lambda device, size: 4e12)
    seen = values(epochs, Setting("cuda", (), 10.0))
    assert seen[goals.EPOCH_32] == 0.5 and seen[goals.EPOCH_BEST] == 0.2
    assert 0 < seen[goals.FLOOR_SHARE] < 1


def test_seeds_train_in_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Setting, "squares", lambda self: _squares(8))
    assert values(seeds_part)[goals.SEEDS] > 0


def test_pca_on_the_device_is_that_of_the_cpu() -> None:
    images = np.random.default_rng(0).integers(0, 256, (300, 3, 6, 6), dtype=np.uint8)
    mean, directions = evaluation.on_device(images, 5, "cpu")
    fitted = evaluation.fit(images, 5)
    assert np.allclose(mean, fitted.mean, atol=1e-6)
    assert np.allclose(np.abs(np.sum(directions * fitted.directions, axis=1)), 1, atol=1e-5)


def test_the_study_is_watched_run_by_run(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import pathlib, sys\nfor n in 'ab': p = pathlib.Path(sys.argv[1]) / n; p.mkdir(parents=True); "
    script += "(p / 'evaluation.json').touch()"
    monkeypatch.setattr(post, "command", lambda setting, study: [sys.executable, "-c", script, str(study)])
    seen = values(post)
    assert seen[goals.POST_RUNS] == 2 and seen[goals.POST] > 0
    monkeypatch.setattr(post, "command", lambda setting, study: [sys.executable, "-c", "raise SystemExit('no disk')"])
    with pytest.raises(RuntimeError, match="no disk"):
        values(post)


def test_the_posts_command_names_all_folders_and_the_device() -> None:
    words = post.command(Setting("cuda", ("/a", "/b"), 10.0), Path("study"))
    assert 'data.path=["/a","/b"]' in words and "data.test=/b" in words
    assert "seeds=3" in words and "train.device=cuda" in words


def test_every_part_has_a_module_and_every_family_a_network() -> None:
    for name in PARTS:
        assert callable(importlib.import_module(f"bench.gpu_check.parts.{name}").measure)
    assert len(networks(Setting("cpu", (), 1.0))) > 40


@pytest.mark.slow
def test_the_rehearsal_goes_through_every_part(tmp_path: Path) -> None:
    (end,) = (
        one for one in watched([sys.executable, "-m", "bench.gpu_check", "--rehearse", "--out", str(tmp_path)], 600)
    )
    assert str(end).startswith("done"), end
    (page,) = tmp_path.glob("*-gpu-check.md")
    text = page.read_text(encoding="utf-8")
    assert all(re.search(rf"\| {part} \| done in", text) for part in PARTS) and "not measured" not in text


# packages


def test_the_wheels_are_all_that_isthmus_needs_beside_pytorch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[>=]+", one)[0]: re.split(r"[>=]+", one)[1] for one in project["dependencies"]}
    assert {package.distribution: package.least for package in packages.NEEDED} == {
        name: least for name, least in needed.items() if name not in ("torch", "numpy")
    }
    known = {name for package in packages.NEEDED for name in (package.distribution, *package.with_)} | {"numpy"}
    for package in packages.NEEDED:
        assert _needs(package.distribution, set()) <= known


def test_what_is_absent_or_too_old_is_missing() -> None:
    absent = packages.Package("no_such_module", "no-such-module")
    assert packages._is_here(packages.Package("rich", "rich", "1.0"))
    assert not packages._is_here(packages.Package("rich", "rich", "999.0"))
    assert not packages._is_here(absent)
    assert packages._numbers("2.11.0+cu130") == (2, 11, 0)


def test_a_missing_package_is_installed_from_its_wheel_into_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_wheel(tmp_path / "wheels", "isthmus_absent")
    lacking = (packages.Package("isthmus_absent", "isthmus-absent"), packages.Package("isthmus_gone", "isthmus-gone"))
    monkeypatch.setattr(packages, "NEEDED", lacking)
    monkeypatch.setattr(starter, "WHEELS", tmp_path / "wheels")
    sentence = starter.install(tmp_path / "site")
    assert (tmp_path / "site" / "isthmus_absent.py").exists()
    assert sentence is not None and "isthmus-gone" in sentence and "make gpu-wheels" in sentence


def test_wrong_use_of_the_wheels_command_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").touch()
    for arguments, part in ((["--there", "torch"], "is none of"), (["--folder", str(tmp_path)], "other files")):
        monkeypatch.setattr(sys, "argv", ["wheels", *arguments])
        with pytest.raises(SystemExit) as stopped:
            wheels.main()
        assert stopped.value.code == 2 and part in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").exists()


def _some(setting: Setting, *names: str) -> dict[str, Any]:
    return {name: recipe for name, recipe in networks(Setting("cpu", (), 1.0)).items() if name in names}


def _squares(side: int) -> Splits:
    pixels = np.random.default_rng(0).integers(0, 256, (96, 3, side, side), dtype=np.uint8)
    parts = pixels[:64], pixels[64:80], pixels[80:]
    return Splits(*(ImageSet(part.copy()) for part in parts), "squares", (), (), "squares")


def _needs(name: str, seen: set[str]) -> set[str]:
    """Everything that an installed distribution requires here."""
    from packaging.requirements import Requirement

    for line in importlib.metadata.requires(name) or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": "", "python_version": "3.12"}):
            continue
        needed = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if needed not in seen:
            seen.add(needed)
            _needs(needed, seen)
    return seen


def _write_wheel(folder: Path, module: str) -> None:
    folder.mkdir()
    about = f"{module}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{module}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{module}.py", "")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
