"""Calibrate and score, on the command line and from Python, as a user meets them."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tests.command import assert_refused, isthmus
from tests.inference.anomaly.scored_runs import digits, home_with_run, save

import isthmus as ist
from isthmus.core.errors import InputError
from isthmus.run_files.calibration import NAME, read_calibration
from isthmus.run_files.read import read_json


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, cache_of_module: None) -> Path:
    home = home_with_run(tmp_path_factory.mktemp("anomalies"))
    answer = isthmus("calibrate", home / "run", home / "calib", "-q")
    assert answer.code == 0, answer
    return home


@pytest.fixture
def run(home: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the calibrated run, to change."""
    shutil.copytree(home / "run", tmp_path / "run")
    yield tmp_path / "run"


def test_a_calibration_says_its_measure_why_and_what_it_allows(home: Path) -> None:
    answer = isthmus("calibrate", home / "run", home / "calib", "-q", "--json")
    told = json.loads(answer.out)
    assert told["pictures"] == 120 and told["measure"] in ("mse", "local", "relative", "latent")
    assert told["allows"] == "With 120 calibration pictures, the lowest rate that can be promised is 0.826 %."
    assert set(told["separations"]) == {"mse", "local", "relative", "latent"}, "8 pixels are too few for SSIM"
    assert told["weights"].startswith("sha256:")
    words = isthmus("calibrate", home / "run", home / "calib", "-q").out
    assert "chosen without labels. AUROC on made-up anomalies of 26 validation images: mse" in " ".join(words.split())


def test_the_table_has_four_columns_in_the_sources_order(home: Path, tmp_path: Path) -> None:
    answer = isthmus("score", home / "run", home / "test", "-o", tmp_path / "s.parquet", "--false-alarms", 0.05, "-q")
    assert answer.code == 0, answer
    table = pq.read_table(tmp_path / "s.parquet")
    assert table.column_names == ["path", "error", "p_value", "flag"]
    paths = table["path"].to_pylist()
    assert paths == sorted(paths) and len(paths) == 200
    assert all(Path(path).is_file() for path in paths)
    told = json.loads(table.schema.metadata[b"isthmus"])
    assert (told["false_alarms"], told["pictures"]) == (0.05, 120)
    error, p = np.array(table["error"]), np.array(table["p_value"])
    held = read_calibration(home / "run").errors
    assert p.tolist() == [(1 + int((held >= one).sum())) / 121 for one in error]
    assert np.array_equal(np.array(table["flag"]), p * 121 <= 6 + 1e-6)
    other = np.array(["good" not in path for path in paths])
    assert np.array(table["flag"])[other].mean() > 0.3 > 0.15 > np.array(table["flag"])[~other].mean()


def test_csv_and_parquet_hold_the_same(home: Path, tmp_path: Path) -> None:
    for name in ("s.parquet", "s.csv"):
        assert isthmus("score", home / "run", home / "test/one", "-o", tmp_path / name, "-q").code == 0
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    table = pq.read_table(tmp_path / "s.parquet").to_pylist()
    read = [
        {
            "path": row["path"],
            "error": float(row["error"]),
            "p_value": float(row["p_value"]),
            "flag": row["flag"] == "true",
        }
        for row in rows
    ]
    assert read == table


def test_python_gives_the_same_and_takes_arrays(home: Path, tmp_path: Path) -> None:
    isthmus("score", home / "run", home / "test/four", "-o", tmp_path / "s.parquet", "-q")
    table = pq.read_table(tmp_path / "s.parquet")
    labelled = ist.score(home / "run", (digits()["test/four"], np.full(40, 4)), show_progress=False)
    assert labelled.label == (4,) * 40
    scored = ist.score(home / "run", home / "test/four", show_progress=False)
    assert list(scored.path) == table["path"].to_pylist()
    assert scored.error.tolist() == table["error"].to_pylist()
    held = ist.score(home / "run", digits()["test/four"], show_progress=False)
    assert len(set(held.path)) == 40
    assert np.allclose(held.error, scored.error, rtol=1e-6)
    assert held.p_value.tolist() == scored.p_value.tolist()


