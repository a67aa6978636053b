"""Whatever interrupts a run, going on gives the bits of the run that was never interrupted."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.study_toml import NARROW_AND_WIDE, study_toml

from isthmus.core.errors import InputError, RunError
from isthmus.core.pixels import Rows
from isthmus.data import residence
from isthmus.data.datasets.scenes import Scenes
from isthmus.data.store.prepare import prepare
from isthmus.kernels import choose as kernel_choice
from isthmus.kernels.compiled import why_unavailable
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.recipe import Part, Recipe
from isthmus.run_files import checkpoints
from isthmus.runs.claim import claim
from isthmus.runs.evaluate_run import evaluate_run
from isthmus.runs.load import load_data
from isthmus.runs.run_folder import is_trained, read_recipe
from isthmus.training import checkpoint, in_folder, loop, meter
from isthmus.training.events import Notice
from isthmus.training.in_folder import train_in_folder

# Noise and a schedule: everything random or counted must go on where it was.
CHANGES: dict[str, Any] = {"corruption.kind": "gaussian", "train.warmup_steps": 3}


@pytest.fixture
def every_step_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log and save at every step, so that an interruption can fall anywhere."""
    monkeypatch.setattr(meter, "LOG_STEPS", 1)
    monkeypatch.setattr(in_folder, "SAVE_SECONDS", 0.0)


def train(recipe: Recipe, folder: Path) -> Iterator[Any]:
    claim(folder, recipe)
    return train_in_folder(recipe, folder, load_data(recipe), folder.parent / "cache")


def weights(folder: Path, which: str = "last") -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoints" / which / "model.safetensors")


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def stop_after(events: Iterator[Any], count: int) -> None:
    """Drop a run after `count` events, as a crash does: nothing more of it is executed."""
    for _, _event in zip(range(count), events, strict=False):
        pass
    events.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("stops", [(1,), (4,), (6, 6), (9, 2, 3)])
def test_a_resumed_run_ends_with_the_same_bits(
    tiny: Callable[..., Recipe], tmp_path: Path, every_step_safe: None, stops: tuple[int, ...]
) -> None:
    """Weights, best weights and the learning curve equal the uninterrupted run's, wherever it stopped."""
    recipe = tiny(CHANGES)
    for _ in train(recipe, tmp_path / "whole"):
        pass
    for stop in stops:
        stop_after(train(recipe, tmp_path / "resumed"), stop)
    for _ in train(recipe, tmp_path / "resumed"):
        pass
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "resumed"))
    assert same(weights(tmp_path / "whole", "best"), weights(tmp_path / "resumed", "best"))
    curves = [epochs(tmp_path / name) for name in ("whole", "resumed")]
    assert curves[0] == curves[1]


