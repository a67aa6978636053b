"""The model as people use it: pictures in, latents and pictures out, the same each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.conftest import TINY

from isthmus.core.errors import InputError
from isthmus.core.values import Latent
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.interfaces import Bottleneck
from isthmus.models.pixels import PIXEL_TYPES, to_pixels, to_unit
from isthmus.recipes.study_plan import load_recipe

SIDE = 16
PIXELS = np.random.default_rng(0).integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)
VARIATIONAL = {
    "bottleneck.kind": "gaussian",
    "bottleneck.dim": 3,
    "objective.kind": "weighted",
    "objective.weights.kl": 1.0,
}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "fresh noise": {"corruption.kind": "gaussian", "corruption.std": 0.2},
    "frozen noise": {"corruption.kind": "frozen", "corruption.std": 0.2},
    "variational": VARIATIONAL,
}


def build(changes: dict[str, Any] | None = None) -> Autoencoder:
    """A model with running statistics of its own, so that training and evaluation mode differ."""
    torch.manual_seed(0)
    model = Autoencoder(load_recipe("post/latent-10", {**TINY, **(changes or {})}), (3, SIDE, SIDE))
    model(torch.rand(16, 3, SIDE, SIDE) * 2 - 1)
    return model.eval()


@pytest.fixture(scope="module")
def model() -> Autoencoder:
    return build()


FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "uint8 NHWC": lambda x: x,
    "uint8 NCHW": lambda x: x.transpose(0, 3, 1, 2),
    "float32 NHWC": lambda x: x.astype(np.float32) / 255,
    "float64 NCHW": lambda x: x.transpose(0, 3, 1, 2) / 255,
    "list of uint8 HWC": list,
    "list of PIL": lambda x: [Image.fromarray(one) for one in x],
    "tuple of CHW": lambda x: tuple(one.transpose(2, 0, 1) for one in x),
}
SINGLE: dict[str, Callable[[np.ndarray], Any]] = {
    "PIL": Image.fromarray,
    "uint8 HWC": lambda x: x,
    "uint8 CHW": lambda x: x.transpose(2, 0, 1),
    "float HWC": lambda x: x / 255,
}


@pytest.mark.parametrize("form", FORMS)
def test_pictures_in_any_usual_form_mean_the_same(model: Autoencoder, form: str) -> None:
    given = FORMS[form](PIXELS)
    output, latents = model.reconstruct(given), model.encode(given)
    assert (output.shape, output.dtype) == ((6, SIDE, SIDE, 3), np.uint8)
    assert (latents.shape, latents.dtype) == ((6, 3), np.float32)
    assert np.array_equal(output, model.reconstruct(PIXELS))
    assert np.array_equal(latents, model.encode(PIXELS))


@pytest.mark.parametrize("form", SINGLE)
def test_one_picture_is_a_batch_of_one(model: Autoencoder, form: str) -> None:
    given = SINGLE[form](PIXELS[2])
    assert np.array_equal(model.reconstruct(given), model.reconstruct(PIXELS[2:3]))
    assert model.encode(given).shape == (1, 3)


@pytest.mark.parametrize("verb", ["encode", "reconstruct"])
@pytest.mark.parametrize(
    "given",
    [np.zeros((2, 8, 12, 3), np.uint8), [np.zeros((8, 12, 3), np.uint8)] * 2],
    ids=["array", "list"],
)
def test_an_array_of_another_size_is_one_sentence(model: Autoencoder, verb: str, given: Any) -> None:
    with pytest.raises(InputError, match=r"^images are 8x12 pixels; this model was trained on 16x16: resize them"):
        getattr(model, verb)(given)


@pytest.mark.parametrize("form", [lambda z: z, np.ndarray.tolist, torch.from_numpy], ids=["array", "list", "tensor"])
def test_one_latent_decodes_as_a_batch_of_one(model: Autoencoder, form: Callable[[np.ndarray], Any]) -> None:
    z = model.encode(PIXELS)
    whole = model.decode(form(z))
    assert (whole.shape, whole.dtype) == ((6, SIDE, SIDE, 3), np.uint8)
    assert np.array_equal(model.decode(form(z[0])), model.decode(form(z[:1])))


@pytest.mark.parametrize("shape", [(4,), (2, 4), (3, 1), (2, 3, 3), ()])
def test_a_latent_of_another_shape_is_one_sentence(model: Autoencoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"^z has shape \(.*\); this model decodes \(N, 3\)$"):
        model.decode(np.zeros(shape))


@pytest.mark.parametrize("kind", KINDS)
def test_reconstruct_is_encode_then_decode(kind: str) -> None:
    model = build(KINDS[kind])
    assert np.array_equal(model.decode(model.encode(PIXELS)), model.reconstruct(PIXELS))


def test_many_pictures_go_through_in_parts(model: Autoencoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order they came; nothing is lost at the seams."""
    one_by_one = np.concatenate([model.encode(one) for one in PIXELS])
    monkeypatch.setattr("isthmus.kernels.threads._PIXELS", 4 * SIDE * SIDE)
    np.testing.assert_allclose(model.encode(PIXELS), one_by_one, atol=1e-5)
    assert len(model.decode(one_by_one)) == len(model.reconstruct(PIXELS)) == 6