def test_a_pictures_error_does_not_depend_on_those_beside_it(home: Path) -> None:
    images = digits()["test/one"]
    whole = ist.score(home / "run", images, show_progress=False)
    alone = ist.score(home / "run", images[7:8], show_progress=False)
    assert alone.error[0] == pytest.approx(whole.error[7], rel=1e-5)


def test_labels_give_figures_beside_methods_that_are_not_trained(home: Path, tmp_path: Path, run: Path) -> None:
    answer = isthmus("score", run, home / "test", "--normal", "good", "-o", tmp_path / "s.csv", "--json", "-q")
    assert answer.code == 0, answer
    found = json.loads(answer.out)["anomalies"]
    assert (found["normal_pictures"], found["anomalies"], found["left_out"]) == (120, 80, 0)
    assert set(found["methods"]) == {"model", "pca", "pixel_neighbours"}
    for method in found["methods"].values():
        for figure in method.values():
            assert 0 <= figure["low"] <= figure["mean"] <= figure["high"] <= 1
    assert found["methods"]["model"]["auroc"]["mean"] > 0.8
    assert set(found["over"]) == {"pca", "pixel_neighbours"}
    assert {name: kind["pictures"] for name, kind in found["kinds"].items()} == {"four": 40, "one": 40}
    assert read_json(run / "anomalies.json")["methods"] == found["methods"]
    words = " ".join(
        isthmus("score", run, home / "test", "--normal", "good", "-o", tmp_path / "s.csv", "-q").out.split()
    )
    assert "120 normal pictures (good) and 80 anomalies:" in words
    assert "the error of PCA with 6 components" in words and "the nearest of 208 training images" in words


def test_pictures_that_the_run_has_seen_are_left_out_of_figures(home: Path, tmp_path: Path, run: Path) -> None:
    shutil.copytree(home / "test", tmp_path / "mixed")
    for number in range(3):
        shutil.copy(home / f"train/{number:03}.png", tmp_path / f"mixed/good/train-{number}.png")
        shutil.copy(home / f"calib/{number:03}.png", tmp_path / f"mixed/good/calib-{number}.png")
    answer = isthmus("score", run, tmp_path / "mixed", "--normal", "good", "-o", tmp_path / "s.csv", "--json", "-q")
    seen = json.loads(answer.out)["anomalies"]["left_out"]
    assert 3 <= seen <= 6, "those of train/ that were drawn as the run's test images are new to it"
    assert "have been seen before" in answer.err and "3 of these are calibration pictures of this run" in answer.err


def test_the_doctor_hears_of_anomalies_that_are_reconstructed_as_well(home: Path, tmp_path: Path, run: Path) -> None:
    """Two halves of normal digits: one of them called anomalies. What was found stays when it is evaluated again."""
    normal = digits()["test/good"]
    save(normal[::2], tmp_path / "same/good")
    save(normal[1::2], tmp_path / "same/bad")
    answer = isthmus("score", run, tmp_path / "same", "--normal", "good", "-o", tmp_path / "s.csv", "-q")
    assert "It reconstructs anomalies" in answer.out and answer.code == 0
    assert [one.rule for one in ist.doctor(run)].count("reconstructs_anomalies") == 1
    assert "It reconstructs anomalies" in (run / "report.html").read_text()
    assert isthmus("evaluate", run).code == 0
    assert [one.rule for one in ist.doctor(run)].count("reconstructs_anomalies") == 1
    isthmus("score", run, home / "test", "--normal", "good", "-o", tmp_path / "s.csv", "-q")
    assert not [one for one in ist.doctor(run) if one.rule == "reconstructs_anomalies"]


