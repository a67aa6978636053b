"""PCA equals scikit-learn's by each of its three routes, and its cache never changes an answer."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from isthmus.core.errors import InputError
from isthmus.core.pixels import Rows
from isthmus.evaluation.baselines import pca, principal_directions
from isthmus.evaluation.measures.psnr import Psnr

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "cifar10-exact"


def _images(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Images whose directions have clearly different variances, in 8 bits."""
    rng = np.random.default_rng(seed)
    values = 3 * size * size
    mixing = np.random.default_rng(99).normal(size=(values, values)) * 0.93 ** np.arange(values)[:, None]
    pixels = 128 + 12 * rng.normal(size=(count, values)) @ mixing
    return pixels.clip(0, 255).round().astype(np.uint8).reshape(count, 3, size, size)


@pytest.mark.parametrize("route", ["by_covariance", "by_gram", "by_krylov"])
def test_every_route_equals_scikit_learn(route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images = _images(1500, 4) if route == "by_covariance" else _images(90, 10)
    if route == "by_krylov":
        monkeypatch.setattr(principal_directions, "LARGEST_EXACT", 10)
        monkeypatch.setattr(principal_directions, "_SAMPLED", 60)
    routes = []
    for name in ("by_covariance", "by_gram", "by_krylov"):
        function = getattr(principal_directions, name)
        monkeypatch.setattr(principal_directions, name, lambda *a, f=function, n=name: (routes.append(n), f(*a))[1])
    pcs = pca.fit(images, 12)
    assert routes[0] == route  # by_krylov starts with by_gram of some images

    rows = images.reshape(len(images), -1) / 255
    oracle = PCA(12, svd_solver="full").fit(rows)
    np.testing.assert_allclose(pcs.mean, oracle.mean_, atol=1e-6)
    np.testing.assert_allclose(pcs.variances, oracle.explained_variance_, rtol=1e-5)
    np.testing.assert_allclose(np.abs((pcs.directions * oracle.components_).sum(axis=1)), 1, atol=1e-5)
    np.testing.assert_allclose(np.abs(pcs.encode(images)), np.abs(oracle.transform(rows)), atol=1e-4)
    expected = oracle.inverse_transform(oracle.transform(rows))
    error = ((expected - rows) ** 2).mean(axis=1)
    np.testing.assert_allclose(pcs.unrounded_mse(images, 12), error, rtol=1e-4)
    eight_bit = (expected.clip(0, 1) * 255).round().reshape(images.shape)
    assert np.abs(pcs.reconstruct(images, 12) - eight_bit).max() <= 1  # one level where rounding ties
    assert (pcs.reconstruct(images, 12) == eight_bit).mean() > 0.999


@pytest.mark.parametrize("route", ["by_covariance", "by_gram", "by_krylov"])
def test_16_bits_and_other_channels_equal_scikit_learn(route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in blocks, in an order of their own."""
    monkeypatch.setattr(principal_directions, "_BLOCK_VALUES", 2000)
    if route == "by_krylov":
        monkeypatch.setattr(principal_directions, "LARGEST_EXACT", 10)
        monkeypatch.setattr(principal_directions, "_SAMPLED", 60)
    images = _images(800, 4) if route == "by_covariance" else _images(90, 10)
    images = 256 * images.astype(np.uint16).reshape(len(images), 1, 3 * images.shape[2], -1)
    images += np.random.default_rng(0).integers(0, 256, images.shape, dtype=np.uint16)
    pcs = pca.fit(Rows(images[::-1], np.arange(len(images))[::-1]), 12)
    rows = images.reshape(len(images), -1) / 65535
    oracle = PCA(12, svd_solver="full").fit(rows)
    np.testing.assert_allclose(pcs.mean, oracle.mean_, atol=1e-6)
    np.testing.assert_allclose(pcs.variances, oracle.explained_variance_, rtol=1e-5)
    np.testing.assert_allclose(np.abs((pcs.directions * oracle.components_).sum(axis=1)), 1, atol=1e-5)
    output = pcs.reconstruct(images, 12)
    expected = (oracle.inverse_transform(oracle.transform(rows)).clip(0, 1) * 65535).reshape(images.shape)
    assert output.dtype == np.uint16
    assert np.abs(output - expected).max() <= 2


def test_large_sets_are_within_a_thousandth_of_the_exact_error() -> None:
    """Whose variances fall as slowly as those of photographs, from an eighth of the images."""
    rng = np.random.default_rng(0)
    spread = 300 / np.arange(1, 401)
    values = rng.standard_normal((3000, 400)) * spread @ np.linalg.qr(rng.standard_normal((400, 400))).Q
    images = (128 + values).clip(0, 255).round().astype(np.uint8).reshape(-1, 1, 20, 20)
    rows, mean = images.reshape(len(images), -1) - 128.0, principal_directions.mean_of(images)

    def error(directions: np.ndarray) -> float:
        centred = rows + 128 - mean
        return float(np.square(centred - centred @ directions.T @ directions).sum())

    exact = error(principal_directions.by_covariance(images, 40)[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(principal_directions, "_SAMPLED", 3000 // 8)
        patch.setattr(principal_directions, "_EXTRA_DIRECTIONS", 4)
        spread, directions = principal_directions.by_krylov(images, mean, 40)
    assert exact <= error(directions) < 1.001 * exact
    np.testing.assert_allclose(spread[:40], principal_directions.by_covariance(images, 40)[0][:40], rtol=1e-2)


@pytest.mark.parametrize(
    ("shape", "latent", "fitted"),
    [
        ((8000, 3, 32, 32), 10, 512),
        ((8000, 3, 64, 64), 10, 512),
        ((1_000_000, 3, 64, 64), 64, 64),
        ((1_000_000, 3, 64, 64), 100, 100),
        ((100_000, 3, 128, 128), 10, 128),
        ((1000, 3, 256, 256), 10, 128),
    ],
)
def test_fewer_components_than_512_are_kept_where_they_are_expensive(
    shape: tuple[int, ...], latent: int, fitted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(pca, "fit_cached", lambda _images, components, *_: asked.append(components))
    pca.fit_for(latent, np.broadcast_to(np.uint8(0), shape), "key", tmp_path)
    assert asked == [fitted]


def test_images_that_are_all_equal_have_no_direction_by_any_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(principal_directions, "LARGEST_EXACT", 10)
    pcs = pca.fit(np.full((40, 3, 4, 4), 9, np.uint8), 5)
    assert pcs.complete and len(pcs.directions) == 0


def test_the_sums_of_a_block_are_exact_in_float32() -> None:
    """What the covariance's accuracy rests on: the largest products, and as many as a block holds."""
    rows = np.random.default_rng(0).choice([0, 1, 254, 255], (principal_directions.BLOCK, 8)).astype(np.uint8)
    rows[:, 0] = 0
    block, whole = rows.astype(np.float32) - 128, rows.astype(np.int64) - 128
    assert ((block.T @ block).astype(np.int64) == whole.T @ whole).all()


def test_directions_are_orthonormal_with_a_fixed_sign_and_the_same_each_time() -> None:
    images = _images(200, 5)
    pcs, again = pca.fit(images, 20), pca.fit(images, 20)
    np.testing.assert_allclose(pcs.directions @ pcs.directions.T, np.eye(20), atol=1e-6)
    largest = np.abs(pcs.directions).argmax(axis=1)
    assert (pcs.directions[np.arange(20), largest] > 0).all()
    assert (pcs.directions == again.directions).all() and (pcs.variances == again.variances).all()


@pytest.mark.parametrize("count", [2, 6])
def test_more_components_than_the_images_vary_in_give_them_back(count: int) -> None:
    """N images vary in N - 1 directions at most."""
    images = _images(count, 6)
    pcs = pca.fit(images, 50)
    assert pcs.complete and len(pcs.directions) == count - 1
    assert (pcs.reconstruct(images, 50) == images).all()


@pytest.mark.parametrize("images", [_images(1, 4), np.repeat(_images(1, 2), 40, axis=0)])
def test_images_that_do_not_vary_are_answered_by_their_mean(images: np.ndarray) -> None:
    pcs = pca.fit(images, 3)
    assert pcs.complete and pcs.encode(images).shape == (len(images), 0)
    assert (pcs.reconstruct(images, 3) == images).all()


def test_copies_do_not_add_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rank below N and D by every route: no direction is made of rounding error."""
    images = np.repeat(_images(7, 4), 12, axis=0)
    for limit in (6144, 10):
        monkeypatch.setattr(principal_directions, "LARGEST_EXACT", limit)
        pcs = pca.fit(images, 30)
        assert pcs.complete and len(pcs.directions) == 6


def test_asking_for_more_than_was_fitted_is_an_error() -> None:
    pcs = pca.fit(_images(50, 4), 5)
    assert not pcs.complete
    with pytest.raises(ValueError, match="6 components asked for, 5 were fitted"):
        pcs.reconstruct(_images(2, 4), 6)


def test_refuses_what_is_not_images() -> None:
    with pytest.raises(ValueError, match="uint8"):
        pca.fit(_images(5, 4).astype(np.float64), 2)
    with pytest.raises(ValueError, match=r"\(N, C, H, W\)"):
        pca.fit(_images(5, 4)[:0], 2)
    with pytest.raises(ValueError, match="at least 1"):
        pca.fit(_images(5, 4), 0)


def test_curve_equals_reconstructing_at_each_size() -> None:
    images, test = _images(300, 5), _images(1100, 5, seed=1)
    pcs = pca.fit(images, 40)
    rows = pca.curve(pcs, test, [40, 1, 7, 7])
    assert [row.components for row in rows] == [1, 7, 40]
    for row in rows:
        output = torch.from_numpy(pcs.reconstruct(test, row.components))
        error = ((output.double() - torch.from_numpy(test)) / 255).square().mean().item()
        assert row.mse == pytest.approx(error, rel=1e-4)
        assert row.psnr == pytest.approx(Psnr()(output, torch.from_numpy(test)).mean().item(), abs=1e-3)
        assert row.psnr_of_mean_mse == pytest.approx(-10 * np.log10(error), abs=1e-3)


def test_curve_goes_on_flat_past_the_rank() -> None:
    images = _images(5, 4)
    rows = pca.curve(pca.fit(images, 9), images, [4, 9])
    assert [row.components for row in rows] == [4, 9]
    assert rows[0].mse == rows[1].mse


def _count_fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    fits, fit = [], pca.fit
    monkeypatch.setattr(pca, "fit", lambda images, k: (fits.append(k), fit(images, k))[1])
    return fits


def test_cache_gives_back_what_was_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, fits = _images(60, 4), _count_fits(monkeypatch)
    first = pca.fit_cached(images, 8, "sha256:ab/cd", tmp_path / "cache")
    second = pca.fit_cached(images, 5, "sha256:ab/cd", tmp_path / "cache")
    assert fits == [8]
    assert (first.directions == second.directions).all() and first.complete == second.complete
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["pca-sha256-ab-cd.safetensors"]
    pca.fit_cached(images, 9, "sha256:ab/cd", tmp_path / "cache")
    assert fits == [8, 9]
    pca.fit_cached(_images(60, 5), 5, "sha256:ab/cd", tmp_path / "cache")
    assert fits == [8, 9, 5]


def test_cache_of_all_there_is_serves_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, fits = _images(6, 4), _count_fits(monkeypatch)
    for components in (40, 45):
        pca.fit_cached(images, components, "key", tmp_path)
    assert fits == [40]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_cache_is_fitted_again(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = _images(60, 4)
    sound = pca.fit_cached(images, 4, "key", tmp_path)
    path = tmp_path / "pca-key.safetensors"
    content = bytearray(path.read_bytes())
    content[-200] ^= 1
    damaged = {"cut": content[:-9], "flipped": content, "empty": b"", "other": b"not a safetensors file"}
    path.write_bytes(damaged[damage])
    with pytest.raises(InputError, match=r"pca-key.safetensors is damaged"):
        pca.PrincipalComponents.load(path)
    fits = _count_fits(monkeypatch)
    assert (pca.fit_cached(images, 4, "key", tmp_path).directions == sound.directions).all()
    assert fits == [4]
    assert (pca.PrincipalComponents.load(path).directions == sound.directions).all()


def test_an_unwritable_cache_costs_only_time(tmp_path: Path) -> None:
    """A file stands where the folder should be: as good as read-only, and root cannot pass it either."""
    (tmp_path / "cache").write_text("in the way")
    pcs = pca.fit_cached(_images(60, 4), 4, "key", tmp_path / "cache")
    assert len(pcs.directions) == 4


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    pca.fit_cached(_images(60, 4), 4, "key", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not SHARED.exists(), reason=f"needs the CIFAR-10 images of {SHARED.name}")
def test_cifar10_gives_the_known_errors() -> None:
    """Against values from 1,017 official test images, of which the first 500 are at hand: 2 % and 0.1 dB."""
    train, test = (_parquet(SHARED / f"{name}.parquet") for name in ("train", "test"))
    assert len(train) == 8068
    pcs = pca.fit(train, 512)
    known = {10: (0.021352, 16.71, 17.32), 64: (0.008495, 20.71, 21.34), 512: (0.001143, 29.42, 30.34)}
    for components, (mse, psnr_of_mean_mse, psnr) in known.items():
        error = pcs.unrounded_mse(test, components)
        assert error.mean() == pytest.approx(mse, rel=0.02)
        assert -10 * np.log10(error.mean()) == pytest.approx(psnr_of_mean_mse, abs=0.1)
        assert (-10 * np.log10(error)).mean() == pytest.approx(psnr, abs=0.1)


def _parquet(path: Path) -> np.ndarray:
    import pyarrow.parquet
    from PIL import Image

    rows = pyarrow.parquet.read_table(path, columns=["img"])["img"].to_pylist()
    return np.stack([np.asarray(Image.open(io.BytesIO(row["bytes"]))).transpose(2, 0, 1) for row in rows])


def test_real_numbers_are_neither_clamped_nor_rounded() -> None:
    """As scikit-learn's interface gives them: values beyond 0 and 1 come back, and levels of them give the same PCA."""
    levels = _images(50, 4)
    shares = levels.astype(np.float32) / 255
    real, whole = pca.fit(shares, 5), pca.fit(levels, 5)
    np.testing.assert_allclose(real.variances, whole.variances, rtol=1e-4)
    np.testing.assert_allclose(np.abs((real.directions * whole.directions).sum(1)), 1, rtol=1e-4)
    wide = 100 * shares - 50
    everything = pca.fit(wide, wide[0].size)
    np.testing.assert_allclose(everything.reconstruct(wide, wide[0].size), wide, atol=1e-3)
