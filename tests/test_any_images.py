"""Grey, deep, transparent, many-banded and oblong images go all the way: trained, scored, exported, explored, used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.any_images import SETS, SHAPES, made
from tests.command import isthmus, train

import isthmus as ist
from isthmus.run_files.environment import Environment
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.export import ExportRecord
from isthmus.run_files.read import read_record


def usually(*names: str) -> list[object]:
    """All sets, for tests that take seconds each: by default only those of these names."""
    return [pytest.param(name, marks=() if name in names else pytest.mark.slow) for name in SETS]


@pytest.fixture(scope="module", params=usually("deep", "bands", "oblong"))
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, cache_of_module: None
) -> tuple[str, Path, list[str]]:
    """The set's name, a run on it, and what the training said."""
    home = tmp_path_factory.mktemp(request.param)
    # strides that divide none of the sides but those of the icons
    words = [
        "model.linear=pca",
        "architecture.filters=[4,5,6,6]",
        "architecture.strides=[2,2,2,2]",
        "bottleneck.dim=6",
        "train.epochs=6",
    ]
    answer = train(home / "run", *made(request.param, home / "images"), *words)
    assert answer.code == 0, answer.err
    return request.param, home / "run", answer.err.splitlines()


def test_images_are_trained_on_as_they_are(trained: tuple[str, Path, list[str]]) -> None:
    name, run, _ = trained
    data = read_record(run / "environment.json", Environment).data
    assert data.image_shape == SHAPES[name]
    assert data.depth == (16 if name == "deep" else 8)
    assert data.range == ((900, 3100) if name == "deep" else None)


def test_a_network_that_starts_at_pca_ends_no_worse(trained: tuple[str, Path, list[str]]) -> None:
    _, run, _ = trained
    scores = read_record(run / "evaluation.json", EvaluationRecord).scores
    assert scores["model"].mse.mean <= 1.02 * scores["pca"].mse.mean < scores["mean_image"].mse.mean


TOLD = {
    "idx": "Kept grey: 100 of 100 images",
    "deep": "900 becomes black and 3,100 white",
    "icons": "Alpha channel kept: 80 of 80 images",
    "oblong": "from 60x40 to 38x25",
}


def test_the_user_is_told_of_what_was_decided(trained: tuple[str, Path, list[str]]) -> None:
    name, _, said = trained
    assert all(any(sentence in line for line in said) == (name == of) for of, sentence in TOLD.items()), said


@pytest.mark.parametrize("trained", usually("deep"), indirect=True)
def test_it_is_exported_and_the_graphs_agree(trained: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    name, run, _ = trained
    assert isthmus("export", run, "-o", tmp_path / "onnx").code == 0
    about = read_record(tmp_path / "onnx" / "export.json", ExportRecord)
    taken = about.graphs[0].input
    assert taken is not None and taken.shape == (None, *SHAPES[name])
    assert ("0..65535, where black is 900" in taken.range) == (name == "deep")
    assert all(graph.largest_difference_from_pytorch < 1e-3 for graph in about.graphs)


def test_the_model_takes_a_user_s_images_in_their_own_form(trained: tuple[str, Path, list[str]]) -> None:
    name, run, _ = trained
    channels, height, width = SHAPES[name]
    model = ist.load(run)
    dtype = np.uint16 if name == "deep" else np.uint8
    images = np.random.default_rng(0).integers(0, 200, (3, height, width, channels)).astype(dtype)
    z = model.encode(images)
    assert z.shape == (3, 6)
    assert np.array_equal(model.encode(images.transpose(0, 3, 1, 2)), z), "channels last or first"
    assert model.decode(z).shape == (3, height, width, channels)
    assert model.decode(z).dtype == dtype


@pytest.mark.parametrize("trained", usually("bands"), indirect=True)
def test_report_and_explorer_say_what_they_show(trained: tuple[str, Path, list[str]]) -> None:
    name, run, _ = trained
    answer = isthmus("explore", run)
    assert answer.code == 0, answer.err
    for page in ("report.html", "explorer.html"):
        text = (run / page).read_text(encoding="utf-8")
        assert ("channels 7, 3, 2" in text.lower() or "7, 3 and 2" in text) == (name == "bands"), page


def test_the_samples_have_the_images_shape(trained: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    name, run, _ = trained
    assert isthmus("sample", run, "-n", "1", "-o", tmp_path / "sample.png").code == 0
    _, height, width = SHAPES[name]
    with Image.open(tmp_path / "sample.png") as picture:
        assert picture.mode == ("L" if name in ("idx", "deep") else "RGB")
        assert picture.width % width == 0 and picture.height * width == picture.width * height
