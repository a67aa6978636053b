"""A run that begins with another run: its training goes on in a new folder, or only its weights are taken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.command import TINY, assert_refused, isthmus
from tests.command import train as command

import isthmus as ist
from isthmus.api.asked import AskedRun, asked_run
from isthmus.core.errors import InputError
from isthmus.core.paths import cache_folder
from isthmus.recipes.recipe import parse_overrides
from isthmus.runs.run import load_and_run
from isthmus.runs.slim import slim
from isthmus.training.checkpoint import read_weights
from isthmus.training.events import Notice

pytestmark = pytest.mark.usefixtures("cache_of_module")
SMALL = parse_overrides(TINY)
STEADY = {"train.schedule": "constant", "train.warmup_steps": 0}


def trained(folder: Path, **changes: Any) -> Path:
    options = {**SMALL, **STEADY, "train.epochs": 2, **{key.replace("__", "."): v for key, v in changes.items()}}
    return ist.train("post/latent-10", out=folder, options=options, show_progress=False, keep_optimizer=True).path


def weights(folder: Path, which: str = "last") -> dict[str, torch.Tensor]:
    return dict(read_weights(folder / "checkpoints" / which)[1]["model"])


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def losses(folder: Path) -> list[tuple[int, float]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(line["epoch"], line["train_loss"]) for line in lines if line["kind"] == "epoch"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def started(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "start.json").read_text())


def events(asked: AskedRun) -> Any:
    return load_and_run(asked.recipe, asked.folder, cache_folder(), images=asked.images, start=asked.start)


def test_more_epochs_give_the_bits_of_one_long_training(tmp_path: Path) -> None:
    """The new folder holds the whole curve, and the run that it goes on with is not changed."""
    short = trained(tmp_path / "short")
    before = contents(short)
    more = ist.train(
        short, out=tmp_path / "more", options={"train.epochs": 4}, show_progress=False, keep_optimizer=True
    ).path
    whole = trained(tmp_path / "whole", train__epochs=4)
    assert same(weights(more), weights(whole))
    assert same(weights(more, "best"), weights(whole, "best"))
    assert losses(more) == losses(whole)
    assert [epoch for epoch, _ in losses(more)] == [1, 2, 3, 4]
    assert contents(short) == before
    assert started(more)["goes_on"] and started(more)["optimizer"] and started(more)["same_images"]
    shutil.rmtree(short)  # the new run needs it no more
    assert ist.Run(more).evaluation.flags == ist.Run(whole).evaluation.flags


@pytest.mark.parametrize("left", ["slim", "only the best"])
def test_more_epochs_without_optimizer_state_start_the_optimizer_anew_and_say_so(tmp_path: Path, left: str) -> None:
    short = trained(tmp_path / "short")
    if left == "slim":
        slim(short)
    else:
        shutil.rmtree(short / "checkpoints" / "last")
    answer = isthmus("train", short, "train.epochs=4", "-o", tmp_path / "more")
    assert answer.code == 0, answer.err
    assert "optimizer starts anew" in answer.err
    assert not started(tmp_path / "more")["optimizer"]
    assert losses(tmp_path / "more")[-1][0] == 4


def test_more_epochs_go_to_a_folder_named_after_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trained(Path("runs/mine"), name="mine")
    assert ist.train("runs/mine", options={"train.epochs": 3}, show_progress=False) == Path("runs/mine-epochs-3")
    # again: it is finished and only shown
    assert ist.train("runs/mine", options={"train.epochs": 3}, show_progress=False) == Path("runs/mine-epochs-3")


def test_epochs_of_few_images_keep_their_length(tmp_path: Path) -> None:
    """Of 80 images an epoch became several passes; more epochs are as long."""
    options = {**SMALL, "train.least_steps": 120}
    del options["train.epochs"]
    short = ist.train("post/latent-10", out=tmp_path / "short", options=options, show_progress=False).path
    first = json.loads((short / "training.json").read_text())
    environment = json.loads((short / "environment.json").read_text())
    assert environment["schedule"]["passes_per_epoch"] > 1
    wanted = first["epochs"] + 1
    more = ist.train(short, out=tmp_path / "more", options={"train.epochs": wanted}, show_progress=False)
    long = json.loads((more / "training.json").read_text())
    assert long["epochs"] == wanted
    assert long["steps"] == first["steps"] + first["steps"] // first["epochs"]


def test_weights_are_taken_where_they_fit_and_the_rest_is_said(tmp_path: Path) -> None:
    source = trained(tmp_path / "source")
    answer = isthmus("train", "--from", source, "bottleneck.dim=4", "train.epochs=1", "-o", tmp_path / "new")
    assert answer.code == 0, answer.err
    record = started(tmp_path / "new")
    ours = weights(tmp_path / "new")
    theirs = weights(source, "best")
    odd = {name for name in ours if ours[name].shape != theirs[name].shape}
    assert odd and set(record["anew"]) == odd
    assert record["taken"] == len(ours) - len(odd)
    assert "bottleneck.dim is 3 there, 4 here" in answer.err
    for name in odd:
        assert name in answer.err
    assert "started with the weights of" in answer.out


def first_checkpoint(asked: AskedRun) -> dict[str, torch.Tensor]:
    """Stop at the first step, as a crash does."""
    running = events(asked)
    for event in running:
        if not isinstance(event, Notice):
            break
    running.close()
    return weights(asked.folder)


def test_a_start_is_the_other_runs_best_weights(tmp_path: Path) -> None:
    source = trained(tmp_path / "source")
    asked = asked_run("", tmp_path / "new", {"train.epochs": 1}, start=source)
    assert same(first_checkpoint(asked), weights(source, "best"))


def test_a_start_that_crashed_goes_on_without_the_other_run(tmp_path: Path) -> None:
    """What was taken is saved before the first step, so the bits are those of the run that did not crash."""
    source = trained(tmp_path / "source")
    whole = ist.train(source, start=source, out=tmp_path / "whole", options={"seed": 3}, show_progress=False)
    asked = asked_run("", tmp_path / "new", {"seed": 3}, start=source)
    first_checkpoint(asked)
    shutil.rmtree(source)
    ist.train(asked.folder, resume=True, show_progress=False)
    assert same(weights(asked.folder), weights(whole.path))


def test_a_start_is_repeated_from_the_run_that_it_made(tmp_path: Path) -> None:
    source = trained(tmp_path / "source")
    made = ist.train(source, start=source, out=tmp_path / "made", options={"seed": 3}, show_progress=False)
    again = ist.train(made, out=tmp_path / "again", show_progress=False)
    assert same(weights(again.path), weights(made.path))
    assert started(again.path)["weights"] == started(made.path)["weights"]


def test_weights_that_changed_since_are_refused(tmp_path: Path) -> None:
    source = trained(tmp_path / "source")
    made = ist.train(source, start=source, out=tmp_path / "made", options={"seed": 3}, show_progress=False).path
    shutil.rmtree(made / "checkpoints")
    for file in made.iterdir():
        if file.name not in ("recipe.toml", "start.json", "lock"):
            file.unlink()
    shutil.rmtree(source)
    trained(source, seed=9)
    with pytest.raises(InputError, match="no longer there"):
        ist.train(made, show_progress=False)


def test_other_images_are_said_on_the_new_runs_page(tmp_path: Path) -> None:
    """Some of the test images may have been trained on: nobody who reads the score may miss that."""
    source = trained(tmp_path / "source")
    made = ist.train(source, start=source, out=tmp_path / "made", options={"data.seed": 5}, show_progress=False)
    assert any("may be among them" in flag for flag in made.evaluation.flags)
    assert "may be among them" in (made / "report.html").read_text()
    assert not started(made.path)["same_images"]


def test_images_given_in_python_are_kept_in_the_new_folder_too(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    options = {name: value for name, value in SMALL.items() if not name.startswith("data.")}
    source = ist.train("post/latent-10", data=images, out=tmp_path / "source", options=options, show_progress=False)
    more = ist.train(source, out=tmp_path / "more", options={"train.epochs": 5}, show_progress=False)
    taken = ist.train(source, start=source, out=tmp_path / "taken", options={"seed": 4}, show_progress=False)
    shutil.rmtree(source)
    for run in (more, taken):
        assert isthmus("evaluate", run).code == 0
        assert run.evaluation.data.train_images


def test_a_linear_path_is_taken_whole_or_starts_at_pca(tmp_path: Path) -> None:
    source = trained(tmp_path / "source", model__linear="pca")
    options = {"bottleneck.dim": 4, "train.epochs": 1}
    made = ist.train(source, start=source, out=tmp_path / "made", options=options, show_progress=False).path
    assert {"linear.analysis.bias", "linear.synthesis.bias"} <= set(started(made)["anew"])
    asked = asked_run("", tmp_path / "same", {"seed": 1}, start=source)
    assert same(first_checkpoint(asked), weights(source, "best"))


def test_the_same_recipe_with_new_weights_does_not_take_that_folder(tmp_path: Path) -> None:
    """A study, too, would count a run as one of its own that had another start."""
    source = trained(tmp_path / "source")
    made = ist.train(source, start=source, out=tmp_path / "made", options={"name": "latent-10"}, show_progress=False)
    assert_refused(isthmus("train", made / "recipe.toml", "-q", "-o", made), "began with the weights")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory, cache_of_module: None) -> Path:
    return trained(tmp_path_factory.mktemp("one") / "run", train__epochs=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{run}", "train.epochs=1"], "ask for more"),
        (["{run}", "bottleneck.dim=4"], "--from"),
        (["{run}", "train.epochs=2", "train.optimizer=muon"], "train.optimizer"),
        (["{run}", "train.least_steps=500"], "leave it out"),
        (["{run}", "data.path=elsewhere"], "--from"),
        ([], "needs a recipe"),
        (["bottleneck.dim=4"], "bottleneck.dim=4"),
        (["--from", "{run}/checkpoints"], "not a run folder"),
        (["--from", "{run}", "-o", "{run}"], "choose another --out"),
        (["--from", "{run}", "model.linear=pca"], "model.linear"),
        (["--from", "{run}", "bottleneck.dimm=4"], "bottleneck.dim"),
        (["dense", "--from", "{run}", *TINY[:4], "-o", "{new}"], "none of its weights fits"),
    ],
)
def test_what_cannot_go_on_or_start_is_refused(one: Path, tmp_path: Path, words: list[str], said: str) -> None:
    before = contents(one)
    words = [word.format(run=one, new=tmp_path / "new") for word in words]
    assert_refused(isthmus("train", *words, "-q", *([] if "-o" in words else ["-o", tmp_path / "out"])), said)
    assert contents(one) == before


def test_an_unfinished_run_does_not_go_on_with_other_options(tmp_path: Path) -> None:
    command(tmp_path / "run")
    (tmp_path / "run" / "training.json").unlink()
    assert_refused(isthmus("train", tmp_path / "run", "train.epochs=9"), "--resume")


def test_a_run_without_weights_is_no_start(tmp_path: Path) -> None:
    source = trained(tmp_path / "source")
    for file in source.rglob("model.safetensors"):
        file.write_bytes(b"damaged")
    assert_refused(isthmus("train", "--from", source, "-q", "-o", tmp_path / "new"), "no weights that can be read")
