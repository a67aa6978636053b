"""New images: from the prior, from what was fitted after training, and from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.command import isthmus

import isthmus as ist
from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.collect_latents import Collected
from isthmus.models.samplers import two_stage
from isthmus.models.sampling import choose_sampler, draw_latents
from isthmus.recipes.recipe import Recipe, apply, resolve
from isthmus.runs.load import load_data
from isthmus.runs.run import run

KINDS: dict[str, dict[str, Any]] = {
    "vector": {},
    "gaussian": {"bottleneck.kind": "gaussian", "bottleneck.dim": 3, "objective.weights.kl": 1.0},
    "fsq": {"bottleneck.kind": "fsq"},
    "residual_vq": {"bottleneck.kind": "residual_vq", "objective.weights.commitment": 0.25},
    "map": {"bottleneck.kind": "map"},
    "hypersphere": {"bottleneck.kind": "hypersphere", "bottleneck.dim": 3, "objective.weights.kl": 1.0},
    "ladder": {"bottleneck.kind": "ladder", "bottleneck.dims": [2, 3], "objective.weights.kl": 1.0},
    "flow": {"bottleneck.kind": "gaussian", "bottleneck.dim": 3, "objective.weights.kl": 1.0, "prior.kind": "flow"},
}
EXPECTED = {"vector": "mixture", "map": "mixture", "fsq": "codes", "residual_vq": "codes"}  # others: prior


def model_of(tiny: Callable[..., Recipe], kind: str) -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(resolve(apply(tiny().table(), KINDS[kind])), (3, 16, 16))


def known_of(model: Autoencoder) -> Collected:
    from isthmus.models.collect_latents import collect

    return collect(model, np.random.default_rng(0).integers(0, 256, (300, 3, 16, 16), dtype=np.uint8))


@pytest.mark.parametrize("kind", KINDS)
def test_auto_takes_the_prior_where_there_is_one(tiny: Callable[..., Recipe], kind: str) -> None:
    assert choose_sampler(model_of(tiny, kind), "auto") == EXPECTED.get(kind, "prior")


@pytest.mark.parametrize("sampler", registry.kinds("samplers"))
@pytest.mark.parametrize("kind", KINDS)
def test_every_sampler_that_suits_a_model_draws_its_latents(
    tiny: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch, kind: str, sampler: str
) -> None:
    monkeypatch.setattr(two_stage, "_STEPS", 20)
    model = model_of(tiny, kind)
    if not registry.find("samplers", sampler).suits(model):
        return
    known = known_of(model)
    first, again, other = (draw_latents(model, known, 7, sampler=sampler, seed=seed) for seed in (1, 1, 2))
    assert first.shape == (7, *model.latent_shape)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.isfinite().all()


def test_a_sampler_that_does_not_fit_is_refused_with_those_that_do(tiny: Callable[..., Recipe]) -> None:
    with pytest.raises(InputError, match="made of codes; use codes"):
        choose_sampler(model_of(tiny, "fsq"), "prior")
    with pytest.raises(InputError, match="made of numbers; use mixture or two_stage"):
        choose_sampler(model_of(tiny, "vector"), "codes")
    with pytest.raises(InputError, match="did you mean 'mixture'"):
        choose_sampler(model_of(tiny, "vector"), "mixtures")


def blobs(count: int, seed: int) -> np.ndarray:
    """Two clusters far apart in three correlated numbers."""
    random = np.random.default_rng(seed)
    turn = np.array([[1, 0.5, 0], [0, 1, 0.8], [0, 0, 0.3]])
    side = random.integers(0, 2, (count, 1)) * 2 - 1
    return ((random.standard_normal((count, 3)) * 0.3 + side * 2) @ turn).astype(np.float32)


@pytest.mark.parametrize("sampler", ["mixture", "two_stage"])
def test_fitted_samplers_draw_from_what_they_were_fitted_to(tiny: Callable[..., Recipe], sampler: str) -> None:
    model = model_of(tiny, "vector")
    known = Collected(blobs(3000, 0), None, {}, {})
    drawn = draw_latents(model, known, 3000, sampler=sampler).numpy()
    np.testing.assert_allclose(drawn.mean(0), known.z.mean(0), atol=0.25)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(known.z.T), rtol=0.25)
    # of two clusters, not one smeared over both: the middle is emptier than a normal's
    normal = np.random.default_rng(1).normal(0, known.z[:, 0].std(), 3000)
    between = [float(np.mean(np.abs(z) < 0.8)) for z in (drawn[:, 0], normal)]
    assert between[0] < 0.7 * between[1]


def test_latents_that_are_all_the_same_are_drawn_as_they_are(tiny: Callable[..., Recipe]) -> None:
    known = Collected(np.full((50, 3), 2.0, np.float32), None, {}, {})
    assert draw_latents(model_of(tiny, "vector"), known, 4, sampler="mixture").tolist() == [[2.0] * 3] * 4


def test_codes_are_drawn_as_often_as_they_are_seen_at_their_place(tiny: Callable[..., Recipe]) -> None:
    model = model_of(tiny, "fsq")
    places = int(np.prod(model.bottleneck.code_shape))
    seen = np.tile(np.arange(places), (100, 1))
    seen[:25] += 100
    z = draw_latents(model, Collected(np.zeros((100, 1), np.float32), seen, {}, {}), 2000, sampler="codes")
    codes = model.bottleneck.codes_of(z).flatten(1).numpy()
    assert set(np.unique(codes[:, 3])) == {3, 103}
    assert np.mean(codes[:, 3] == 103) == pytest.approx(0.25, abs=0.05)


def test_draws_from_a_mixture_prior_follow_it(tiny: Callable[..., Recipe]) -> None:
    """The prior that was learned, not a standard normal."""
    recipe = resolve(apply(tiny().table(), {**KINDS["gaussian"], "prior.kind": "mixture", "prior.components": 1}))
    model = Autoencoder(recipe, (3, 16, 16))
    model.prior.means.data[:] = torch.tensor([5.0, -5.0, 0.0])
    z = draw_latents(model, known_of(model), 2000, sampler="prior")
    torch.testing.assert_close(z.mean(0), torch.tensor([5.0, -5.0, 0.0]), atol=0.15, rtol=0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.conftest import TINY

    from isthmus.recipes.study_plan import load_recipe

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    recipe = load_recipe("post/latent-10", {**TINY, "train.epochs": 1})
    for _ in run(recipe, folder, load_data(recipe), folder.parent / "cache"):
        pass
    return folder


def test_samples_from_python_are_images_and_the_same_for_the_same_seed(trained: Path) -> None:
    first, again, other = (ist.sample(trained, 5, seed=seed) for seed in (1, 1, 2))
    assert first.shape == (5, 32, 32, 3)
    assert first.dtype == np.uint8
    assert (first == again).all()
    assert (first != other).any()


def test_the_verb_writes_a_picture(trained: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "grid.png"
    done = isthmus("sample", trained, "-n", "12", "-o", target, "--sampler", "two_stage")
    assert done.code == 0
    assert done.out.strip() == str(target)
    assert "12 images from sampler two_stage" in done.err
    with Image.open(target) as picture:
        assert picture.size[0] <= 768 and picture.size[0] % 131 == 0  # 4 by 3 images and the gaps between


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["-n", "0"], "0 images cannot be drawn; ask for 1 to"),
        (["--seed", "-1"], "seed: -1 does not fit"),
        (["--sampler", "dice"], "no sampler is called 'dice'"),
        (["--sampler", "codes"], "made of numbers"),
        (["-o", "grid.jpg"], "ends in .png"),
    ],
)
def test_bad_input_is_one_sentence(trained: Path, given: list[str], said: str) -> None:
    done = isthmus("sample", trained, *given)
    assert done.code == 2
    assert said in done.err
