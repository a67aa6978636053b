"""What is measured of latents: known answers, and what a run's evaluation says of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from isthmus.core.errors import RunError
from isthmus.evaluation.evaluate import evaluate
from isthmus.evaluation.latents import disentanglement, probes
from isthmus.evaluation.latents.measure_latents import Encoded, measure_latents
from isthmus.models import latent_usage
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.collect_latents import collect
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.latent import Labels
from isthmus.run_files.write import as_json
from isthmus.runs.load import load_data

COUNT = 2000


def causes(count: int = COUNT, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.uniform(size=count) for name in ("x", "y", "size")}


def stacked(held: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack(list(held.values()), 1).astype(np.float32)


def turned(z: np.ndarray) -> np.ndarray:
    """Every number a mixture of all causes."""
    return z @ (np.eye(3) - 2 / 3).astype(np.float32)


def test_a_latent_that_is_its_causes_is_disentangled() -> None:
    known, asked = causes(), causes(seed=1)
    found = disentanglement.dci(stacked(known), known, stacked(asked), asked)
    assert min(as_json(found).values()) > 0.95
    # exact values of 20 bins: nothing but chance is shared between different causes
    assert disentanglement.mutual_information_gap(stacked(known), known) > 0.9


def test_a_turned_latent_is_not() -> None:
    known, asked = causes(), causes(seed=1)
    straight = disentanglement.dci(stacked(known), known, stacked(asked), asked)
    found = disentanglement.dci(turned(stacked(known)), known, turned(stacked(asked)), asked)
    assert found.disentanglement < 0.7 * straight.disentanglement
    assert disentanglement.mutual_information_gap(turned(stacked(known)), known) < 0.3
    # a line reads the causes as well as before
    linear = probes.linear_r2(turned(stacked(known)), known, turned(stacked(asked)), asked)
    assert min(linear.values()) > 0.99


def test_two_numbers_for_one_cause_have_no_gap_and_are_incomplete() -> None:
    known, asked = causes(), causes(seed=1)
    doubled = np.concatenate([stacked(known)] * 2, 1), np.concatenate([stacked(asked)] * 2, 1)
    assert disentanglement.mutual_information_gap(doubled[0], known) == pytest.approx(0, abs=1e-9)
    found = disentanglement.dci(doubled[0], known, doubled[1], asked)
    assert found.disentanglement > 0.95
    assert found.completeness < 0.85


def test_noise_tells_nothing() -> None:
    known, asked = causes(), causes(seed=1)
    noise = np.random.default_rng(3).standard_normal((2, COUNT, 3)).astype(np.float32)
    linear = probes.linear_r2(noise[0], known, noise[1], asked)
    assert max(linear.values()) < 0.02
    labels = np.random.default_rng(4).integers(0, 5, (2, COUNT))
    for probe in (probes.linear_probe, probes.nearest_neighbours):
        assert probe(noise[0], labels[0], noise[1], labels[1]) == pytest.approx(0.2, abs=0.05)


def test_probes_tell_classes_that_stand_apart() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, (2, 400))
    z = 5 * np.eye(4)[labels] + random.standard_normal((2, 400, 4))
    for probe in (probes.linear_probe, probes.nearest_neighbours):
        assert probe(z[0], labels[0], z[1], labels[1]) > 0.97


def test_a_probe_does_not_mind_the_latents_scale() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, (2, 400))
    z = 2 * np.eye(4)[labels] + random.standard_normal((2, 400, 4))
    scaled = 1e4 * z + 7
    assert probes.linear_probe(z[0], labels[0], z[1], labels[1]) == pytest.approx(
        probes.linear_probe(scaled[0], labels[0], scaled[1], labels[1]), abs=0.01
    )


def test_perplexity_counts_equally_frequent_codes() -> None:
    assert latent_usage.perplexity(np.arange(64).reshape(8, 8), 64) == pytest.approx(64)
    assert latent_usage.perplexity(np.zeros((8, 8), int), 64) == pytest.approx(1)
    half = latent_usage.code_usage(np.arange(32).reshape(4, 8), 64)
    assert as_json(half) == {"count": 64, "per_image": 8, "bits": 48.0, "perplexity": pytest.approx(32), "used": 0.5}


def test_active_numbers_are_those_that_vary() -> None:
    random = np.random.default_rng(0)
    z = random.standard_normal((500, 4)) * np.array([1, 0.2, 0.05, 0])
    assert latent_usage.active_units(z) == 2


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def measured(recipe: Recipe, cache: Path) -> dict[str, Any]:
    splits = load_data(recipe)
    torch.manual_seed(0)
    model = Autoencoder(recipe, splits.train.images.shape[1:])
    return as_json(evaluate(model, recipe, splits, cache, build_objective(recipe, model)).record.latent)


KINDS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "plain": ({}, set()),
    "vae": (
        {"bottleneck.kind": "gaussian", "objective.weights.kl": 1.0, "distortion.kind": "gaussian"},
        {"rate", "active_units", "likelihood"},
    ),
    "no likelihood": (
        {"bottleneck.kind": "gaussian", "objective.weights.kl": 1.0},
        {"rate", "active_units"},
    ),
    "codes": ({"bottleneck.kind": "fsq"}, {"codes"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_applies_is_measured(tiny: Callable[..., Recipe], cache: Path, kind: str) -> None:
    changes, expected = KINDS[kind]
    if changes.get("bottleneck.kind") == "gaussian":
        changes = {**changes, "bottleneck.dim": 3}
    found = measured(tiny(changes) if kind != "codes" else without_dim(tiny), cache)
    assert set(found) == expected | {"labels", "factors"}
    assert 0 <= found["labels"]["linear_probe"]["model"] <= 1
    assert set(found["labels"]["nearest_neighbours"]) == {"model", "pca"}
    assert "x" in found["factors"]["linear_r2"]
    assert "shape" not in found["factors"]["linear_r2"], "the number of a class is no amount"


@pytest.mark.parametrize("weight", [1e25, 3e38])
def test_latents_beyond_all_use_are_one_sentence(tiny: Callable[..., Recipe], weight: float) -> None:
    """Huge weights are finite, and what they make of an image may be; a probe and a map answered with a traceback."""
    model = Autoencoder(tiny(), (3, 16, 16)).eval()
    images = np.full((2, 3, 16, 16), 200, np.uint8)
    with torch.no_grad():
        for parameter in model.bottleneck.parameters():
            parameter.fill_(weight)
    for encode in (model.encode, lambda pixels: collect(model, pixels)):
        with pytest.raises(RunError, match="infinite or nearly so: its weights are damaged"):
            encode(images)


def without_dim(tiny: Callable[..., Recipe]) -> Recipe:
    from isthmus.recipes.recipe import apply, resolve

    return resolve(apply(tiny().table(), {"bottleneck.kind": "fsq"}))


def test_bits_per_dimension_count_pixel_values(tiny: Callable[..., Recipe], cache: Path) -> None:
    found = measured(tiny({**KINDS["vae"][0], "bottleneck.dim": 3}), cache)["likelihood"]
    assert found["importance_weighted_nats"] >= found["elbo_nats"]
    assert found["bits_per_dimension"] == pytest.approx(
        -found["importance_weighted_nats"] / (3 * 32 * 32) / math.log(2)
    )
    # a network that has learnt nothing does not beat eight bits a value by much, nor is it far above
    assert 4 < found["bits_per_dimension"] < 12


def test_latents_are_those_of_evaluation(tiny: Callable[..., Recipe]) -> None:
    recipe = tiny({"corruption.kind": "gaussian"})
    torch.manual_seed(0)
    model = Autoencoder(recipe, (3, 32, 32)).train()
    images = load_data(recipe).test.images
    found = collect(model, images)
    assert np.array_equal(found.z, model.encode(images))


def test_images_without_a_label_are_no_class(tiny: Callable[..., Recipe]) -> None:
    """-1 says that there is none: probes neither learn it nor are asked for it."""
    recipe = tiny()
    splits = load_data(recipe)
    torch.manual_seed(0)
    model = Autoencoder(recipe, splits.train.images.shape[1:])
    train, test = (Encoded(images, collect(model, images.images)) for images in (splits.train, splits.test))

    def probed(train: Encoded, test: Encoded) -> Labels | None:
        return measure_latents(model, None, train, test, pca_latents=(train.latents.z, test.latents.z)).labels

    def half(encoded: Encoded) -> tuple[Encoded, Encoded]:
        """The images, of which every other one has no label; and those with one alone."""
        images, rows = encoded.images, np.arange(1, len(encoded.images), 2)
        labels = np.full(len(images), -1)
        labels[rows] = images.take(rows).labels
        alone = Encoded(images.take(rows), replace(encoded.latents, z=encoded.latents.z[rows]))
        return replace(encoded, images=replace(images, labels=labels)), alone

    (some_train, train_alone), (some_test, test_alone) = half(train), half(test)
    found = probed(some_train, some_test)
    assert found is not None
    assert found == probed(train_alone, test_alone)
    assert probed(some_train, replace(test, images=replace(splits.test, labels=np.full(len(splits.test), -1)))) is None
