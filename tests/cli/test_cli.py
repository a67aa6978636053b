"""Every verb as it is meant to be used: what it prints where, what it leaves behind, how it goes on."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.command import TINY, Answer, assert_refused, environment, finish, isthmus, start, tiny, train
from tests.study_toml import NARROW_AND_WIDE, study_toml

from isthmus.cli.app import app
from isthmus.core.sorts import SORTS
from isthmus.data.datasets.scenes import Scenes

STUDY = study_toml(
    NARROW_AND_WIDE,
    head=['about = "Two networks, to be held against each other."'],
    data=["train = 80", "test = 12"],
    filters=[4, 5],
    train=["epochs = 1", "batch = 16", 'device = "cpu"', 'precision = "fp32"'],
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path_factory.getbasetemp() / "cache"))
    for name in ("NO_COLOR", "FORCE_COLOR", "ISTHMUS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    """A finished run, and what training it printed."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    return folder, train(folder)


@pytest.fixture(scope="module")
def run(first: tuple[Path, Answer]) -> Path:
    return first[0]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    """A finished study, and what it printed as JSON."""
    home = tmp_path_factory.mktemp("study")
    (home / "mine.toml").write_text(STUDY)
    return home / "out", isthmus("study", home / "mine.toml", "-o", home / "out", "--json")


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("train", "--help"), ("reconstruct", "-h")])
def test_help_is_no_failure(words: tuple[str, ...]) -> None:
    answer = isthmus(*words)
    assert answer.code == 0
    assert "Usage: isthmus" in answer.out
    assert answer.err == ""


def test_help_says_what_every_command_does_in_a_line() -> None:
    lines = isthmus("--help").out.partition("Commands:")[2].strip().splitlines()
    assert len(lines) == len(app.registered_commands) + len(app.registered_groups)
    assert all(line.endswith(".") and not line.endswith("...") for line in lines)


def test_without_words_help_is_shown_and_nothing_else() -> None:
    answer = isthmus()
    assert answer.code == 2
    assert "Usage: isthmus" in answer.out
    assert answer.err == ""


def test_training_prints_scores_on_stdout_and_progress_on_stderr(first: tuple[Path, Answer]) -> None:
    folder, answer = first
    assert answer.code == 0
    assert "this model" in answer.out
    assert f"Report: {folder.resolve() / 'report.html'}\n" in answer.out
    assert "epoch 3/3" in answer.err
    assert "epoch 3/3" not in answer.out
    assert (folder / "report.html").is_file()


def test_output_that_is_no_terminal_has_no_colours(first: tuple[Path, Answer]) -> None:
    assert "\x1b" not in first[1].out + first[1].err
    assert "\x1b" not in isthmus("list").out


def test_a_finished_run_is_shown_again_and_not_trained_again(first: tuple[Path, Answer]) -> None:
    folder, answer = first
    before = {path: path.stat().st_mtime_ns for path in (folder / "checkpoints").rglob("*")}
    for words in ([folder], ["post/latent-10", *TINY, "-o", folder]):
        again = isthmus("train", *words)
        said = f"{folder}: is finished (ran all 3 epochs); nothing was trained again.\n"
        assert (again.code, again.out, again.err) == (0, answer.out, said)
    assert {path: path.stat().st_mtime_ns for path in (folder / "checkpoints").rglob("*")} == before


def test_a_finished_run_is_shown_even_where_its_images_are_gone(tmp_path: Path) -> None:
    images = tmp_path / "my images"
    images.mkdir()
    for index, pixels in enumerate(Scenes(train=24, test=1, size=16).load().train.images):
        Image.fromarray(pixels.transpose(1, 2, 0)).save(images / f"{index}.png")
    words = (tmp_path / "run", "data.kind=folder", f"data.path={images}", "data.size=16", "train.epochs=1", "-q")
    answer = train(*words)
    assert answer.code == 0, answer
    shutil.rmtree(images)
    assert train(*words) == answer


def test_quiet_leaves_stderr_empty(tmp_path: Path) -> None:
    answer = train(tmp_path / "run", "train.epochs=1", "-q")
    assert (answer.code, answer.err) == (0, "")


def test_data_says_which_split_its_numbers_are_of(tmp_path: Path) -> None:
    """A recipe may set another; only what is carved by it is named."""
    own_test = isthmus("data", "scenes", "train=40", "test=3").err
    assert "Split as by default (split.validation=0.1); a recipe may set another" in own_test
    for index, grey in enumerate(range(0, 200, 10)):
        Image.new("L", (8, 8), grey).save(tmp_path / f"{index}.png")
    assert "(split.validation=0.1 split.test=0.1)" in isthmus("data", "folder", f"path={tmp_path}", "size=8").err