def test_a_sheet_shows_the_highest_errors(home: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    answer = isthmus("score", home / "run", home / "test", "-o", tmp_path / "s.csv", "--sheet", sheet, "-q")
    assert answer.code == 0 and str(sheet) in answer.out
    with Image.open(sheet) as picture:
        assert picture.mode == "RGB" and picture.width > 300
        assert np.asarray(picture).std() > 20
    assert isthmus("score", home / "run", home / "test", "-o", tmp_path / "s.csv", "--sheet", sheet, "-q").code == 0
    (tmp_path / "own.png").write_bytes(b"mine")
    refused = isthmus("score", home / "run", home / "test", "-o", tmp_path / "s.csv", "--sheet", tmp_path / "own.png")
    assert_refused(refused, "was not made by isthmus")


def test_without_a_source_the_runs_own_test_images_calibrate_it(run: Path) -> None:
    answer = isthmus("calibrate", run, "--measure", "mse", "-q")
    assert answer.code == 0 and "26 normal pictures from the run's own test images" in answer.out
    assert "The usual 1 % needs 99." in answer.out


@pytest.mark.parametrize("folder", ["train", "mixed"])
def test_pictures_that_were_trained_on_are_refused_as_calibration(home: Path, tmp_path: Path, folder: str) -> None:
    shutil.copytree(home / "calib", tmp_path / "mixed")
    shutil.copytree(home / "train", tmp_path / "train")
    for number in range(30):
        shutil.copy(home / f"train/{number:03}.png", tmp_path / f"mixed/t{number}.png")
    before = (home / "run" / NAME).read_bytes()
    answer = isthmus("calibrate", home / "run", tmp_path / folder, "-q")
    assert_refused(answer, "were trained on", "choose the weights", "that the training never saw")
    assert (home / "run" / NAME).read_bytes() == before


def test_a_mirrored_picture_is_known_where_training_mirrored(tmp_path: Path, cache_of_module: None) -> None:
    home = home_with_run(tmp_path, "train.mirror=true", "train.epochs=1")
    save(digits()["train"][:, :, ::-1], tmp_path / "turned")
    assert_refused(isthmus("calibrate", home / "run", tmp_path / "turned", "-q"), "were trained on")


def test_copies_count_once(home: Path, run: Path) -> None:
    answer = isthmus("calibrate", run, home / "calib", f"{home}/calib/00*.png", "-q")
    assert answer.code == 0 and "120 normal pictures" in answer.out
    assert "10 pictures are copies, pixel for pixel, of another and not counted" in answer.err


def test_a_run_that_is_not_calibrated_says_how(home: Path, run: Path, tmp_path: Path) -> None:
    (run / NAME).unlink()
    answer = isthmus("score", run, home / "test", "-o", tmp_path / "s.csv", "-q")
    assert_refused(answer, "not calibrated yet", f"`isthmus calibrate {run} SOURCE`")
    assert not (tmp_path / "s.csv").exists()


def test_too_few_pictures_for_the_level_are_refused(home: Path, run: Path, tmp_path: Path) -> None:
    answer = isthmus("score", run, home / "test", "-o", tmp_path / "s.csv", "--false-alarms", 0.005, "-q")
    assert_refused(answer, "0.005 needs 199 calibration pictures", "on 120", "ask for 0.0083")
    assert isthmus("score", run, home / "test/one", "-o", tmp_path / "s.csv", "--false-alarms", 0.0083, "-q").code == 0


def test_other_weights_refuse_the_calibration(home: Path, run: Path, tmp_path: Path) -> None:
    shutil.rmtree(run / "checkpoints")
    other = home_with_run(tmp_path / "other", "seed=1", "train.epochs=1")
    shutil.copytree(other / "run/checkpoints", run / "checkpoints")
    answer = isthmus("score", run, home / "test", "-o", tmp_path / "s.csv", "-q")
    assert_refused(answer, "is of other weights than the run has now", "calibrate again")


def test_training_images_that_are_gone_are_said_to_be_needed(tmp_path: Path, home: Path, cache_of_module: None) -> None:
    own = home_with_run(tmp_path, "train.epochs=1")
    shutil.rmtree(own / "train")
    answer = isthmus("calibrate", own / "run", home / "calib", "-q")
    assert_refused(answer, "training images are needed")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--false-alarms", "1.5"), "is no rate"),
        (("--normal", "fine"), "no picture is labelled 'fine'; their labels are four, good, one: name one of them"),
        (("-o", "scores.txt"), "ends in .parquet or .csv"),
        (("--sheet", "sheet.jpg"), "ends in .png"),
    ],
)
def test_wrong_words_are_one_sentence(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(isthmus("score", home / "run", home / "test", *words, "-q"), said)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("ssim", "smaller than the window of 11 pixels; choose one of mse, local, relative, latent"),
        ("elbo", "not variational"),
        ("msee", "is unknown"),
    ],
)
def test_a_measure_that_is_not_defined_is_refused(home: Path, measure: str, said: str) -> None:
    assert_refused(isthmus("calibrate", home / "run", home / "calib", "--measure", measure, "-q"), said)


