"""Numbers of a training in TensorBoard and in Weights & Biases, where these are installed and asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from tests.command import TINY, assert_refused, environment, isthmus

import isthmus as ist
from isthmus.recipes.recipe import Recipe, parse_overrides
from isthmus.runs.sinks import feed
from isthmus.runs.sinks.interfaces import Log, Sink

pytestmark = pytest.mark.usefixtures("cache_of_module")


class Kept(Sink, Log):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.begun: list[tuple[Path, int]] = []
        self.values: list[tuple[int, str, float]] = []
        self.shown: list[np.ndarray] = []
        self.closed = 0

    def begin(self, folder: Path, recipe: Recipe, step: int) -> Log:
        self.begun.append((folder, step))
        return self

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        self.values += [(step, name, value) for name, value in values.items()]

    def pictures(self, step: int, name: str, pixels: np.ndarray) -> None:
        self.shown.append(pixels)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    sink = Kept()
    monkeypatch.setitem(feed.SINKS, "kept", lambda: sink)
    return sink


def test_a_sink_gets_what_the_run_folder_gets(kept: Kept, tmp_path: Path) -> None:
    run = ist.train(
        "post/latent-10", out=tmp_path / "run", options=parse_overrides(TINY), log=["kept"], show_progress=False
    )
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    epochs = [(line["step"], line["train_loss"]) for line in lines if line["kind"] == "epoch"]
    assert [(step, value) for step, name, value in kept.values if name == "epoch/train_loss"] == epochs
    held_out = {name: value for _, name, value in kept.values if name.startswith("held_out/")}
    assert held_out["held_out/model_psnr"] == run.evaluation.scores["model"].psnr.mean
    assert kept.begun == [(run.path, 0)] and kept.closed == 1
    (picture, *_) = kept.shown
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3


def test_each_run_of_a_study_has_its_own_log(kept: Kept, tmp_path: Path) -> None:
    ist.study(
        "digits", out=tmp_path / "study", options={"train.epochs": 1, "seeds": 1}, log=["kept"], show_progress=False
    )
    assert len({folder for folder, _ in kept.begun}) == 4
    assert kept.closed == 4


def test_a_failed_run_closes_its_log(kept: Kept, tmp_path: Path) -> None:
    options = {**parse_overrides(TINY), "train.learning_rate": 1e30}
    with pytest.raises(ist.RunError):
        ist.train("post/latent-10", out=tmp_path / "run", options=options, log=["kept"], show_progress=False)
    assert kept.closed == len(kept.begun) == 1


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_missing_library_is_one_sentence_before_training(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "torch.utils.tensorboard" if name == "tensorboard" else "wandb"
    monkeypatch.setitem(sys.modules, module, None)
    answer = isthmus("train", "post/latent-10", *TINY, "--log", name, "-q", "-o", tmp_path / "run")
    assert_refused(answer, f"isthmus[{name}]")
    assert not (tmp_path / "run").exists()


def test_an_unknown_sink_is_refused(tmp_path: Path) -> None:
    answer = isthmus("train", "post/latent-10", *TINY, "--log", "tensorbord", "-q", "-o", tmp_path / "run")
    assert_refused(answer, "tensorboard")


def test_nothing_is_loaded_unless_it_is_asked_for(tmp_path: Path) -> None:
    code = (
        "import sys, isthmus.api.verbs\n"
        "sys.exit(bool({'tensorboard', 'wandb', 'torch.utils.tensorboard'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], env=environment()).returncode == 0


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed (extra tensorboard)")
    answer = isthmus("train", "post/latent-10", *TINY, "--log", "tensorboard", "-q", "-o", tmp_path / "run")
    assert answer.code == 0, answer.err
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    evaluation = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    (score,) = found.Scalars("held_out/model_psnr")
    assert score.value == pytest.approx(evaluation["scores"]["model"]["psnr"]["mean"])
    assert len(found.Scalars("epoch/train_loss")) == 3
    assert isthmus("remove", tmp_path / "run", "--yes").code == 0  # the event files are isthmus's own
    assert not (tmp_path / "run").exists()


def test_weights_and_biases_stays_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="Weights & Biases is not installed (extra wandb)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "online")
    answer = isthmus("train", "post/latent-10", *TINY, "--log", "wandb", "-q", "-o", tmp_path / "run")
    assert answer.code == 0, answer.err
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    assert list(folder.glob("*.wandb"))
