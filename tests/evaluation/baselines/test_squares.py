"""PCA of squares, and the choice of a yardstick."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.command import isthmus

from isthmus.core.errors import InputError
from isthmus.evaluation.baselines import pca
from isthmus.evaluation.baselines.squares import Squares, fit_squares
from isthmus.evaluation.baselines.yardstick import yardstick_of
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.square_path import SquarePath
from isthmus.recipes.recipe import Recipe, resolve

MAP = {
    "architecture": {"kind": "residual", "patch": 4, "width": 8, "depth": 1, "channels": 8},
    "bottleneck": {"kind": "map", "channels": 5},
}


def pictures(sides: tuple[int, int], dtype: type[np.generic] = np.uint8) -> np.ndarray:
    """(60, 3, *sides): smooth, so that few directions explain much."""
    rng, (height, width) = np.random.default_rng(0), sides
    coarse = rng.integers(0, np.iinfo(dtype).max, (60, 3, height // 3 + 2, width // 3 + 2)).astype(np.float32)
    large = torch.nn.functional.interpolate(torch.from_numpy(coarse), size=sides, mode="bilinear")
    return large.round().numpy().astype(dtype)


def recipe(linear: str, **parts: Any) -> Recipe:
    data = {"kind": "scenes"}
    return resolve({"name": "m", "data": data, **MAP, **parts, "model": {"linear": linear}})


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("sides", [(8, 12), (10, 13)])
def test_squares_are_cut_row_by_row_and_put_together_again(sides: tuple[int, int], dtype: type[np.generic]) -> None:
    images = pictures(sides, dtype)
    squares = Squares(images, 4)
    whole = squares[:]
    assert squares.shape == whole.shape
    rows = np.array([5, len(squares) - 1, 0, 5])
    assert np.array_equal(squares[rows], whole[rows])
    if sides == (8, 12):
        assert np.array_equal(whole[6 + 4], images[1, :, 4:, 4:8])
    every = fit_squares(images, 4, 48)
    made = every.decode(every.encode(images), images.shape[1:], images.dtype)
    assert made.dtype == dtype and np.abs(made.astype(int) - images.astype(int)).max() <= 1


def test_its_error_is_that_of_pca_of_the_squares_as_images() -> None:
    images = pictures((8, 12))
    ours = fit_squares(images, 4, 5)
    cut = Squares(images, 4)[:]
    expected = pca.fit(cut, 5).reconstruct(cut, 5).astype(float)
    error = np.square(expected - cut).mean() / 255**2
    (point,) = ours.curve(images, [ours.size])
    assert point.components == ours.size == 30
    assert point.mse == pytest.approx(error, rel=1e-6)
    sizes = ours.sizes()
    assert [each.components for each in ours.curve(images, sizes)] == sizes == [6, 12, 24, 30]


@pytest.mark.parametrize("sides", [(8, 12), (10, 13)])
@pytest.mark.parametrize("architecture", [MAP["architecture"], {"kind": "conv", "filters": [8, 8], "strides": [2, 2]}])
def test_a_model_starts_at_pca_of_squares(architecture: dict[str, Any], sides: tuple[int, int], tmp_path: Path) -> None:
    images = pictures(sides)
    model = Autoencoder(recipe("squares", architecture=architecture), (3, *sides))
    yardstick = yardstick_of(model, images, "key", tmp_path)
    assert isinstance(model.linear, SquarePath) and yardstick.square == 4 and yardstick.size == model.latent_size
    model.start_at(yardstick.components)
    expected = yardstick.decode(yardstick.encode(images), images.shape[1:], images.dtype)
    found = model.eval().reconstruct(images).transpose(0, 3, 1, 2)
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1
    z = model.encode(images)
    assert z.shape[1:] == model.latent_shape
    spread = z.transpose(1, 0, 2, 3).reshape(5, -1).std(1)
    np.testing.assert_allclose(spread, 1, atol=0.02)


@pytest.mark.parametrize(("rate", "said"), [("1e-30", "It is still"), ("1e-3", "beats")])
def test_a_run_says_that_its_yardstick_is_pca_of_squares(rate: str, said: str, tmp_path: Path) -> None:
    """Also where training never improved on this start: then the model is PCA of squares."""
    run = tmp_path / "run"
    words = ("architecture.width=16", "architecture.depth=1", "bottleneck.kind=map", "bottleneck.channels=3")
    how = ("model.linear=squares", "train.epochs=5", f"train.learning_rate={rate}", "train.warmup_steps=0")
    few = ("data.kind=scenes", "data.train=800", "data.test=20", "train.device=cpu", "train.batch=32")
    answer = isthmus("train", "residual", *few, *words, *how, "-o", run)
    assert answer.code == 0
    words = "PCA of 4x4 squares with 192 numbers"
    assert words in answer.out
    found = json.loads((run / "evaluation.json").read_text())
    assert found["scores"]["pca"]["square"] == 4 and found["scores"]["pca"]["components"] == found["latent_size"]
    assert found["checkpoint"]["epoch"] == 0 or said == "beats"
    sentences = " ".join([*(one["sentence"] for one in found["doctor"]), " ".join(answer.out.split())])
    assert f"{said} {words}" in sentences
    assert words in (run / "report.html").read_text()


def test_where_there_is_no_map_squares_are_refused() -> None:
    with pytest.raises(InputError, match=r"no numbers for each square.*linear=pca"):
        Autoencoder(recipe("squares", bottleneck={"kind": "vector", "dim": 4}), (3, 8, 12))


def test_a_map_too_large_for_directions_of_whole_images_is_held_against_squares(tmp_path: Path) -> None:
    """No directions of 1,024 numbers times 196,608 pixels are ever fitted."""
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 256, 256), dtype=np.uint8)
    large = {"architecture": {**MAP["architecture"], "patch": 8}, "bottleneck": {"kind": "map", "channels": 1}}
    with torch.device("meta"):
        assert yardstick_of(Autoencoder(recipe("none", **large), (3, 256, 256)), images, "key", tmp_path).square == 8
        small = Autoencoder(recipe("none"), (3, 8, 12))
    assert yardstick_of(small, pictures((8, 12)), "small", tmp_path).square == 0
