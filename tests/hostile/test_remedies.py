"""What a message about a damaged file says to do mends it, whichever file of a run folder it is."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.command import Answer, isthmus, train

FILES = (
    *("recipe.toml", "environment.json", "metrics.jsonl", "training.json", "evaluation.json", "per_image.parquet"),
    *("pictures.safetensors", "checkpoints/best/state.json", "checkpoints/last/state.json"),
    *("checkpoints/best/model.safetensors", "checkpoints/last/optimizer.safetensors"),
)
VERBS = (["report"], ["doctor"], ["evaluate"], ["train", "--resume"])
MOST = 4  # steps on the way out
_REMOVE = ("remove it", "remove the folder", "delete it")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def brace(path: Path) -> None:
    path.write_text("{")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("remedies") / "run"
    assert train(run, "train.epochs=1", "--keep-optimizer").code == 0
    return run


def follow(answer: Answer, finished: Path) -> None:
    """Do what the sentence says about the file that it names."""
    sentence = answer.err.splitlines()[-1]
    said = re.match(r"isthmus: (?P<path>\S+): .*; (?P<remedy>.*)", sentence)
    assert said, sentence
    path, remedy = Path(said["path"]), said["remedy"]
    command = re.search(r"`isthmus (.*?)`", remedy)
    if remedy.startswith(_REMOVE):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if remedy.startswith("restore it from a copy"):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        shutil.copyfile(finished / str(path).rpartition("/run/")[2], path)
    elif command:
        mended(shlex.split(command[1]), finished)
    else:
        assert remedy.startswith(_REMOVE), sentence


def mended(words: list[str], finished: Path) -> None:
    """The command, once every remedy that it asks for was followed."""
    for _ in range(MOST):
        answer = isthmus(*words)
        if answer.code == 0 or "the doctor found" in answer.err:
            return
        follow(answer, finished)
    raise AssertionError(answer)


@pytest.mark.parametrize("damage", [brace, *(pytest.param(one, marks=pytest.mark.slow) for one in (cut, pipe, folder))])
@pytest.mark.parametrize("name", FILES)
def test_following_the_remedy_mends(name: str, damage: Callable[[Path], None], finished: Path, tmp_path: Path) -> None:
    for verb, *flags in VERBS:
        run = shutil.copytree(finished, tmp_path / verb / "run")
        damage(run / name)
        mended([verb, str(run), *flags], finished)


@pytest.mark.parametrize("damage", [brace, pipe, folder])
def test_a_damaged_record_of_an_evaluated_runs_training_is_written_again(
    damage: Callable[[Path], None], finished: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    damage(run / "training.json")
    mended(["train", str(run), "--resume"], finished)
    assert (run / "training.json").read_bytes() == (finished / "training.json").read_bytes()
    assert isthmus("evaluate", run).code == 0


def test_pictures_may_be_deleted(finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    brace(run / "pictures.safetensors")
    assert isthmus("export", run).err.rstrip().endswith("or delete it: pages do without")
    (run / "pictures.safetensors").unlink()
    for verb in ("export", "report"):
        assert isthmus(verb, run).code == 0
