"""Runs and studies that an earlier version made go on to name the same images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from tests.study_toml import ONE, study_toml

from command import isthmus
from isthmus import load
from isthmus.runs.run_folder import read_recipe

NEWER = ("splits", "range", "alpha", "least_steps", "fit", "channels", "depth")
STUDY = study_toml(ONE)


def three_folders(place: Path) -> Path:
    rng = np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 6), ("val", 6)):
        for index in range(count):
            (place / split).mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(place / split / f"{index}.png")
    return place


def as_older(file: Path) -> None:
    """Without the lines of options that came later."""
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if line.partition(" =")[0] not in NEWER))


def test_older_run_and_study_are_judged_on_the_images_they_were_trained_on(tmp_path: Path) -> None:
    images = three_folders(tmp_path / "images")
    net = ("architecture.filters=[4]", "architecture.strides=[2]", "bottleneck.dim=3", "train.epochs=1")
    then = ("data.splits=train-test", "data.channels=3", "data.depth=8", "data.range=full")  # as earlier versions read
    words = ("data.kind=folder", f"data.path={images}", "data.size=8", *then, "model.linear=none")
    study = tmp_path / "mine.toml"
    study.write_text(STUDY)
    answer = isthmus("study", study, *words, *net, "seeds=2", "-o", tmp_path / "study")
    assert answer.code == 0, answer.err
    said = answer.err.splitlines()
    assert sum("Used as splits: train to train on (20 images), test" in line for line in said) == 1, "once a study"
    run = tmp_path / "study/one/seed-0"
    as_older(run / "recipe.toml")
    as_older(tmp_path / "study/study.toml")
    assert read_recipe(run).data.options["splits"] == "train-test"
    answer = isthmus("evaluate", run)
    assert answer.code == 0, answer.err
    answer = isthmus("study", tmp_path / "study")
    assert answer.code == 0, answer.err


def test_reconstruct_reads_pictures_as_those_that_were_trained_on(tmp_path: Path) -> None:
    """A 12-bit picture is stretched by the run's own data.range, and is not black."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for index in range(20):
        values = rng.integers(0, 2000, (8, 8), dtype=np.uint16)
        Image.fromarray(values).save(tmp_path / f"images/{index}.png")
    net = ("architecture.filters=[4]", "architecture.strides=[2]", "bottleneck.dim=10", "train.epochs=1")
    words = ("data.kind=folder", f"data.path={tmp_path / 'images'}", "data.size=8", "data.range=[0,2000]", "-q")
    assert isthmus("train", "post/latent-10", *words, *net, "-o", tmp_path / "run").code == 0
    assert isthmus("reconstruct", tmp_path / "run", tmp_path / "images/0.png", "-o", tmp_path / "out.png").code == 0
    made = np.asarray(Image.open(tmp_path / "out.png"))
    assert made.mean() > 60
    again = load(tmp_path / "run").reconstruct(str(tmp_path / "images/0.png"))
    shown = np.rint(again[0, :, :, 0] / 257)  # a PNG has 8 bits
    assert np.array_equal(shown, made), "Python reads the file as the command line does"