def test_json_stands_alone_on_stdout(run: Path, study: tuple[Path, Answer]) -> None:
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert json.loads(train(run, "--json").out) == evaluation
    assert json.loads(isthmus("evaluate", run, "--json").out) == evaluation
    assert json.loads(study[1].out) == json.loads((study[0] / "findings.json").read_text())
    facts = json.loads(isthmus("data", "scenes", "train=50", "test=7", "--json").out)
    assert (facts["train"], facts["validation"], facts["test"]) == (45, 5, 7)


def test_evaluating_again_gives_the_same_scores(run: Path) -> None:
    before = (run / "evaluation.json").read_bytes()
    answer = isthmus("evaluate", run)
    assert answer.code == 0
    assert "this model" in answer.out
    assert (run / "evaluation.json").read_bytes() == before


@pytest.mark.parametrize("sort", ["recipes", *SORTS])
def test_list_names_every_part_with_its_options(sort: str) -> None:
    rows = json.loads(isthmus("list", sort, "--json").out)
    assert rows
    text = isthmus("list", sort).out
    for row in rows:
        assert f"  {row['name']}  {row['about']}" in text
        for option in row["options"]:
            assert re.search(rf"^ {{6}}{re.escape(option)} ", text, re.MULTILINE)


def test_list_without_a_sort_is_an_overview() -> None:
    everything = json.loads(isthmus("list", "--json").out)
    assert set(everything) == {"recipes", "options", *SORTS}
    text = isthmus("list").out
    assert all(row["name"] in text for rows in everything.values() for row in rows)


def test_data_draws_a_sheet_of_what_it_holds(tmp_path: Path) -> None:
    sheet = tmp_path / "new folder" / "sheet.png"
    answer = isthmus("data", "scenes", "train=40", "test=3", "--sheet", sheet)
    assert answer.code == 0
    assert re.search(r"^train +36$", answer.out, re.MULTILINE)
    with Image.open(sheet) as picture:
        assert picture.width == picture.height >= 6 * 32


def test_offline_needs_no_network_for_what_is_here() -> None:
    assert isthmus("data", "scenes", "train=20", "test=3", "--offline").code == 0


def test_report_is_written_anew(run: Path, study: tuple[Path, Answer]) -> None:
    for folder in (run, study[0]):
        (folder / "report.html").unlink()
        assert isthmus("report", folder) == Answer(0, f"{(folder / 'report.html').resolve()}\n", "")
        assert (folder / "report.html").is_file()


def test_one_image_is_reconstructed_to_one_file(run: Path, tmp_path: Path) -> None:
    Image.new("RGB", (50, 32), "teal").save(tmp_path / "photo.jpg")
    target = tmp_path / "a b" / "out.png"
    done = "Cropped: 1 of 1 image to their middle, losing 36 % of their area.\n"
    assert isthmus("reconstruct", run, tmp_path / "photo.jpg", "-o", target) == Answer(0, f"{target}\n", done)
    with Image.open(target) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (32, 32))


def test_several_images_are_reconstructed_to_a_folder(run: Path, tmp_path: Path) -> None:
    photos = [tmp_path / f"{name}.png" for name in ("one", "zwei", "三")]
    for value, photo in enumerate(photos):
        Image.new("L", (32, 32), 80 * value).save(photo)
    targets = [tmp_path / "out" / photo.name for photo in photos]
    answer = isthmus("reconstruct", run, *photos, "-o", tmp_path / "out")
    done = "Converted to RGB: 3 of 3 images (3 from grey).\n"
    assert answer == Answer(0, "".join(f"{target}\n" for target in targets), done)
    alone = isthmus("reconstruct", run, photos[1], "-o", tmp_path / "alone.png")
    assert alone.code == 0
    with Image.open(tmp_path / "alone.png") as one, Image.open(targets[1]) as same:
        assert np.array_equal(np.asarray(one), np.asarray(same))


def test_an_existing_folder_may_take_a_single_image(run: Path, tmp_path: Path) -> None:
    Image.new("RGB", (32, 32)).save(tmp_path / "photo.png")
    (tmp_path / "out").mkdir()
    assert isthmus("reconstruct", run, tmp_path / "photo.png", "-o", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "photo.png").is_file()