def test_images_on_disk_give_the_bits_of_those_in_memory_also_in_a_resumed_run(
    tiny: Callable[..., Recipe], tmp_path: Path, every_step_safe: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mirrored ones too, dropped in the middle of an epoch, with PCA, validation and evaluation read from the disk."""
    recipe = tiny({**CHANGES, "model.linear": "pca", "train.mirror": True})
    for _ in train(recipe, tmp_path / "whole"):
        pass
    prepare("scenes", Scenes(**recipe.data.options), tmp_path / "store")
    monkeypatch.setattr(residence, "_MOST", 0)
    on_disk = replace(recipe, data=Part("store", {"path": str(tmp_path / "store")}))
    assert isinstance(load_data(on_disk).train.images, Rows)
    stop_after(train(on_disk, tmp_path / "resumed"), 8)
    for _ in train(on_disk, tmp_path / "resumed"):
        pass
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "resumed"))
    assert epochs(tmp_path / "whole") == epochs(tmp_path / "resumed")
    for name in ("whole", "resumed"):
        evaluate_run(tmp_path / name, load_data(read_recipe(tmp_path / name)), tmp_path / "cache")
    scored = [(tmp_path / name / "per_image.parquet").read_bytes() for name in ("whole", "resumed")]
    assert scored[0] == scored[1]


@pytest.mark.skipif(why_unavailable() is not None, reason=f"no compiled kernels: {why_unavailable()}")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_kernels_are_named_and_a_change_of_them_is_told(
    tiny: Callable[..., Recipe],
    tmp_path: Path,
    every_step_safe: None,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
) -> None:
    """Compiled ones resume to the same bits; where they are others or missing, the run goes on and says that."""
    recipe = tiny({**CHANGES, "architecture.filters": [16, 16], "train.precision": precision})
    for _ in train(recipe, tmp_path / "whole"):
        pass
    assert json.loads((tmp_path / "whole" / "environment.json").read_text())["kernels"].startswith("compiled ")
    for name in ("again", "newer", "elsewhere"):
        stop_after(train(recipe, tmp_path / name), 4)
    assert not any("not the same bits" in said for said in sentences(train(recipe, tmp_path / "again")))
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "again"))
    with monkeypatch.context() as patch:
        patch.setattr(kernel_choice, "version", lambda: "another")
        (changed,) = sentences(train(recipe, tmp_path / "newer"))
        assert "kernels" in changed and "not the same bits" in changed
    monkeypatch.setattr(kernel_choice, "why_unavailable", lambda: "no C++ compiler is here; g++ would do")
    slower, changed = sentences(train(recipe, tmp_path / "elsewhere"))
    assert slower.endswith("as it could: no C++ compiler is here; g++ would do.")
    assert "kernels" in changed and "not the same bits" in changed


def sentences(events: Iterator[Any]) -> list[str]:
    return [event.sentence for event in events if isinstance(event, Notice)]


def epochs(folder: Path) -> list[tuple[Any, ...]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in lines if line["kind"] == "train"]
    assert len(steps) == len(set(steps)), "a step stands twice in the log"
    keys = ("step", "epoch", "train_loss", "validation_loss", "best")
    return [tuple(line.get(key) for key in keys) for line in lines if line["kind"] == "epoch"]


def test_the_noise_of_a_step_depends_on_the_seed(tiny: Callable[..., Recipe], tmp_path: Path) -> None:
    """Another seed gives other weights; the same seed gives the same."""
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        for _ in train(tiny({**CHANGES, "seed": seed, "train.epochs": 1}), tmp_path / name):
            pass
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    assert not same(weights(tmp_path / "a"), weights(tmp_path / "c"))


def test_ctrl_c_saves_and_leaves_a_resumable_run(tiny: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe = tiny(CHANGES)
    for _ in train(recipe, tmp_path / "whole"):
        pass
    events = train(recipe, tmp_path / "stopped")
    with pytest.raises(KeyboardInterrupt):
        for event in events:
            if isinstance(event, loop.Step):
                signal.raise_signal(signal.SIGINT)
    assert not is_trained(tmp_path / "stopped")
    for _ in train(recipe, tmp_path / "stopped"):
        pass
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "stopped"))


def test_a_damaged_checkpoint_gives_way_to_the_older_one(
    tiny: Callable[..., Recipe], tmp_path: Path, every_step_safe: None
) -> None:
    """And says so; the result is the same, only some steps are taken again."""
    recipe = tiny(CHANGES)
    for _ in train(recipe, tmp_path / "whole"):
        pass
    folder = tmp_path / "damaged"
    stop_after(train(recipe, folder), 9)
    path = folder / "checkpoints" / "last" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    events = list(train(recipe, folder))
    notices = sentences(events)
    assert len(notices) == 1
    assert "damaged" in notices[0]
    assert "using last.old" in notices[0]
    assert same(weights(tmp_path / "whole"), weights(folder))


def rewrite(folder: Path, file: str, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Change the tensors in a file of a checkpoint, and write down the digest that goes with them."""
    tensors = load_file(folder / file)
    change(tensors)
    save_file(tensors, folder / file)
    state = json.loads((folder / "state.json").read_text())
    state["digests"][file] = checkpoints.digest_of(folder / file)
    (folder / "state.json").write_text(json.dumps(state))


def replaced(name: str, value: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[dict[str, torch.Tensor]], object]:
    return lambda held: held.update({key: value(held[key]) for key in held if key.endswith("." + name)})


SLOTS = {
    "one number": replaced("exp_avg_sq", lambda _: torch.zeros(1)),
    "a scalar": replaced("exp_avg", lambda _: torch.zeros(())),
    "another type": replaced("exp_avg", torch.Tensor.half),
    "not finite": replaced("exp_avg", lambda mean: mean / 0),
    "a negative square": replaced("exp_avg_sq", lambda square: square - 1),
    "no step": replaced("step", lambda _: torch.zeros(0)),
    "a whole step": replaced("step", torch.Tensor.long),
    "a negative step": replaced("step", torch.neg),
    "half a step": replaced("step", lambda step: step + 0.5),
    "an endless step": replaced("step", lambda step: step / 0),
    "a missing slot": lambda held: held.pop("0.exp_avg"),
    "an unknown slot": lambda held: held.update({"0.exp": torch.zeros(3)}),
    "an index from the end": lambda held: held.update({"-1.exp_avg": held["0.exp_avg"].clone()}),
    "an index beyond": lambda held: held.update({"9" * 5000 + ".step": torch.zeros(())}),
    "nothing": dict.clear,
    "a short momentum": replaced("momentum", lambda _: torch.zeros(1)),
    "Adam's step of Muon's": lambda held: held.update(
        {key.replace("momentum", "step"): torch.ones(()) for key in held if key.endswith("momentum")}
    ),
}


@pytest.mark.parametrize("damage", SLOTS)
def test_an_optimizer_that_is_not_this_models_gives_way_to_the_older_checkpoint(
    tiny: Callable[..., Recipe], tmp_path: Path, every_step_safe: None, damage: str
) -> None:
    """Whatever its digest says: numbers go to code that trusts their sizes. Muon keeps both kinds."""
    recipe = tiny({"train.epochs": 1, "train.optimizer": "muon", "regularizer.kind": "adversarial"})
    stop_after(train(recipe, tmp_path / "run"), 3)
    rewrite(tmp_path / "run" / "checkpoints" / "last", "optimizer.safetensors", SLOTS[damage])
    (said,) = sentences(train(recipe, tmp_path / "run"))
    assert "last is damaged (optimizer.safetensors" in said and "using last.old" in said
    assert len(said) < 400


WEIGHTS = {
    "not finite": (lambda weight: weight / 0, "is not finite"),
    "another type": (lambda weight: weight.to(torch.int8), "is torch.int8 rather than torch.float32"),
}


@pytest.mark.parametrize("file", ["model", "objective"])
@pytest.mark.parametrize("damage", WEIGHTS)
def test_weights_that_no_training_saves_give_way_to_the_older_checkpoint(
    tiny: Callable[..., Recipe], tmp_path: Path, every_step_safe: None, damage: str, file: str
) -> None:
    change, reason = WEIGHTS[damage]
    recipe = tiny({"train.epochs": 1, "regularizer.kind": "adversarial"})
    stop_after(train(recipe, tmp_path / "run"), 3)
    rewrite(tmp_path / "run" / "checkpoints" / "last", f"{file}.safetensors", replaced("weight", change))
    (said,) = sentences(train(recipe, tmp_path / "run"))
    assert reason in said and "using last.old" in said


def test_weights_that_are_not_finite_are_not_saved(
    tiny: Callable[..., Recipe], tmp_path: Path, every_step_safe: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step's loss is that of the weights before it, so a finite one says nothing of those that would be saved."""
    recipe = tiny()
    stop_after(train(recipe, tmp_path / "run"), 3)
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self: self.param_groups[0]["params"][0].data.fill_(math.inf))
    with pytest.raises(RunError, match=r"the weights stopped being finite by step 3 .* the last good .* of step 2"):
        list(train(recipe, tmp_path / "run"))
    assert all(weight.isfinite().all() for weight in weights(tmp_path / "run").values())


def test_every_checkpoint_damaged_is_an_error(
    tiny: Callable[..., Recipe], tmp_path: Path, every_step_safe: None
) -> None:
    stop_after(train(tiny(), tmp_path / "run"), 9)
    for path in (tmp_path / "run" / "checkpoints").glob("last*/state.json"):
        path.write_text("{")
    with pytest.raises(RunError, match=r"there is no undamaged older one; train again with another --out$"):
        list(train(tiny(), tmp_path / "run"))


def test_a_crash_inside_a_save_loses_nothing(
    tiny: Callable[..., Recipe], tmp_path: Path, every_step_safe: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between any two file operations of a save, a whole checkpoint is still found."""
    recipe = tiny(CHANGES)
    for _ in train(recipe, tmp_path / "whole"):
        pass

    class Crash(BaseException):
        pass

    for owner, name in (
        (Path, "rename"),
        (shutil, "rmtree"),
        (checkpoint, "_save_tensors"),
        (checkpoint, "write_record"),
    ):
        for nth in (2, 5):
            folder = tmp_path / f"{name}{nth}"
            calls = iter(range(nth))
            real = getattr(owner, name)

            def crash(*args: Any, _real: Any = real, _calls: Iterator[int] = calls, **kwargs: Any) -> Any:
                if next(_calls, None) is None:
                    raise Crash
                return _real(*args, **kwargs)

            with monkeypatch.context() as patch, pytest.raises(Crash):
                patch.setattr(owner, name, crash)
                list(train(recipe, folder))
            list(train(recipe, folder))
            assert same(weights(tmp_path / "whole"), weights(folder)), f"{name}, call {nth}"


def test_a_log_line_cut_short_is_dropped(tiny: Callable[..., Recipe], tmp_path: Path, every_step_safe: None) -> None:
    recipe = tiny()
    stop_after(train(recipe, tmp_path / "run"), 7)
    with open(tmp_path / "run" / "metrics.jsonl", "a") as file:
        file.write('{"kind": "train", "st')
    list(train(recipe, tmp_path / "run"))
    assert len(epochs(tmp_path / "run")) == 3


def test_a_diverging_loss_is_a_sentence(tiny: Callable[..., Recipe], tmp_path: Path) -> None:
    """It names the step, the learning rate and the last good checkpoint."""
    recipe = tiny({"train.learning_rate": 1e30, "train.epochs": 5, "train.optimizer": "adam"})
    with pytest.raises(RunError, match=r"not? ?.*finite by step \d+ at learning rate .*e\+.*checkpoint|none was saved"):
        list(train(recipe, tmp_path / "run"))
    assert not is_trained(tmp_path / "run")


def test_early_stopping_follows_the_monitored_loss(tiny: Callable[..., Recipe], tmp_path: Path) -> None:
    """A learning rate of nearly nothing never improves by chance for long: patience ends it."""
    recipe = tiny({"train.epochs": 60, "train.patience_epochs": 2, "train.learning_rate": 1e-12})
    list(train(recipe, tmp_path / "run"))
    outcome = json.loads((tmp_path / "run" / "training.json").read_text())
    assert outcome["stopped"] == "patience"
    assert outcome["epochs"] < 60
    assert outcome["epochs"] == outcome["best_epoch"] + 2
    progress, _, _ = checkpoint.load(tmp_path / "run" / "checkpoints" / "best", Autoencoder(recipe, (3, 32, 32)))
    assert progress.epoch == outcome["best_epoch"], "best is the best epoch's, not the last's"


def test_a_folder_with_another_recipe_is_left_alone(tiny: Callable[..., Recipe], tmp_path: Path) -> None:
    """From its first checkpoint on; before that, nothing would be lost with it."""
    claim(tmp_path / "run", tiny({"bottleneck.dim": 2}))
    list(train(tiny(), tmp_path / "run"))
    with pytest.raises(InputError, match=r"bottleneck\.dim is 3 there, 4 here"):
        claim(tmp_path / "run", tiny({"bottleneck.dim": 4}))
    assert read_recipe(tmp_path / "run") == tiny()


@pytest.mark.slow
def test_a_study_killed_at_random_moments_ends_as_if_it_never_was(tmp_path: Path) -> None:
    """kill -9, five times, anywhere; rerun: same final weights, nothing lost, nothing run twice."""
    study = tmp_path / "mine.toml"
    study.write_text(STUDY)
    command = [sys.executable, "-m", "isthmus", "study", str(study), "data.train=600", "data.test=40"]
    command += ["--keep-optimizer", "-o"]
    environment = {**os.environ, "ISTHMUS_DATA": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    started = time.monotonic()
    subprocess.run([*command, str(tmp_path / "whole")], check=True, env=environment, capture_output=True)
    whole = time.monotonic() - started
    seed = time.time_ns()
    print(f"kill moments drawn with seed {seed}")  # shown by pytest where the test fails
    for share in (random.Random(seed + kill).uniform(0.0, 0.5) for kill in range(5)):
        process = subprocess.Popen(
            [*command, str(tmp_path / "killed")],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(1 + whole * share)
        process.kill()
        process.wait()
    subprocess.run([*command, str(tmp_path / "killed")], check=True, env=environment, capture_output=True)
    for home in sorted((tmp_path / "whole").glob("*/seed-*")):
        other = tmp_path / "killed" / home.relative_to(tmp_path / "whole")
        for which in ("last", "best"):
            assert same(weights(home, which), weights(other, which)), home
        assert epochs(home) == epochs(other)


STUDY = study_toml(
    NARROW_AND_WIDE.replace("8", "16"),
    filters=[8, 8],
    dim=4,
    train=["epochs = 3", "batch = 16", "[base.corruption]", 'kind = "gaussian"'],
)


def test_the_start_at_pca_is_logged_once_however_often_a_run_begins(
    tiny: Callable[..., Recipe], tmp_path: Path
) -> None:
    """It is saved before the first step, so a run stopped right after it goes on from there."""
    recipe, folder = tiny({"model.linear": "pca", "train.epochs": 1}), tmp_path / "run"
    stop_after(train(recipe, folder), 2)  # begun, and validated at the start
    assert [event.epoch for event in train(recipe, folder) if isinstance(event, loop.Epoch)] == [1]
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines if line["kind"] == "epoch"] == [0, 1]