def test_a_users_file_is_not_replaced(home: Path, tmp_path: Path) -> None:
    pq.write_table(
        pq.read_table(_scores(home, tmp_path)).select(["path"]).replace_schema_metadata({}), tmp_path / "m.parquet"
    )
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n")
    for name in ("m.parquet", "mine.csv"):
        before = (tmp_path / name).read_bytes()
        assert_refused(isthmus("score", home / "run", home / "test", "-o", tmp_path / name, "-q"), "was not made by")
        assert (tmp_path / name).read_bytes() == before
    again = _scores(home, tmp_path)
    assert again.is_file()


def _scores(home: Path, folder: Path) -> Path:
    path = folder / "scores.parquet"
    assert isthmus("score", home / "run", home / "test/one", "-o", path, "-q").code == 0
    return path


def test_a_broken_picture_is_named_and_left_out_on_request(home: Path, tmp_path: Path) -> None:
    save(digits()["test/one"][:5], tmp_path / "some")
    (tmp_path / "some/002.png").write_bytes(b"no picture")
    words = ("score", home / "run", tmp_path / "some", "-o", tmp_path / "s.csv", "-q")
    assert_refused(isthmus(*words), "002.png", "--skip-broken")
    answer = isthmus(*words, "--skip-broken")
    assert answer.code == 0 and "002.png" in answer.err
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 5


@pytest.mark.parametrize("harm", ["cut", "turned", "empty"])
def test_a_damaged_calibration_is_one_sentence(home: Path, run: Path, tmp_path: Path, harm: str) -> None:
    held = (run / NAME).read_bytes()
    turned = held[:-20] + bytes([held[-20] ^ 1]) + held[-19:]
    (run / NAME).write_bytes({"cut": held[:-9], "turned": turned, "empty": b""}[harm])
    answer = isthmus("score", run, home / "test", "-o", tmp_path / "s.csv", "-q")
    assert_refused(answer, NAME, "cannot be read", "`isthmus calibrate", code=1)


def test_stdout_gets_the_table_alone(home: Path) -> None:
    """As CSV; the words go to stderr."""
    from tests.command import finish, start

    answer = finish(start("score", home / "run", home / "test/one", "-o", "/dev/stdout", "-q"))
    assert answer.code == 0 and answer.out.startswith("path,error,p_value,flag\n")
    assert len(answer.out.splitlines()) == 41 and "The promise:" in answer.err


@pytest.mark.parametrize("as_list", [True, False])
def test_in_python_a_label_may_be_a_name(home: Path, as_list: bool) -> None:
    """Of labels that are names; a picture without one is none of them."""
    images = np.concatenate([digits()["test/one"], digits()["test/four"]])
    names = [*["normal"] * 39, None, *["broken"] * 40]
    labels = names if as_list else np.array([name or "" for name in names])
    with pytest.warns(UserWarning, match="leave out 1 picture without a label"):
        scored = ist.score(home / "run", (images, labels), normal="normal", show_progress=False)
    assert list(scored.label) == names
    assert scored.judged is not None and scored.judged.record.normal == "normal"
    table = ist.encode(home / "run", (images, labels), show_progress=False)
    assert list(table.labels) == names
    with pytest.raises(InputError, match=r"their labels are broken, normal: name one of them with `normal`$"):
        ist.score(home / "run", (images, labels), normal="norml", show_progress=False)


def test_in_python_a_label_may_be_a_number_and_notices_name_its_arguments(home: Path) -> None:
    images = (np.concatenate([digits()["test/one"], digits()["test/four"]]), np.repeat([1, 4], 40))
    with pytest.warns(UserWarning, match=r"Name the normal ones with `normal`\.$"):
        ist.score(home / "run", images, show_progress=False)
    with pytest.raises(InputError, match=r"no picture is labelled '7'; .* name one of them with `normal`$"):
        ist.score(home / "run", images, normal=7, show_progress=False)