def test_a_study_run_again_trains_nothing_again(study: tuple[Path, Answer], tmp_path: Path) -> None:
    folder, answer = study
    assert answer.code == 0, answer
    weights = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
    assert len(weights) >= 4
    again = isthmus("study", folder)
    assert again.code == 0
    assert "wide" in again.out
    assert f"Report: {(folder / 'report.html').resolve()}\n" in again.out
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")} == weights


def test_finished_runs_of_other_seeds_are_mentioned(study: tuple[Path, Answer], tmp_path: Path) -> None:
    folder = shutil.copytree(study[0], tmp_path / "out")
    assert "(seeds=3)" in isthmus("study", folder).out
    assert isthmus("study", folder, "seeds=[0,3]").code == 0
    answer = isthmus("study", folder, "seeds=[0]")
    assert "with two or more (seeds=[0,3], whose runs the folder holds) it does" in answer.out
    assert answer.out.count("± is half of the 95 % interval.") == 1


def wait_for(path: Path) -> None:
    begun = time.monotonic()
    while not path.exists():
        assert time.monotonic() - begun < 60, f"{path} never came"
        time.sleep(0.01)


def test_an_unfinished_run_goes_on_only_when_asked(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start("train", "post/latent-10", *tiny("train.epochs=30"), "-o", folder)
    wait_for(folder / "checkpoints" / "last" / "state.json")
    process.send_signal(signal.SIGINT)
    stopped = finish(process)
    assert stopped.code == 130
    assert stopped.out == ""
    assert stopped.err.splitlines()[-1].startswith("isthmus: interrupted")
    assert "Traceback" not in stopped.err
    saved = json.loads((folder / "checkpoints" / "last" / "state.json").read_text())["progress"]
    assert 0 < saved["epoch"] < 30, "too fast or too slow to be interrupted"
    assert_refused(train(folder, "train.epochs=30"), str(folder), "--resume")
    assert_refused(isthmus("train", folder), str(folder), "--resume")
    resumed = isthmus("train", folder, "--resume")
    assert resumed.code == 0
    assert f"resumed at step {saved['step']:,}" in resumed.err
    assert json.loads((folder / "training.json").read_text())["epochs"] == 30


def test_an_interruption_before_training_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scenes, "pictures", lambda _: signal.raise_signal(signal.SIGINT))
    assert_refused(train(tmp_path / "run"), "interrupted", code=130)
    assert not (tmp_path / "run").exists()


def test_a_reader_who_leaves_is_no_error() -> None:
    """As `isthmus ... | head -1` does."""
    process = start("list", "datasets")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    answer = finish(process)
    assert (answer.code, answer.err) == (1, "")


def test_a_narrow_encoding_still_gets_an_answer(study: tuple[Path, Answer]) -> None:
    answer = finish(start("study", study[0], PYTHONIOENCODING="ascii", PYTHONUTF8="0"))
    assert answer.code == 0, answer
    assert "wide" in answer.out


def test_a_closed_stdout_is_no_error() -> None:
    command = f"{sys.executable} -m isthmus list recipes >&-"
    answer = subprocess.run(["sh", "-c", command], capture_output=True, env=environment(), check=False)
    assert (answer.returncode, answer.stderr) == (0, b"")


@pytest.mark.parametrize("module", ["typer", "torch"])
def test_ctrl_c_before_anything_has_begun_is_one_line(module: str, tmp_path: Path) -> None:
    """Loading takes seconds, before the words are read (typer) and after (torch)."""
    program = (
        "import signal, sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == {module!r}:\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Stop())\n"
        "from isthmus.__main__ import main\n"
        "main()\n"
    )
    words = ("train", "post/latent-10", "-o", str(tmp_path / "run"))
    answer = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, env=environment())
    assert (answer.returncode, answer.stdout) == (130, "")
    assert answer.stderr.startswith("isthmus: interrupted")
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert not (tmp_path / "run").exists()


def test_a_second_ctrl_c_is_not_told_that_nothing_had_begun(tmp_path: Path) -> None:
    """It comes while the first is answered."""
    program = (
        "import signal, sys\n"
        "from isthmus.cli import exit_codes\n"
        "def interrupted(): raise KeyboardInterrupt\n"
        "exit_codes._again = lambda: signal.raise_signal(signal.SIGINT)\n"
        "import isthmus.cli\n"
        "isthmus.cli._run = interrupted\n"
        "from isthmus.__main__ import main\n"
        "main()\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment())
    assert (answer.returncode, answer.stdout, answer.stderr) == (130, "", "isthmus: interrupted\n")