@pytest.mark.parametrize("kind", KINDS)
def test_use_is_deterministic_and_leaves_no_trace(kind: str) -> None:
    """The same answer twice, in training mode as in evaluation; modes, weights and the generator stay as found."""
    model = build(KINDS[kind])
    expected = model.encode(PIXELS), model.reconstruct(PIXELS)
    model.train()
    model.architecture.encoder.eval()  # a part set apart, as for fine-tuning with fixed statistics
    modes = [module.training for module in model.modules()]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(7)
    state = torch.get_rng_state()
    for _ in range(2):
        assert np.array_equal(model.encode(PIXELS), expected[0])
        assert np.array_equal(model.reconstruct(PIXELS), expected[1])
        model.decode(expected[0])
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_modes_are_put_back_where_a_part_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build().train()

    def broken(h: torch.Tensor, **_: Any) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(model.bottleneck, "forward", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        model.encode(PIXELS)
    assert all(module.training for module in model.modules())


def with_weights_of(other: Autoencoder, changes: dict[str, Any]) -> Autoencoder:
    model = build(changes)
    model.architecture.load_state_dict(other.architecture.state_dict())
    model.bottleneck.load_state_dict(other.bottleneck.state_dict())
    return model


def test_fresh_noise_is_absent_at_inference_and_frozen_noise_is_there(model: Autoencoder) -> None:
    """With equal weights the denoiser answers as the plain network; the frozen one as for the shifted image."""
    fresh = with_weights_of(model, KINDS["fresh noise"])
    assert np.array_equal(fresh.encode(PIXELS), model.encode(PIXELS))
    assert np.array_equal(fresh.reconstruct(PIXELS), model.reconstruct(PIXELS))

    frozen = with_weights_of(model, KINDS["frozen noise"])
    x = to_unit(torch.from_numpy(PIXELS.transpose(0, 3, 1, 2).copy()))
    with torch.no_grad():
        shifted = model(x + frozen.corruption.noise)
    np.testing.assert_allclose(frozen.encode(PIXELS), shifted.latent.z.numpy(), atol=1e-5)
    assert not np.allclose(frozen.encode(PIXELS), model.encode(PIXELS), atol=1e-2)


@pytest.mark.parametrize(("kind", "training", "evaluation"), [("fresh noise", 0.2, 0.0), ("frozen noise", 0.2, 0.2)])
def test_the_trace_keeps_target_and_input_apart(kind: str, training: float, evaluation: float) -> None:
    model, x = build(KINDS[kind]), torch.rand(8, 3, SIDE, SIDE) * 2 - 1
    for mode, std in ((True, training), (False, evaluation)):
        with torch.no_grad():
            trace = model.train(mode)(x)
        assert trace.x is x
        assert (trace.x_in - x).std().item() == pytest.approx(std, rel=0.1)


def test_a_variational_latent_is_a_sample_in_training_and_its_mean_after() -> None:
    model, x = build(VARIATIONAL), torch.rand(4, 3, SIDE, SIDE)
    model.train()
    model.architecture.encoder.eval()  # else batch norm's statistics would tell two passes apart
    with torch.no_grad():
        assert not torch.equal(model(x).latent.z, model(x).latent.z)
        model.eval()
        latent = model(x).latent
        mean, _ = model.bottleneck.to_posterior(model(x).h.permute(0, 2, 3, 1).flatten(1)).chunk(2, dim=1)
    torch.testing.assert_close(latent.z, mean)


def test_penalties_and_weights_must_meet() -> None:
    """A penalty without a weight and a weight without a penalty are both refused, by name."""
    unweighted = load_recipe("post/latent-10", {**TINY, "bottleneck.kind": "gaussian", "bottleneck.dim": 3})
    with pytest.raises(InputError, match=r"objective\.weights: no weight for the penalty 'kl'.*objective\.weights\.kl"):
        build_objective(unweighted, build(VARIATIONAL))
    surplus = load_recipe("post/latent-10", {**TINY, **VARIATIONAL, "objective.weights.k1": 0.5})
    with pytest.raises(InputError, match=r"objective\.weights\.k1: .* reports no such penalty; it reports kl"):
        build_objective(surplus, build(VARIATIONAL))
    needless = load_recipe("post/latent-10", {**TINY, "objective.kind": "weighted", "objective.weights.kl": 1.0})
    with pytest.raises(InputError, match=r"objective\.weights\.kl: .* it reports none"):
        build_objective(needless, build())


@pytest.mark.parametrize("depth", [8, 16])
def test_all_levels_survive_the_way_to_the_network_and_back(depth: int) -> None:
    side, dtype, white = 1 << depth // 2, PIXEL_TYPES[depth], (1 << depth) - 1
    levels = torch.arange(1 << depth, dtype=torch.int32).to(dtype).view(1, 1, side, side).repeat(1, 3, 1, 1)
    unit = to_unit(levels)
    assert torch.equal(to_pixels(unit, dtype), levels)
    assert (unit.min(), unit.max()) == (-1, 1)
    step = 2 / white
    given = torch.tensor([-7.0, 7.0, 0.3 * step, -0.3 * step])
    assert to_pixels(given, dtype).tolist() == [0, white, white // 2 + 1, white // 2]


def test_a_latent_may_be_a_feature_map() -> None:
    """Shapes are the bottleneck's to choose: nothing takes the latent for a vector."""

    class Map(Bottleneck):
        latent_shape = (5, 4, 4)

        def forward(self, h: torch.Tensor, **_: Any) -> Latent:
            return Latent(h)

        def expand(self, z: torch.Tensor) -> torch.Tensor:
            return z

    model = build()
    model.bottleneck = Map()
    z = model.encode(PIXELS)
    assert z.shape == (6, 5, 4, 4)
    assert model.latent_size == 80
    assert np.array_equal(model.decode(z), model.reconstruct(PIXELS))
    assert np.array_equal(model.decode(z[1]), model.decode(z[1:2]))


def test_a_model_of_16_bits_makes_16_bits() -> None:
    """And it distinguishes what 8 bits do not: neighbouring levels get different latents."""
    torch.manual_seed(0)
    recipe = load_recipe("post/latent-10", {**TINY, "corruption.kind": "hidden_patches"})
    model = Autoencoder(recipe, (1, 10, 14), depth=16).eval()
    drawn = torch.randint(1, 65535, (6, 1, 10, 14), generator=torch.Generator().manual_seed(0), dtype=torch.int32)
    pixels = drawn.to(torch.uint16)
    with torch.no_grad():
        z = model.encode_pixels(pixels)
        assert not torch.equal(z, model.encode_pixels((drawn + 1).to(torch.uint16)))
        made = model.reconstruct_pixels(pixels)
        assert torch.equal(made, model.decode_to_pixels(z))
        assert made.dtype == torch.uint16 and made.shape == pixels.shape
        assert len(made.int().unique()) > 256
        filled = model.fill_in(pixels, torch.Generator().manual_seed(0))
    _, mask = model.corruption.hide(to_unit(pixels), torch.Generator().manual_seed(0))
    assert filled.dtype == torch.uint16
    assert torch.equal(filled.int()[~mask], pixels.int()[~mask])
    assert not torch.equal(filled.int()[mask], pixels.int()[mask])
    assert model.decode(z.numpy()).dtype == np.uint16


def test_a_likelihood_knows_how_many_levels_there_are() -> None:
    """A level of 16 bits is 257 times as narrow, so it has a 257th of the probability: log(257) nats more a value."""
    recipe = load_recipe("post/latent-10", {**TINY, **VARIATIONAL, "distortion.kind": "gaussian"})
    x, x_hat = torch.zeros(1, 3, SIDE, SIDE), torch.full((1, 3, SIDE, SIDE), 0.1)
    eight, sixteen = (build_objective(recipe, Autoencoder(recipe, (3, SIDE, SIDE), depth)) for depth in (8, 16))
    more = (sixteen.distortion(x_hat, x) - eight.distortion(x_hat, x)).item()
    assert more == pytest.approx(x.numel() * np.log(65535 / 255), rel=1e-4)
