"""The measures of error, the made-up anomalies, and the choice between measures."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from isthmus.core.errors import InputError
from isthmus.evaluation.latents.likelihood_bounds import bounds
from isthmus.inference.anomaly.choose import choice_of, choose_measure
from isthmus.inference.anomaly.errors import check_measure, errors_of, usable
from isthmus.inference.anomaly.latent_distance import latent_reference
from isthmus.inference.anomaly.local_errors import error_maps, largest_local_errors, places, window_of
from isthmus.inference.anomaly.made_up import KINDS, made_up
from isthmus.inference.anomaly.pixel_neighbours import PixelNeighbours
from isthmus.inference.anomaly.relative_errors import relative_errors
from isthmus.inference.anomaly.scored_model import ScoredModel
from isthmus.models.collect_latents import collect
from isthmus.models.weights_hash import weights_hash
from isthmus.testing.part_under_test import PartUnderTest


def images(count: int = 40, seed: int = 0, dtype: str = "uint8") -> np.ndarray:
    """(count, 3, 16, 16) smooth pictures, so that neighbouring pixels are alike."""
    coarse = np.random.default_rng(seed).random((count, 3, 4, 4))
    highest = np.iinfo(dtype).max
    return (coarse.repeat(4, 2).repeat(4, 3) * highest).astype(dtype)


@cache
def scored(variational: bool = False) -> ScoredModel:
    """An untrained model."""
    kind, changes = ("gaussian", {"distortion.kind": "gaussian"}) if variational else ("vector", {})
    part = PartUnderTest("bottlenecks", kind, {"dim": 4}, (3, 16, 16))
    model, objective = part.model(changes)
    return ScoredModel(model.eval(), part.recipe(changes), objective.distortion if variational else None, "sha256:0")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_the_largest_local_error_is_where_the_picture_was_changed(dtype: str) -> None:
    original = images(3, dtype=dtype)
    output = original.copy()
    output[1, :, 4:7, 10:13] ^= np.iinfo(dtype).max  # a window of 3 pixels
    found = largest_local_errors(torch.from_numpy(output), torch.from_numpy(original))
    assert found[[0, 2]].tolist() == [0, 0] and found[1] > 0.01
    assert (places(output, original)[1].top, places(output, original)[1].left) == (4, 10)
    squared = np.square((output[1].astype(float) - original[1]) / np.iinfo(dtype).max).mean(0)
    assert float(found[1]) == pytest.approx(squared[4:7, 10:13].mean(), rel=1e-4)
    assert error_maps(torch.from_numpy(output), torch.from_numpy(original)).shape == (3, 16, 16)


@pytest.mark.parametrize(("height", "width", "side"), [(8, 8, 3), (32, 32, 5), (256, 64, 9), (2, 9, 1), (1, 1, 1)])
def test_a_window_is_odd_and_fits_the_picture(height: int, width: int, side: int) -> None:
    assert window_of(height, width) == side
    pixels = torch.zeros((1, 1, height, width), dtype=torch.uint8)
    assert error_maps(pixels, pixels).shape == (1, height, width)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 1, 16)])
def test_the_relative_error_is_over_the_roughness_of_the_picture(dtype: str, shape: tuple[int, int, int]) -> None:
    draw, highest = np.random.default_rng(0), np.iinfo(dtype).max
    original = draw.integers(0, highest, (4, *shape), dtype=dtype, endpoint=True)
    output = draw.integers(0, highest, (4, *shape), dtype=dtype, endpoint=True)
    x, x_hat = original / highest, output / highest
    steps = [np.square(np.diff(x, axis=axis)).mean((1, 2, 3)) for axis in (2, 3) if x.shape[axis] > 1]
    expected = np.square(x - x_hat).mean((1, 2, 3)) / (sum(steps) + 255**-2)
    assert relative_errors(torch.from_numpy(output), torch.from_numpy(original)).numpy() == pytest.approx(expected)


def test_a_flat_picture_has_a_finite_relative_error() -> None:
    flat = torch.full((1, 3, 8, 8), 100, dtype=torch.uint8)
    assert relative_errors(flat + 1, flat).tolist() == pytest.approx([1.0])


def test_hotellings_distance_is_near_one_for_its_own_latents_and_knows_correlation() -> None:
    draws = np.random.default_rng(0)
    z = draws.standard_normal((2000, 2)) @ np.array([[1.0, 0.99], [0.0, 0.14]])
    reference = latent_reference(z.astype(np.float32))
    assert reference.distances(z).mean() == pytest.approx(1, rel=0.1), "shrinkage makes it a little less"
    along, across = reference.distances(np.array([[1.0, 1.0], [1.0, -1.0]]))
    assert across > 10 * along


def test_a_number_of_the_latent_that_never_varies_does_no_harm() -> None:
    z = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
    z[:, 1] = 0.5
    assert np.isfinite(latent_reference(z).distances(z)).all()
    assert np.isfinite(latent_reference(z[:2]).distances(z)).all()


def test_the_elbo_is_that_of_the_evaluation_and_each_picture_has_its_own() -> None:
    one, pixels = scored(variational=True), images(12)
    found = errors_of(one, pixels, ("elbo",)).errors["elbo"]
    assert one.distortion is not None
    known = bounds(one.model, one.distortion, pixels, samples=200).elbo
    assert np.corrcoef(found, -known)[0, 1] > 0.98
    assert found.mean() == pytest.approx(-known.mean(), rel=0.02)
    assert errors_of(one, pixels[5:6], ("elbo",)).errors["elbo"][0] == pytest.approx(found[5], rel=1e-6)


def test_every_usable_measure_gives_finite_errors() -> None:
    one, pixels = scored(variational=True), images(20)
    reference = latent_reference(collect(one.model, pixels).z)
    assert usable(one) == ("mse", "ssim", "local", "relative", "latent", "elbo")
    seen = errors_of(one, pixels, usable(one), reference)
    assert all(np.isfinite(errors).all() and errors.shape == (20,) for errors in seen.errors.values())
    assert np.array_equal(seen.output, one.model.reconstruct(pixels).transpose(0, 3, 1, 2))


def test_a_plain_model_has_no_elbo() -> None:
    assert "elbo" not in usable(scored())
    with pytest.raises(
        InputError, match=r"'elbo' is not defined here.*choose one of mse, ssim, local, relative, latent"
    ):
        check_measure(scored(), "elbo")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 7, 12)])
def test_made_up_anomalies_are_changed_pictures_and_always_the_same(kind: str, shape: tuple[int, int, int]) -> None:
    normal = np.random.default_rng(0).integers(0, 256, (30, *shape), dtype=np.uint8)
    before, changed = normal.copy(), made_up(normal, kind)
    assert (changed.shape, changed.dtype) == (normal.shape, normal.dtype)
    assert np.array_equal(normal, before), "the originals stay"
    assert (changed != normal).any((1, 2, 3)).all()
    assert np.array_equal(changed, made_up(normal, kind))
    if kind in ("shuffled", "turned"):
        assert np.array_equal(np.sort(changed.reshape(30, -1)), np.sort(normal.reshape(30, -1)))


def order(count: int, apart: float) -> np.ndarray:
    """Whether error i of normal pictures is below error j of changed ones, which lie `apart` higher on average."""
    draws = np.random.default_rng(round(100 * apart))
    own, changed = draws.standard_normal(count), draws.standard_normal(count) + apart
    return (changed[None] > own[:, None]).astype(float)


def test_the_measure_is_the_one_that_surely_finds_made_up_anomalies() -> None:
    clear = choice_of({"mse": order(200, 0.5), "ssim": order(200, 1.5), "latent": order(200, 1.0)})
    assert clear.measure == "ssim" and clear.why.startswith("ssim, chosen without labels. AUROC on made-up anomalies")
    assert choice_of({"mse": order(10, 0.5), "ssim": order(10, 3.0)}).measure == "ssim", "few pictures, large lead"
    unsure = choice_of({"mse": order(30, 0.5), "ssim": order(30, 0.6)})
    if unsure.separations["ssim"] > unsure.separations["mse"]:
        assert unsure.measure == "mse"
        assert re.search(r"ssim is ahead of mse in only [0-7]\d % of .* may be chance, so mse stays", unsure.why)


@pytest.mark.parametrize("count", [8, 40, 200])
def test_a_lead_that_is_chance_rarely_takes_the_place_of_mse(count: int) -> None:
    """Two equally good measures: the other is taken in about one choice in five."""
    draws, taken = np.random.default_rng(0), 0
    for _ in range(200):
        parts = [(draws.standard_normal(count), draws.standard_normal(count) + 1) for _ in range(2)]
        first, second = ((changed[None] > own[:, None]).astype(float) for own, changed in parts)
        taken += choice_of({"mse": first, "local": second}).measure == "local"
    assert taken <= 0.3 * 200


def test_a_clear_lead_on_thirty_images_is_mostly_taken() -> None:
    """Missing it costs more than taking a lead that is none."""
    draws, taken = np.random.default_rng(0), 0
    for _ in range(60):
        parts = [(draws.standard_normal(30), draws.standard_normal(30) + apart) for apart in (0.8, 1.5)]
        first, second = ((changed[None] > own[:, None]).astype(float) for own, changed in parts)
        taken += choice_of({"mse": first, "local": second}).measure == "local"
    assert taken >= 0.6 * 60


def test_few_validation_images_choose_nothing() -> None:
    reference = latent_reference(np.zeros((4, 3), np.float32))
    choice = choose_measure(scored(), images(4), reference)
    assert (choice.measure, choice.separations) == ("mse", {}) and "needs 5 validation images" in choice.why


def test_separations_are_aurocs_of_every_usable_measure() -> None:
    reference = latent_reference(collect(scored().model, images(30)).z)
    found = choose_measure(scored(), images(30), reference).separations
    own, areas = errors_of(scored(), images(30), ("mse",)).errors["mse"], list[float]()
    for kind in KINDS:
        three = made_up(np.tile(images(30), (3, 1, 1, 1)), kind)  # about a hundred of each kind
        changed = errors_of(scored(), three, ("mse",)).errors["mse"]
        areas.append(float(roc_auc_score(np.repeat([0, 1], [30, 90]), np.concatenate([own, changed]))))
    assert set(found) == {"mse", "ssim", "local", "relative", "latent"}
    assert found["mse"] == pytest.approx(np.mean(areas))


def test_the_nearest_training_image_is_found_exactly() -> None:
    known, asked = images(50), images(10, seed=1)
    found = PixelNeighbours(known)
    apart = (asked[:, None].astype(float) - known[None]) / 255
    assert found.distances(asked) == pytest.approx(np.sqrt(np.square(apart).mean((2, 3, 4)).min(1)), rel=1e-4)
    assert found.distances(known[:3]) == pytest.approx([0, 0, 0], abs=1e-3)
    assert found.count == 50


def test_other_weights_have_another_hash() -> None:
    one = scored().model
    before = weights_hash(one)
    assert before == weights_hash(one)
    parameter = next(one.parameters())
    with torch.no_grad():
        parameter.flatten()[0] += 1
        assert weights_hash(one) != before
        parameter.flatten()[0] -= 1
