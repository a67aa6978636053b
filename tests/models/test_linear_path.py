"""The linear path: PCA at the start, whatever the images are like."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.command import train

from isthmus.evaluation.baselines import pca
from isthmus.models.linear_path import LinearPath
from isthmus.models.padding import grid, padded

SHAPE = (3, 8, 8)


def pictures(count: int, rank: int | None = None) -> np.ndarray:
    """(count, 3, 8, 8) uint8; with `rank`, copies of that many pictures, which vary in rank - 1 directions."""
    found = np.random.default_rng(0).integers(0, 256, (rank or count, *SHAPE), dtype=np.uint8)
    return found[np.arange(count) % len(found)]


def unit(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).float() / 127.5 - 1


def started(images: np.ndarray, size: int, *, square: int = 0) -> tuple[LinearPath, pca.PrincipalComponents]:
    components = pca.fit(images, size)
    path = LinearPath(SHAPE, size, square=square)
    path.start_at(components)
    return path, components


@pytest.mark.parametrize("size", [1, 10, 100])
def test_it_starts_at_pca(size: int) -> None:
    images = pictures(150)
    path, components = started(images, size)
    with torch.no_grad():
        x_hat = path.decode(path.encode(unit(images)))
    expected = components.reconstruct(images, size)
    found = ((x_hat + 1) * 127.5).clamp(0, 255).round().numpy()
    assert np.abs(found - expected).max() <= 1


def test_every_latent_has_unit_variance_and_no_mean() -> None:
    images = pictures(150)
    path, _ = started(images, 20)
    with torch.no_grad():
        z = path.encode(unit(images))
    torch.testing.assert_close(z.std(0), torch.ones(20), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(z.mean(0), torch.zeros(20), rtol=0, atol=1e-3)


def test_latents_beyond_what_the_images_vary_in_stay_silent() -> None:
    """Five pictures vary in four directions: the path reproduces them, and the other latents are zero."""
    images = pictures(50, rank=5)
    path, _ = started(images, 12)
    with torch.no_grad():
        z = path.encode(unit(images))
        x_hat = path.decode(z)
    assert z[:, 4:].abs().max() == 0
    torch.testing.assert_close(x_hat, unit(images), rtol=0, atol=1e-3)


@pytest.mark.parametrize(("rate", "said"), [("1e-30", True), ("3e-3", False)])
def test_a_run_that_training_never_improved_says_so(tmp_path: Path, rate: str, said: bool) -> None:
    size = ("data.train=800", "bottleneck.dim=8", "train.warmup_steps=0")
    assert train(tmp_path / "run", "model.linear=pca", f"train.learning_rate={rate}", *size).code == 0
    summary = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert (summary["checkpoint"]["epoch"] == 0) == said
    assert any("never improved on its start at PCA" in flag for flag in summary["flags"]) == said


def test_positions_that_stand_for_no_square_begin_as_they_were() -> None:
    path, _ = started(pictures(50), 12)
    layer = torch.nn.Linear(12, 48 * 4)
    drawn = layer.weight.clone()
    path.show_in(layer, (48, 2, 2))
    assert torch.equal(layer.weight, drawn)


@pytest.mark.parametrize(("sides", "square"), [((10, 13), 4), ((3, 17), 8), ((9, 5), 3)])
def test_features_begin_with_the_paths_image_where_their_squares_reach_over_its_border(
    sides: tuple[int, int], square: int
) -> None:
    """Then they hold the image as architectures pad it."""
    torch.manual_seed(0)
    path = LinearPath((2, *sides), 7, square=square)
    height, width = grid(sides, square)
    channels = 2 * square**2 + 1
    layer = torch.nn.Linear(7, channels * height * width)
    path.show_in(layer, (channels, height, width))
    z = torch.randn(5, 7)
    with torch.no_grad():
        found = layer(z).unflatten(1, (height, width, channels)).permute(0, 3, 1, 2)[:, : 2 * square**2]
        image = padded(path.decode(z), square)
    torch.testing.assert_close(found, torch.nn.functional.pixel_unshuffle(image, square))


@pytest.mark.parametrize(("features", "fine"), [((48, 2, 2), 4), ((14, 2, 2), 2), ((3, 4, 4), 1), ((2, 2, 2), None)])
def test_features_begin_with_the_paths_image_folded_as_finely_as_their_channels_allow(
    features: tuple[int, int, int], fine: int | None
) -> None:
    path, _ = started(pictures(50), 12, square=SHAPE[1] // features[1])
    layer = torch.nn.Linear(12, int(np.prod(features)))
    drawn = layer.weight.clone()
    path.show_in(layer, features)
    if fine is None:  # no room for three colours
        assert torch.equal(layer.weight, drawn)
        return
    channels, height, _ = features
    z = torch.randn(5, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = layer(z).unflatten(1, (height, height, channels)).permute(0, 3, 1, 2)[:, : 3 * fine**2]
        coarse = torch.nn.functional.avg_pool2d(path.decode(z), SHAPE[1] // (height * fine))
    torch.testing.assert_close(found, torch.nn.functional.pixel_unshuffle(coarse, fine))
    rest = layer.weight.view(height, height, channels, 12)[:, :, 3 * fine**2 :]
    assert torch.equal(rest, drawn.view(height, height, channels, 12)[:, :, 3 * fine**2 :])
