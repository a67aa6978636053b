"""One contract for every part found: whoever adds a file to a part's folder is tested before writing a test."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.values import Latent, Posterior, Terms, Trace
from isthmus.evaluation.baselines import pca
from isthmus.evaluation.describe_measures import known_measures
from isthmus.models.autoencoder import Autoencoder, build_objective
from isthmus.recipes.recipe import Recipe, apply, resolve

IMAGE = (3, 16, 16)
FEATURES = (5, 4, 4)
# Values for options that have no default, by part; a part whose options all have defaults needs none.
NEEDED: dict[str, dict[str, Any]] = {
    "conv": {"filters": [4, 5], "strides": [2, 2]},
    "dim": {"dim": 3},
}
PARTS = [(sort, kind) for sort in registry.SORTS for kind in registry.kinds(sort)]


def options(sort: str, kind: str) -> dict[str, Any]:
    needed = {
        name for name, p in registry.options(registry.find(sort, kind)).items() if p.default is inspect.Parameter.empty
    }
    known = {**NEEDED.get(kind, {}), **NEEDED["dim"]}
    return {name: known[name] for name in needed if name in known}


def of(sort: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return pytest.mark.parametrize("kind", registry.kinds(sort))


def build(sort: str, kind: str) -> nn.Module:
    beside = [build("distortions", "mse"), build("regularizers", "none")] if sort == "objectives" else []
    facts: dict[str, list[Any]] = {
        "architectures": [IMAGE],
        "bottlenecks": [FEATURES],
        "priors": [(3,), IMAGE],
        "corruptions": [IMAGE],
        "objectives": beside,
        "distortions": [],
        "regularizers": [(3,), IMAGE],
    }
    torch.manual_seed(0)
    return registry.build(sort, kind, options(sort, kind), *facts[sort])


def images(count: int = 6) -> Tensor:
    return torch.rand(count, *IMAGE, generator=torch.Generator().manual_seed(1)) * 2 - 1


def features(count: int = 6) -> Tensor:
    return torch.randn(count, *FEATURES, generator=torch.Generator().manual_seed(1))


def finite_gradients(module: nn.Module) -> bool:
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    return bool(gradients) and all(bool(g.isfinite().all()) for g in gradients)


@pytest.mark.parametrize(("sort", "kind"), PARTS)
def test_a_part_is_one_short_documented_class(sort: str, kind: str) -> None:
    """A part's file holds one public class with a docstring, under 120 lines, every option documented by name."""
    part = registry.find(sort, kind)
    text = Path(inspect.getfile(part)).read_text()
    assert len(text.splitlines()) <= 120
    assert registry.summary(part).endswith((".", ":")) or registry.summary(part)
    for name in registry.options(part):
        assert name in (part.__doc__ or ""), f"option {name} is not in the docstring"


