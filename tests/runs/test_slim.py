"""A finished run keeps what it is used with; the optimizer's state goes, unless it is asked to stay."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.command import assert_refused, isthmus, train
from tests.study_toml import NARROW_AND_WIDE, study_toml

import isthmus as ist
from isthmus.core.errors import RunError
from isthmus.core.locks import locked_file
from isthmus.run_files.checkpoints import digest_of, holds_optimizer
from isthmus.runs import slim as slimming
from isthmus.runs.run_folder import is_finished
from isthmus.runs.slim import slim

LAST, BEST = Path("checkpoints", "last"), Path("checkpoints", "best")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with all of its checkpoints, whose last epoch is its best; not to be changed."""
    folder = tmp_path_factory.mktemp("slim") / "run"
    assert train(folder, "-q", "train.epochs=2", "--keep-optimizer").code == 0
    return folder


@pytest.fixture
def run(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "run"))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in (folder / "checkpoints").rglob("*") if path.is_file()}


def with_another_last(run: Path) -> None:
    """As after an epoch that was not the best: the weights of `last` are others than those of `best`."""
    state = json.loads((run / BEST / "state.json").read_text())
    weights = (run / BEST / "model.safetensors").read_bytes()
    other = weights[:-1] + bytes([weights[-1] ^ 1])
    (run / BEST / "model.safetensors").write_bytes(other)
    state["digests"]["model.safetensors"] = digest_of(run / BEST / "model.safetensors")
    (run / BEST / "state.json").write_text(json.dumps(state))


