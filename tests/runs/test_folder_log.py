"""log.jsonl: what was made in a run's or a study's folder, a line each time, also where it failed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.command import TINY, assert_refused, isthmus, train

from isthmus import __version__
from isthmus.run_files.log import LogLine
from isthmus.runs import folder_log
from isthmus.runs.folder_log import logged

pytestmark = pytest.mark.usefixtures("cache_of_module")


def lines(folder: Path) -> list[LogLine]:
    return [LogLine.model_validate(json.loads(line)) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder that looks like a run's."""
    (tmp_path / "recipe.toml").touch()
    return tmp_path


def test_every_verb_that_makes_something_in_the_folder_leaves_a_line(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert train(folder, "-q").code == 0
    np.save(tmp_path / "other.npy", np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8))
    for words in (["evaluate", folder], ["export", folder], ["report", folder], ["evaluate", folder, "--data"]):
        more = [tmp_path / "other.npy"] if words[-1] == "--data" else []
        answer = isthmus(*words, *more, "--json")
        assert answer.code == 0, answer.err
        json.loads(answer.out)
    found = lines(folder)
    assert [line.verb for line in found] == ["train", "evaluate", "export", "report", "evaluate"]
    assert {line.ended for line in found} == {"done"}
    assert found[0].versions["isthmus"] == __version__ and "train" in found[0].command
    assert train(folder, "-q").code == 0  # finished: shown, not made
    assert len(lines(folder)) == 5
    assert isthmus("remove", folder, "--yes").code == 0  # all of this is isthmus's own
    assert not folder.exists()


def test_a_failure_is_a_line_with_its_sentence(tmp_path: Path) -> None:
    assert train(tmp_path / "run", "train.learning_rate=1e30", "-q").code == 1
    (line,) = lines(tmp_path / "run")
    assert "stopped being finite" in line.ended
    again = train(tmp_path / "run", "train.epochs=1", "-q")  # the log is not in the way of another start
    assert again.code in (0, 2), again
    assert "holds more than" not in again.err


def test_an_interruption_is_a_line(run: Path) -> None:
    with pytest.raises(KeyboardInterrupt), logged(run, "train"):
        raise KeyboardInterrupt
    assert [line.ended for line in lines(run)] == ["interrupted"]


def test_a_folder_that_is_not_isthmus_s_gets_no_log(tmp_path: Path) -> None:
    assert isthmus("explore", tmp_path).code == 2
    assert not (tmp_path / "log.jsonl").exists()


def test_a_link_in_its_place_is_not_written_through(run: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("elsewhere") / "file"
    target.write_text("mine")
    (run / "log.jsonl").symlink_to(target)
    with logged(run, "train"):
        pass
    assert target.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_goes_without(run: Path) -> None:
    run.chmod(0o500)
    with logged(run, "report"):
        pass
    run.chmod(0o700)
    assert not (run / "log.jsonl").exists()


def test_the_log_is_bounded_and_keeps_the_newest(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_log, "_MOST", 2000)
    for number in range(40):
        with logged(run, f"verb-{number}"):
            pass
        assert (run / "log.jsonl").stat().st_size < 2400
    found = lines(run)
    assert found[-1].verb == "verb-39" and len(found) > 2
    numbers = [int(line.verb.removeprefix("verb-")) for line in found]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("verb", "words"),
    [("sample", ["-n", 2, "-o", "/dev/stdout"]), ("explore", ["-o", "/dev/stdout"])],
)
def test_json_and_a_picture_do_not_share_stdout(run: Path, verb: str, words: list[Any]) -> None:
    assert_refused(isthmus(verb, run, *words, "--json"), "--json")


def test_device_is_the_option_of_training(tmp_path: Path) -> None:
    words = [word for word in TINY if not word.startswith("train.device")]
    answer = isthmus("train", "post/latent-10", *words, "--device", "cpu", "-q", "-o", tmp_path / "run")
    assert answer.code == 0, answer.err
    assert 'device = "cpu"' in (tmp_path / "run" / "recipe.toml").read_text()
    assert_refused(isthmus("train", "post/latent-10", *TINY, "--device", "cpu"), "given twice")
    assert_refused(isthmus("study", "digits", "--device", "gpu", "-o", tmp_path / "study"), "gpu")