@pytest.mark.parametrize(("sort", "kind"), PARTS)
def test_parts_of_one_sort_do_not_import_each_other(sort: str, kind: str) -> None:
    tree = ast.parse(Path(inspect.getfile(registry.find(sort, kind))).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    others = {f"{registry.SORTS[sort]}.{other}" for other in registry.kinds(sort) if other != kind}
    assert not imported & others


@of("architectures")
def test_architecture_goes_to_features_and_back(kind: str) -> None:
    part = build("architectures", kind)
    h = part.encoder(images())
    assert h.shape == (6, *part.feature_shape)
    x_hat = part.decoder(h)
    assert x_hat.shape == (6, *IMAGE)
    assert x_hat.isfinite().all()
    x_hat.square().mean().backward()
    assert finite_gradients(part)


@of("bottlenecks")
def test_bottleneck_returns_a_latent_and_expands_it(kind: str) -> None:
    part = build("bottlenecks", kind)
    latent = part(features())
    assert isinstance(latent, Latent)
    assert latent.z.shape == (6, *part.latent_shape)
    assert part.expand(latent.z).shape == (6, *FEATURES)
    assert set(latent.penalties) == set(part.penalties)
    for value in latent.penalties.values():
        assert value.shape == (6,)
        assert value.isfinite().all()
    sum((v.sum() for v in latent.penalties.values()), part.expand(latent.z).square().sum()).backward()
    assert finite_gradients(part)


@of("bottlenecks")
def test_bottleneck_is_deterministic_in_evaluation(kind: str) -> None:
    part = build("bottlenecks", kind).eval()
    assert torch.equal(part(features()).z, part(features()).z)


@of("bottlenecks")
def test_bottleneck_treats_images_one_by_one_in_evaluation(kind: str) -> None:
    """An image's latent does not depend on its neighbours in the batch."""
    part = build("bottlenecks", kind).eval()
    torch.testing.assert_close(part(features()).z[:2], part(features()[:2]).z)


@of("corruptions")
def test_corruption_keeps_shape_and_target_and_obeys_its_generator(kind: str) -> None:
    part, x = build("corruptions", kind), images()
    before = x.clone()
    first = part(x, torch.Generator().manual_seed(3))
    again = part(x, torch.Generator().manual_seed(3))
    assert first.shape == x.shape
    assert torch.equal(first, again)
    assert torch.equal(x, before), "the clean target was changed"
    assert isinstance(part.at_inference, bool)


@of("objectives")
def test_objective_gives_one_loss_an_image(kind: str) -> None:
    x = images()
    x_hat = (0.5 * x).requires_grad_()
    trace = Trace(x, x, features(), Latent(torch.zeros(6, 3)), x_hat)
    terms = build("objectives", kind)(None, trace)
    assert isinstance(terms, Terms)
    for value in (terms.loss, *terms.terms.values()):
        assert value.shape == (6,)
    terms.loss.mean().backward()
    assert x_hat.grad is not None
    assert x_hat.grad.isfinite().all()


@of("objectives")
def test_objective_refuses_a_penalty_without_a_weight(kind: str) -> None:
    """A penalty is never silently zero."""
    trace = Trace(images(), images(), features(), Latent(torch.zeros(6, 3), {"surprise": torch.ones(6)}), images())
    with pytest.raises(KeyError, match="surprise"):
        build("objectives", kind)(None, trace)


@of("distortions")
def test_distortion_gives_one_value_an_image_and_is_least_at_the_copy(kind: str) -> None:
    part = build("distortions", kind)
    x = images()
    flat = torch.zeros_like(x)
    for original in (x, flat):  # a flat image has no variance to divide by
        x_hat = (0.5 * original).requires_grad_()
        value = part(x_hat, original)
        assert value.shape == (6,)
        value.mean().backward()
        assert x_hat.grad is not None
        assert x_hat.grad.isfinite().all()
    assert (part(x, x) < part(x.roll(1, 0), x)).all()


@of("regularizers")
def test_regularizer_gives_one_value_an_image(tiny: Callable[..., Recipe], kind: str) -> None:
    """Its gradients are finite, and in evaluation it answers the same twice, where no gradient is to be had."""
    recipe = recipe_with(tiny, "regularizers", kind)
    torch.manual_seed(0)
    model = Autoencoder(recipe, IMAGE)
    regularizer = build_objective(recipe, model).regularizer
    terms = regularizer(model, model(images()))
    for value in (terms.loss, *terms.terms.values()):
        assert value.shape == (6,)
        assert value.isfinite().all()
    if terms.loss.requires_grad:
        terms.loss.mean().backward()
        assert finite_gradients(model)
    model.eval()
    regularizer.eval()
    with torch.inference_mode():
        first, again = (regularizer(model, model(images())).loss for _ in range(2))
    assert torch.equal(first, again)


@of("regularizers")
def test_players_learn_from_their_own_loss(tiny: Callable[..., Recipe], kind: str) -> None:
    """A regularizer that plays against the model gets better at it while the model stands still."""
    recipe = recipe_with(tiny, "regularizers", kind)
    torch.manual_seed(0)
    model = Autoencoder(recipe, IMAGE)
    regularizer = build_objective(recipe, model).regularizer
    if not hasattr(regularizer, "players"):
        return
    weights = [weight for player in regularizer.players.values() for weight in player.network.parameters()]
    assert {id(weight) for weight in weights} <= {id(weight) for weight in regularizer.parameters()}
    optimizer = torch.optim.Adam(weights, 1e-2)
    trace = model(images()).detached()
    losses: list[float] = []
    for _ in range(20):
        torch.manual_seed(0)
        loss = regularizer.play(trace).loss
        assert loss.shape == (6,)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
        losses.append(loss.mean().item())
    assert losses[-1] < losses[0]
    assert all(weight.grad is None for weight in model.parameters())


@of("priors")
def test_prior_scores_and_draws(kind: str) -> None:
    part = build("priors", kind)

    def posterior_of(x: Tensor) -> Posterior:
        return Posterior(x.flatten(1)[:, :3], torch.zeros(len(x), 3))

    drawn = part.sample(5, posterior_of, torch.Generator().manual_seed(3))
    assert drawn.shape == (5, 3)
    assert torch.equal(drawn, part.sample(5, posterior_of, torch.Generator().manual_seed(3)))
    z = drawn.detach().requires_grad_()
    density = part(z, posterior_of)
    assert density.shape == (5,)
    density.sum().backward()
    assert z.grad is not None
    assert z.grad.isfinite().all()


@of("measures")
def test_measure_scores_each_image_and_prefers_the_copy(kind: str) -> None:
    measure = registry.build("measures", kind, {})
    true = ((images() + 1) * 127.5).to(torch.uint8)
    noisy = (true.int() + torch.randint(-40, 40, true.shape)).clamp(0, 255).to(torch.uint8)
    good, bad = measure(true, true), measure(noisy, true)
    assert good.shape == (6,)
    assert good.dtype == torch.float64
    assert good.isfinite().all()
    assert ((good > bad) if measure.higher_is_better else (good < bad)).all()
    assert ((measure.least <= bad) & (bad <= measure.most)).all()
    assert measure.undefined is None or isinstance(measure.undefined, str)
    described = known_measures()[kind]  # strict: every attribute is there and of its type
    assert described.name and described.about.endswith(".")


def recipe_with(tiny: Callable[..., Recipe], sort: str, kind: str, extra: dict[str, Any] | None = None) -> Recipe:
    """The tiny recipe with one part exchanged, every penalty of its bottleneck weighted."""
    table = {"architectures": "architecture", "bottlenecks": "bottleneck", "corruptions": "corruption"}
    table |= {name + "s": name for name in ("objective", "distortion", "regularizer", "prior")}
    changes = {f"{table[sort]}.kind": kind, **{f"{table[sort]}.{k}": v for k, v in options(sort, kind).items()}}
    if hasattr(registry.find(sort, kind), "takes_mask"):
        changes |= {"corruption.kind": "hidden_patches"}
    if sort in ("priors", "regularizers") or kind == "importance":  # they are for posteriors
        changes |= {"bottleneck.kind": "gaussian", "bottleneck.dim": 3}
    raw = apply(tiny().table(), {**changes, **(extra or {})})
    penalties = registry.find("bottlenecks", raw["bottleneck"]["kind"]).penalties
    handled = registry.find("objectives", raw["objective"]["kind"]).handles
    weights = {f"objective.weights.{name}": 0.1 for name in penalties if name not in handled}
    return resolve(apply(raw, weights))


MODEL_PARTS = [(s, k) for s, k in PARTS if s not in ("datasets", "measures", "samplers", "checks")]


@pytest.mark.parametrize(("sort", "kind"), MODEL_PARTS)
def test_a_model_with_this_part_learns(tiny: Callable[..., Recipe], sort: str, kind: str) -> None:
    """Twenty steps on one batch lower the loss, every gradient finite."""
    recipe = recipe_with(tiny, sort, kind)
    torch.manual_seed(0)
    model = Autoencoder(recipe, IMAGE)
    objective = build_objective(recipe, model)
    optimizer = torch.optim.Adam([*model.parameters(), *learned(objective)], 3e-3)
    losses: list[float] = []
    for _ in range(20):
        loss = objective(model, model(images(), torch.Generator().manual_seed(0))).loss.mean()
        optimizer.zero_grad()
        loss.backward()
        assert finite_gradients(model)
        optimizer.step()
        losses.append(loss.item())
    # a likelihood's nats begin far above zero, and an adversary's player stands still here
    assert losses[-1] < (losses[0] if sort in ("distortions", "regularizers") else 0.9 * losses[0])


def learned(objective: nn.Module) -> list[nn.Parameter]:
    """What the objective learns with the model: not its players, which learn against it."""
    games = [part for part in objective.modules() if hasattr(part, "players")]
    playing = {id(w) for game in games for player in game.players.values() for w in player.network.parameters()}
    return [weight for weight in objective.parameters() if id(weight) not in playing]


@pytest.mark.parametrize(("sort", "kind"), MODEL_PARTS)
def test_a_model_with_this_part_survives_a_round_trip(tiny: Callable[..., Recipe], sort: str, kind: str) -> None:
    """Its state moves to a second model, built from the recipe alone, which then answers the same."""
    recipe = recipe_with(tiny, sort, kind)
    torch.manual_seed(0)
    model = Autoencoder(recipe, IMAGE)
    model(images())  # running statistics away from their start
    torch.manual_seed(99)
    twin = Autoencoder(resolve(recipe.table()), IMAGE)
    twin.load_state_dict(copy.deepcopy(model.state_dict()))
    pixels = ((images() + 1) * 127.5).to(torch.uint8).numpy()
    assert (model.encode(pixels) == twin.encode(pixels)).all()
    assert (model.reconstruct(pixels) == twin.reconstruct(pixels)).all()
    assert (model.decode(model.encode(pixels)) == model.reconstruct(pixels)).all()


LINEAR_PARTS = [
    (sort, kind)
    for sort, kind in MODEL_PARTS
    if sort in ("architectures", "bottlenecks") and hasattr(registry.find(sort, kind), "start_beside_linear")
]


@pytest.mark.parametrize(("sort", "kind"), LINEAR_PARTS)
def test_beside_a_linear_path_a_model_starts_as_pca(tiny: Callable[..., Recipe], sort: str, kind: str) -> None:
    """Step 0 is PCA to a grey level's rounding, and training moves the network and the path."""
    recipe = recipe_with(tiny, sort, kind, {"model.linear": "pca"})
    torch.manual_seed(0)
    model = Autoencoder(recipe, IMAGE)
    pixels = ((images(40) + 1) * 127.5).to(torch.uint8)
    components = pca.fit(pixels.numpy(), model.latent_size)
    assert model.linear is not None
    model.start_at(components)
    expected = components.reconstruct(pixels.numpy(), model.latent_size)
    with torch.no_grad():
        found = model.eval().reconstruct_pixels(pixels)
    assert (found.int() - torch.from_numpy(expected).int()).abs().max() <= 1
    z = torch.from_numpy(model.encode(pixels.numpy())).flatten(1)
    torch.testing.assert_close(z.std(0), torch.ones(model.latent_size), rtol=1e-3, atol=1e-3)

    model.train()
    objective = build_objective(recipe, model)
    before = {name: value.clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(3):
        objective(model, model(images(), torch.Generator().manual_seed(0))).loss.mean().backward()
        assert finite_gradients(model)
        optimizer.step()
    still = [name for name, value in model.named_parameters() if torch.equal(value, before[name])]
    assert not still


@of("bottlenecks")
def test_a_bottleneck_that_cannot_stand_beside_a_linear_path_is_refused_there(
    tiny: Callable[..., Recipe], kind: str
) -> None:
    recipe = recipe_with(tiny, "bottlenecks", kind, {"model.linear": "pca"})
    if hasattr(registry.find("bottlenecks", kind), "start_beside_linear"):
        assert Autoencoder(recipe, IMAGE).linear is not None
    else:
        with pytest.raises(InputError, match=rf"{kind}.*model\.linear=none"):
            Autoencoder(recipe, IMAGE)


@of("bottlenecks")
def test_codes_name_what_the_decoder_gets(kind: str) -> None:
    """Code -> vector -> code is exact, and a latent holds nothing that its codes do not say."""
    part = build("bottlenecks", kind).eval()
    latent = part(features())
    if latent.codes is None:
        assert not hasattr(part, "codebook")
        return
    assert not latent.codes.is_floating_point()
    assert latent.codes.shape == (6, *part.code_shape)
    assert latent.codes.min() >= 0 and latent.codes.max() < part.codes
    torch.testing.assert_close(part.write(latent.codes), latent.z)
    if hasattr(part, "codebook"):  # one table names all vectors
        book = part.codebook()
        assert book.shape == (part.codes, part.latent_shape[0])
        torch.testing.assert_close(book[latent.codes].movedim(-1, 1), latent.z)
    assert torch.equal(part.read(part.write(latent.codes)), latent.codes)


@of("bottlenecks")
def test_bottleneck_draws_from_the_generator_it_is_handed(kind: str) -> None:
    """A captured CUDA graph replays such draws; ones from the global generator it would share with other runs."""
    part = build("bottlenecks", kind).train()
    twin = copy.deepcopy(part)  # a step may move a codebook
    first = part(features(), generator=torch.Generator().manual_seed(3)).z
    torch.manual_seed(99)
    assert torch.equal(first, twin(features(), generator=torch.Generator().manual_seed(3)).z)


@of("datasets")
def test_dataset_builds_from_its_options(kind: str) -> None:
    """Its options can be listed and checked without reading any image."""
    part = registry.find("datasets", kind)
    assert hasattr(part, "load")
    assert registry.options(part) is not None