def test_a_run_is_slim_when_it_ends_unless_asked_otherwise(kept: Path, tmp_path: Path) -> None:
    assert train(tmp_path / "run", "-q", "train.epochs=2").code == 0
    weights = {f"checkpoints/best/{name}" for name in ("model.safetensors", "state.json")}
    assert files(tmp_path / "run") == {*weights, "checkpoints/last/state.json"}
    assert files(kept) == {
        *weights,
        *(f"checkpoints/last/{name}" for name in ("model.safetensors", "optimizer.safetensors", "state.json")),
    }
    assert holds_optimizer(kept / LAST) and not holds_optimizer(tmp_path / "run" / LAST)
    assert (tmp_path / "run" / BEST / "model.safetensors").read_bytes() == (
        kept / BEST / "model.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("keep", [False, True])
def test_so_are_the_runs_of_a_study(tmp_path: Path, keep: bool, jobs: int) -> None:
    (tmp_path / "mine.toml").write_text(
        study_toml(
            NARROW_AND_WIDE, data=("train = 48", "test = 12", "size = 8"), train=("epochs = 1", 'device = "cpu"')
        )
    )
    flags = ["--keep-optimizer"] if keep else []
    assert isthmus("study", tmp_path / "mine.toml", "-o", tmp_path / "out", "-q", "-j", jobs, *flags).code == 0
    homes = sorted((tmp_path / "out").glob("*/seed-0"))
    assert [holds_optimizer(home / LAST) for home in homes] == [keep, keep]
    if keep and jobs == 1:  # as after a kill
        state = json.loads((homes[0] / LAST / "state.json").read_text())
        (homes[0] / LAST / "state.json").write_text(json.dumps({**state, "keep_optimizer": False}))
        assert isthmus("study", tmp_path / "mine.toml", "-o", tmp_path / "out").code == 0
        assert [holds_optimizer(home / LAST) for home in homes] == [False, True]
    if not keep and jobs == 1:
        answer = isthmus("study", tmp_path / "mine.toml", "-o", tmp_path / "out", "--keep-optimizer")
        assert "narrow, seed 0, wide, seed 0: --keep-optimizer has no effect" in answer.err


@pytest.fixture
def killed(kept: Path, tmp_path: Path) -> Path:
    """A run whose process was killed between its evaluation and the slimming; not asked to keep the optimizer."""
    folder = Path(shutil.copytree(kept, tmp_path / "killed"))
    state = json.loads((folder / LAST / "state.json").read_text())
    assert state["keep_optimizer"] is True
    (folder / LAST / "state.json").write_text(json.dumps({**state, "keep_optimizer": False}))
    return folder


def test_a_run_that_was_killed_before_it_was_slim_is_made_so_by_the_next_command(killed: Path, kept: Path) -> None:
    answer = isthmus("train", killed)
    assert answer.code == 0 and "nothing was trained again" in answer.err
    assert not holds_optimizer(killed / LAST) and not (killed / LAST / "optimizer.safetensors").exists()
    assert isthmus("train", kept).code == 0
    assert holds_optimizer(kept / LAST), "as it was asked"


def interrupted(path: Path) -> None:
    raise KeyboardInterrupt


def test_so_is_one_that_was_killed_while_it_was_made_slim(killed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(slimming, "_remove", interrupted)
        slim(killed)
    assert (killed / LAST / "optimizer.safetensors").exists()
    assert isthmus("train", killed).code == 0
    assert not (killed / LAST / "optimizer.safetensors").exists()


def test_one_that_is_finished_by_a_command_without_a_step_is_made_slim(killed: Path) -> None:
    (killed / "evaluation.json").unlink()
    assert isthmus("train", killed, "--resume").code == 0
    assert not holds_optimizer(killed / LAST)


def test_a_finished_run_keeps_its_optimizer_if_that_is_asked_now(killed: Path) -> None:
    for flags in (["--keep-optimizer"], []):
        answer = isthmus("train", killed, *flags)
        assert answer.code == 0 and "no effect" not in answer.err
        assert holds_optimizer(killed / LAST)


def test_a_run_of_an_older_version_keeps_what_it_has(killed: Path) -> None:
    """Nobody knows whether it was asked to."""
    state = json.loads((killed / LAST / "state.json").read_text())
    del state["keep_optimizer"]
    (killed / LAST / "state.json").write_text(json.dumps(state))
    assert isthmus("train", killed).code == 0
    assert holds_optimizer(killed / LAST)


def test_flags_that_come_too_late_are_said_to_have_no_effect(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slim(run)
    pytest.importorskip("tensorboard")
    answer = isthmus("train", run, "--keep-optimizer", "--log", "tensorboard")
    assert answer.code == 0
    assert f"{run}: --keep-optimizer has no effect: the optimizer's state was removed" in answer.err
    assert f"--log has no effect on {run}: only a training" in answer.err
    capsys.readouterr()
    ist.train(run, keep_optimizer=True)
    assert f"{run}: `keep_optimizer` has no effect" in capsys.readouterr().err


def test_a_run_in_use_is_left_as_it_is(killed: Path) -> None:
    with locked_file(killed / "lock", wait=True):
        answer = isthmus("train", killed)
    assert answer.code == 0, answer
    assert "the optimizer's state is left as it is: another process is at work here" in answer.err
    assert holds_optimizer(killed / LAST)


def test_a_slim_run_is_used_as_before(run: Path, kept: Path, tmp_path: Path) -> None:
    answer = isthmus("slim", run)
    assert answer.code == 0 and f"{run}: " in answer.out and "freed" in answer.out
    assert is_finished(run)
    shutil.rmtree(run / "export", ignore_errors=True)
    for words in (["evaluate", run], ["doctor", run], ["report", run], ["export", run], ["explore", run]):
        assert isthmus(*words).code in (0, 1 if words[0] == "doctor" else 0), words
    assert (run / "per_image.parquet").read_bytes() == (kept / "per_image.parquet").read_bytes()
    assert ist.load(run, device="cpu").latent_shape == (3,)
    answer = isthmus("train", run)
    assert answer.code == 0 and "is finished (ran all 2 epochs); nothing was trained again" in answer.err


def test_a_lost_record_of_a_slim_runs_training_is_written_again(run: Path, kept: Path) -> None:
    """Without training: its checkpoint says that training has ended."""
    slim(run)
    (run / "training.json").unlink()
    answer = isthmus("train", run, "--resume")
    assert answer.code == 0, answer
    assert "resumed at step 10" in answer.err and "epoch 2/2" not in answer.err
    assert (run / "training.json").read_bytes() == (kept / "training.json").read_bytes()
    assert (run / BEST / "model.safetensors").read_bytes() == (kept / BEST / "model.safetensors").read_bytes()


def test_weights_that_are_not_the_best_stay(run: Path) -> None:
    """They are used where the best ones are damaged, and training could go on from them."""
    with_another_last(run)
    before = (run / LAST / "model.safetensors").read_bytes()
    slim(run)
    assert (run / LAST / "model.safetensors").read_bytes() == before
    assert not (run / LAST / "optimizer.safetensors").exists()
    (run / BEST / "model.safetensors").write_bytes(b"broken")
    with pytest.warns(UserWarning) as warned:
        ist.load(run)
    assert "using the last weights instead of the best" in str(warned[-1].message)


def test_it_says_what_it_frees_and_frees_that(run: Path) -> None:
    (run / "checkpoints" / "last.old").mkdir()
    (run / "checkpoints" / "last.old" / "model.safetensors").write_bytes(bytes(1000))
    before = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
    promised = slim(run, dry=True)
    assert before == sum(path.stat().st_size for path in run.rglob("*") if path.is_file()), "dry"
    state = (run / LAST / "state.json").stat().st_size
    assert slim(run) == promised
    grown = (run / LAST / "state.json").stat().st_size - state
    assert before - promised + grown == sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
    assert slim(run) == 0


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_crash_at_any_moment_leaves_a_run_that_is_whole(
    run: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    left = iter(range(after))
    real = slimming._remove

    def killed(path: Path) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        real(path)

    with monkeypatch.context() as patch:
        patch.setattr(slimming, "_remove", killed)
        if after < 2:
            with pytest.raises(KeyboardInterrupt):
                slim(run)
        else:
            slim(run)
    (run / "training.json").unlink()
    assert isthmus("train", run, "--resume").code == 0
    slim(run)
    assert files(run) == {
        *(f"checkpoints/best/{name}" for name in ("model.safetensors", "state.json")),
        "checkpoints/last/state.json",
    }


@pytest.mark.parametrize("name", ["best/model.safetensors", "best/state.json", "last/state.json"])
def test_a_damaged_run_keeps_all_that_it_has(run: Path, name: str) -> None:
    (run / "checkpoints" / name).write_text("{")
    before = files(run)
    with pytest.raises(RunError, match=r"not whole .* left as they are"):
        slim(run)
    assert files(run) == before


def test_a_run_that_is_not_finished_keeps_all_that_it_has(run: Path) -> None:
    (run / "training.json").unlink()
    before = files(run)
    answer = isthmus("slim", run.parent)
    assert answer.code == 0 and "left as it is: is not finished" in answer.err
    assert files(run) == before


def test_nor_is_one_touched_that_is_in_use(run: Path) -> None:
    before = files(run)
    with locked_file(run / "lock", wait=True):
        answer = isthmus("slim", run)
    assert "left as it is: is in use" in answer.err
    assert files(run) == before


def test_links_are_not_followed(run: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(run)
    assert_refused(isthmus("slim", tmp_path / "link"), "is a link", "name the folder itself")
    elsewhere = tmp_path / "elsewhere"
    (run / LAST).rename(elsewhere)
    (run / LAST).symlink_to(elsewhere)
    assert "is a link" in isthmus("slim", run).err
    assert (elsewhere / "optimizer.safetensors").is_file()
    assert_refused(isthmus("slim", elsewhere), "holds no run")
    assert_refused(isthmus("slim", tmp_path / "nowhere"), "no such folder")


def test_what_isthmus_did_not_write_stays(run: Path, tmp_path: Path) -> None:
    """In what a crashed save left, too, and under names of its files."""
    crashed, last = run / "checkpoints" / "last.old", run / LAST
    shutil.copytree(last, crashed)
    (crashed / "notes.txt").write_text("dear diary")
    (run / "checkpoints" / "best.new").write_text("dear diary")
    (tmp_path / "elsewhere").mkdir()
    (run / "checkpoints" / "best.old").symlink_to(tmp_path / "elsewhere")
    (last / "optimizer.safetensors").unlink()
    (last / "optimizer.safetensors").mkdir()
    (last / "optimizer.safetensors" / "mine").write_text("dear diary")
    assert isthmus("slim", run).code == 0
    assert files(run) == {
        *(f"checkpoints/best/{name}" for name in ("model.safetensors", "state.json")),
        *("checkpoints/last/state.json", "checkpoints/last/optimizer.safetensors/mine"),
        *("checkpoints/last.old/notes.txt", "checkpoints/best.new"),
    }
    assert (run / "checkpoints" / "best.old").is_symlink()
