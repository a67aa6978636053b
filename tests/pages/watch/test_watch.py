"""`isthmus watch`: a page about a training in another process, from its files alone."""

from __future__ import annotations

import os
import re
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.command import assert_refused, finish, isthmus, start, tiny, train
from tests.pages.report.builder import build_run, environment, metrics, write_json

from isthmus.core.errors import InputError
from isthmus.core.locks import locked_file
from isthmus.pages.watch import follow, look
from isthmus.pages.watch.study import Looks, Watched
from isthmus.recipes.study_plan import load_plan, load_recipe
from isthmus.run_files.preview import NAME as PREVIEW
from isthmus.run_files.preview import read_preview, write_preview
from isthmus.runs.study_file import write_plan


def begun(folder: Path, name: str = "latent-10", seed: int = 0) -> Path:
    """A run in the middle of its training, as its files tell."""
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text(load_recipe("demo/latent-10", {"name": name, "seed": seed}).toml())
    schedule = {"epochs": 12, "passes_per_epoch": 1, "steps": 12 * 227, "warmup_steps": 50}
    data = {"kind": "scenes", "source": "scenes, drawn by code", "hash": "sha256:1", "image_shape": [3, 16, 16]}
    write_json(folder / "environment.json", {**environment(name, seed), "schedule": schedule, "data": data})
    lines = "".join(f"{line}\n".replace("'", '"') for line in metrics("latent-10", seed, 12)[:4])
    (folder / "metrics.jsonl").write_text(lines.replace("True", "true"))
    images = np.random.default_rng(0).integers(0, 256, (9, 3, 16, 16), dtype=np.uint8)
    write_preview(folder, 600, images, images // 2)
    (folder / "lock").touch()
    return folder


def age(folder: Path, seconds: float) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - seconds,) * 2)


def look_at(folder: Path) -> Watched:
    found = Looks(folder).look()
    assert found is not None
    return found


def read(page: Path) -> str:
    return re.sub(r"<style>.*?</style>|<script>.*?</script>", "", page.read_text(), flags=re.S)


def steps(folder: Path, **changes: Any) -> Iterator[Watched | None]:
    return follow.follow(folder, folder / "watch.html", every=5, sleep=lambda _: None, **changes)


def test_the_page_shows_how_far_it_is(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run")
    following = steps(folder)
    watched = next(following)
    assert watched is not None and [run.state for run in watched.runs] == ["training"]
    page = read(folder / "watch.html")
    assert '<meta http-equiv="refresh" content="5">' in page
    assert "25 %" in page and "epoch 3 of 12" in page and "step 681" in page and "left" in page
    assert "Under way." in page
    assert page.count("<img") == 2 * 8, "eight validation images and what becomes of them"
    assert "Validation PSNR of the mean error so far" in page


def test_only_its_page_is_written(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run")

    def snapshot() -> dict[str, tuple[int, bytes]]:
        files = (path for path in folder.rglob("*") if path.name != "watch.html")
        return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    before = snapshot()
    following = steps(folder)
    next(following)
    next(following)
    assert snapshot() == before
    with locked_file(folder / "lock", wait=False):  # a training may begin at any moment
        next(following)


def test_it_waits_for_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    following = steps(folder)
    assert next(following) is None
    assert not folder.exists(), "a training would refuse a folder that holds something"
    begun(folder)
    watched = next(following)
    assert watched is not None and watched.name == "latent-10"


def test_a_training_begins_beside_an_early_page(tmp_path: Path) -> None:
    """watch.html and preview.safetensors are no strangers in a run's folder."""
    assert train(tmp_path / "run", "train.epochs=1").code == 0
    early = tmp_path / "early"
    early.mkdir()
    (early / "recipe.toml").write_text((tmp_path / "run/recipe.toml").read_text())
    following = steps(early)
    next(following)
    write_preview(early, 1, *[np.zeros((1, 3, 16, 16), np.uint8)] * 2)
    assert train(early, "train.epochs=1").code == 0


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_training_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert_refused(isthmus("watch", tmp_path if kind == "folder" else tmp_path / "notes.txt"), "name the folder")
    assert sorted(os.listdir(tmp_path)) == ["notes.txt"]


@pytest.mark.parametrize("every", ["0", "-1", "nan", "inf", "100000"])
def test_an_interval_that_does_not_fit_is_refused(tmp_path: Path, every: str) -> None:
    assert_refused(isthmus("watch", tmp_path, "--every", every), "--every")


def test_a_file_that_is_not_ours_is_not_replaced(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run")
    (folder / "watch.html").write_text("<p>mine</p>")
    assert isthmus("watch", folder).code == 2
    assert (folder / "watch.html").read_text() == "<p>mine</p>"


def test_a_training_that_dies_has_stopped_at_once(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run")
    looks = Looks(folder)
    with locked_file(folder / "lock", wait=False):
        watched = looks.look()
        assert watched is not None and watched.runs[0].state == "training"
    watched = looks.look()
    assert watched is not None and (watched.runs[0].state, watched.ended) == ("stopped", "stopped")


def test_a_held_lock_outweighs_a_long_silence(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run")
    age(folder, 3600)
    with locked_file(folder / "lock", wait=False):
        assert look_at(folder).runs[0].state == "training"


def test_where_locks_cannot_be_seen_a_long_silence_means_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a training on another machine, whose files come over a network."""
    monkeypatch.setattr(look, "is_in_use", lambda _: False)
    folder = begun(tmp_path / "run")
    age(folder, look.STALE_SECONDS / 2)
    assert look_at(folder).runs[0].state == "training"
    age(folder, look.STALE_SECONDS * 2)
    assert look_at(folder).runs[0].state == "stopped"


def test_a_crashed_training_ends_the_watch_with_what_to_do(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run")
    age(folder, 3600)
    answer = isthmus("watch", folder)
    assert answer.code == 1
    assert answer.out == f"{(folder / 'watch.html').resolve()}\n"
    assert f"`isthmus train {folder} --resume` goes on" in answer.err
    assert "Stopped:" in read(folder / "watch.html")
    assert "refresh" not in read(folder / "watch.html")


def test_a_finished_run_is_shown_once(tmp_path: Path) -> None:
    assert train(tmp_path / "run", "train.epochs=2").code == 0
    answer = isthmus("watch", tmp_path / "run")
    assert answer.code == 0
    assert "finished" in answer.err
    page = read(tmp_path / "run/watch.html")
    assert "Finished." in page and "test PSNR" in page and "100 %" in page
    assert "refresh" not in page
    assert 'href="report.html"' in page


def study(folder: Path) -> Path:
    folder.mkdir()
    write_plan(load_plan("demo"), folder)
    (folder / "lock").touch()
    return folder


def test_a_study_shows_every_run(tmp_path: Path) -> None:
    folder = study(tmp_path / "demo")
    begun(folder / "latent-10/seed-0")
    failed = folder / "denoise/seed-0"
    failed.mkdir(parents=True)
    write_json(failed / "failed.json", {"format": 1, "error": "the disk is <b>full</b>"})
    watched = look_at(folder)
    assert {run.name: run.state for run in watched.runs} == {
        "latent-10": "training",
        "latent-10-from-pca": "waiting",
        "denoise": "failed",
        "latent-512": "waiting",
        "many-layers": "waiting",
    }
    assert watched.ended == ""
    following = steps(folder)
    next(following)
    page = read(folder / "watch.html")
    assert "0 of 5 runs done." in page
    assert "the disk is &lt;b&gt;full&lt;/b&gt;" in page


def test_a_study_that_nobody_works_on_has_stopped(tmp_path: Path) -> None:
    folder = study(tmp_path / "demo")
    begun(folder / "latent-10/seed-0")
    age(folder, 3600)
    answer = isthmus("watch", folder)
    assert answer.code == 1
    assert f"stopped, 0 of 5 runs done; `isthmus study {folder}` goes on" in answer.err


def test_a_study_whose_runs_failed_says_so_at_its_end(tmp_path: Path) -> None:
    folder = study(tmp_path / "demo")
    for name in ("latent-10", "latent-10-from-pca", "denoise", "latent-512", "many-layers"):
        (folder / name / "seed-0").mkdir(parents=True)
        write_json(folder / name / "seed-0" / "failed.json", {"format": 1, "error": "no"})
    answer = isthmus("watch", folder)
    assert "finished, but 5 of 5 runs failed. Its report" in answer.err


def test_between_two_runs_a_study_goes_on(tmp_path: Path) -> None:
    folder = study(tmp_path / "demo")
    age(folder, 3600)
    with locked_file(folder / "lock", wait=False):
        assert look_at(folder).ended == ""


def test_a_study_file_cannot_name_a_folder_elsewhere(tmp_path: Path) -> None:
    folder = study(tmp_path / "demo")
    text = (folder / "study.toml").read_text().replace('name = "latent-10"', 'name = "../outside"')
    (folder / "study.toml").write_text(text)
    with pytest.raises(InputError, match=r"variation\.name"):
        Looks(folder).look()


def test_ctrl_c_ends_it_quietly_and_leaves_a_page_that_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = begun(tmp_path / "run")

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(follow.time, "sleep", interrupted)
    answer = isthmus("watch", folder)
    assert (answer.code, answer.err) == (0, "")
    page = read(folder / "watch.html")
    assert "Not watched any more" in page and "refresh" not in page


def test_open_shows_the_page_in_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = begun(tmp_path / "run")
    age(folder, 3600)
    opened: list[str] = []

    def browser(address: str) -> bool:
        opened.append(address)
        return False

    monkeypatch.setattr(webbrowser, "open", browser)
    answer = isthmus("watch", folder, "--open", "-o", tmp_path / "page.html")
    assert opened == [(tmp_path / "page.html").resolve().as_uri()]
    assert "open the page by its path" in answer.err
    assert not (folder / "watch.html").exists()


@pytest.mark.parametrize("name", ["metrics.jsonl", "environment.json", PREVIEW, "recipe.toml"])
def test_a_half_written_file_does_not_end_the_watch(tmp_path: Path, name: str) -> None:
    folder = begun(tmp_path / "run")
    (folder / name).write_bytes(b'{"kind": "ep')
    following = steps(folder)
    assert next(following) is not None
    assert (folder / "watch.html").is_file()


def test_an_unchanged_run_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = build_run(tmp_path / "run", "latent-10")
    write_json(folder / "failed.json", {"format": 1, "error": "no"})
    looks, reads = look.RunLooks(folder), list[Path]()
    before = look.read_log
    monkeypatch.setattr(look, "read_log", lambda path: (reads.append(path), before(path))[1])
    for _ in range(3):
        looks.look()
    assert len(reads) == 1


def test_training_keeps_a_preview_and_takes_it_away_at_its_end(tmp_path: Path, tiny_events: list[Any]) -> None:
    seen, folder = tiny_events
    assert seen and all(kept.outputs.shape == kept.originals.shape for kept in seen)
    assert not (folder / PREVIEW).exists()


@pytest.fixture
def tiny_events(tmp_path: Path) -> list[Any]:
    """The previews that a run's folder held whenever its training reported one, and the folder."""
    from isthmus.runs.run import load_and_run
    from isthmus.training.preview import Preview

    changes = dict(change.split("=") for change in tiny("train.epochs=2") if "[" not in change)
    recipe = load_recipe("post/latent-10", {k: int(v) if v.isdecimal() else v for k, v in changes.items()})
    folder, seen = tmp_path / "run", list[Any]()
    for event in load_and_run(recipe, folder, tmp_path / "cache"):
        if isinstance(event, Preview):
            seen.append(read_preview(folder / PREVIEW))
            assert seen[-1].step == event.step
            assert (seen[-1].outputs == event.outputs).all()
    return [seen, folder]


def test_a_preview_that_cannot_be_written_stops_no_training(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert train(folder, "train.epochs=1").code == 0
    again = tmp_path / "again"
    (again / PREVIEW).mkdir(parents=True)
    (again / "recipe.toml").write_text((folder / "recipe.toml").read_text())
    assert train(again, "train.epochs=1").code == 0


@pytest.mark.slow
def test_a_training_in_another_process_is_followed_until_it_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    changes = tiny("train.epochs=100000", "train.least_steps=0")
    other = start("train", "post/latent-10", *changes, "-o", folder)
    watching = start("watch", folder, "--every", "0.5")
    try:
        for _ in range(600):
            if (folder / "watch.html").is_file() and "best validation" in read(folder / "watch.html"):
                break
            time.sleep(0.2)
        assert "Under way." in read(folder / "watch.html")
    finally:
        other.kill()
        finish(other)
    answer = finish(watching)
    assert answer.code == 1 and "stopped" in answer.err
    assert "refresh" not in read(folder / "watch.html")
