"""What a model with a part must do."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from isthmus.core.errors import InputError
from isthmus.evaluation.baselines import pca
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched_array
from isthmus.models.collect_latents import collect
from isthmus.models.interfaces import Objective, Regularizer
from isthmus.recipes.recipe import resolve
from isthmus.testing.part_under_test import PartUnderTest, finite_gradients

Clause = Callable[[PartUnderTest], None]


def of(part: PartUnderTest) -> list[Clause]:
    """The clauses for a part; parts of sorts that can support a linear path also get a clause about it."""
    if part.sort == "samplers":
        return [sampler_draws_latents_of_a_model_that_suits_it]
    if part.sort == "datasets" or not part.in_recipe:
        return []
    clauses: list[Clause] = [a_model_with_it_learns, a_model_with_it_survives_a_round_trip, *_of_its_sort(part)]
    if part.sort in ("architectures", "bottlenecks") and not part.part.supports_linear_start:
        clauses.append(it_is_refused_beside_a_linear_path)
    return clauses


def of_images(part: PartUnderTest) -> list[Clause]:
    """Fewer clauses, for images of other shapes."""
    if part.sort in ("samplers", "datasets") or not part.in_recipe:
        return []
    return [a_model_with_it_takes_a_step, *_of_its_sort(part)]


def _of_its_sort(part: PartUnderTest) -> list[Clause]:
    if part.sort == "regularizers":
        return [regularizer_gives_one_value_an_image, adversaries_learn_from_their_own_loss]
    if part.sort in ("architectures", "bottlenecks") and part.part.supports_linear_start:
        return [beside_a_linear_path_a_model_starts_as_pca]
    return []


def a_model_with_it_learns(part: PartUnderTest) -> None:
    """Twenty steps on one batch lower the loss, and every gradient is finite."""
    model, objective = part.model()
    optimizer = torch.optim.Adam([*model.parameters(), *_learned(objective)], 3e-3)
    losses: list[float] = []
    for _ in range(20):
        loss = objective(model, model(part.images(), torch.Generator().manual_seed(0))).loss.mean()
        optimizer.zero_grad()
        loss.backward()
        assert finite_gradients(model)
        optimizer.step()
        losses.append(loss.item())
    # a likelihood in nats can start far from zero, and adversaries are not trained here
    assert losses[-1] < (losses[0] if part.sort in ("distortions", "regularizers") else 0.9 * losses[0])


def a_model_with_it_takes_a_step(part: PartUnderTest) -> None:
    """Its output has the images' shape, in training and in use, and every gradient is finite."""
    model, objective = part.model()
    trace = model(part.images(), torch.Generator().manual_seed(0))
    assert trace.x_hat.shape[1:] == part.image
    loss = objective(model, trace).loss
    assert loss.shape == (6,)
    loss.mean().backward()
    assert finite_gradients(model)
    given = part.pixels()
    assert batched_array(model, model.encode_pixels, given).shape == (6, *model.latent_shape)
    assert batched_array(model, model.reconstruct_pixels, given).shape == given.shape


def a_model_with_it_survives_a_round_trip(part: PartUnderTest) -> None:
    """A second model, built only from the recipe, gives the same output after loading the first one's state."""
    model, _ = part.model()
    model(part.images())  # move running statistics away from their initial values
    torch.manual_seed(99)
    twin = Autoencoder(resolve(part.recipe().table()), part.image)
    twin.load_state_dict(copy.deepcopy(model.state_dict()))
    given = part.pixels().numpy()
    assert (model.encode(given) == twin.encode(given)).all()
    assert (model.reconstruct(given) == twin.reconstruct(given)).all()
    assert (model.decode(model.encode(given)) == model.reconstruct(given)).all()


def beside_a_linear_path_a_model_starts_as_pca(part: PartUnderTest) -> None:
    """At step 0 the model equals PCA to within one grey level, and training changes the network and the path."""
    model, objective = part.model({"model.linear": "pca"})
    given = part.pixels(40)
    components = pca.fit(given.numpy(), model.latent_size)
    assert model.linear is not None
    model.start_at(components)
    expected = components.reconstruct(given.numpy(), model.latent_size)
    with torch.no_grad():
        found = model.eval().reconstruct_pixels(given)
    assert (found.int() - torch.from_numpy(expected).int()).abs().max() <= 1
    z = torch.from_numpy(batched_array(model, model.encode_pixels, given)).flatten(1)
    varies = min(model.latent_size, len(given) - 1)  # so many directions have these images
    torch.testing.assert_close(z.std(0)[:varies], torch.ones(varies), rtol=1e-3, atol=1e-3)

    model.train()
    before = {name: value.clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(3):
        objective(model, model(part.images(), torch.Generator().manual_seed(0))).loss.mean().backward()
        assert finite_gradients(model)
        optimizer.step()
    still = [name for name, value in model.named_parameters() if torch.equal(value, before[name])]
    assert not still


def it_is_refused_beside_a_linear_path(part: PartUnderTest) -> None:
    """If the part does not support a linear path, asking for one is an error and is not ignored."""
    recipe = part.recipe({"model.linear": "pca"})
    with pytest.raises(InputError, match=rf"{part.kind}.*model\.linear=none"):
        Autoencoder(recipe, part.image)


def regularizer_gives_one_value_an_image(part: PartUnderTest) -> None:
    """Its gradients are finite; in evaluation, without gradients, it gives the same values twice."""
    model, objective = part.model()
    regularizer = objective.regularizer
    terms = regularizer(model, model(part.images()))
    for value in (terms.loss, *terms.terms.values()):
        assert value.shape == (6,)
        assert value.isfinite().all()
    if terms.loss.requires_grad:
        terms.loss.mean().backward()
        assert finite_gradients(model)
    model.eval()
    regularizer.eval()
    with torch.inference_mode():
        first, again = (regularizer(model, model(part.images())).loss for _ in range(2))
    assert torch.equal(first, again)


def adversaries_learn_from_their_own_loss(part: PartUnderTest) -> None:
    """They improve while the model is fixed, and their loss gives the model no gradients."""
    model, objective = part.model()
    regularizer = objective.regularizer
    weights = _adversaries(regularizer)
    assert {id(weight) for weight in weights} <= {id(weight) for weight in regularizer.parameters()}
    if not weights:
        with pytest.raises(NotImplementedError, match="no adversaries"):
            regularizer.adversary_terms(model(part.images()).detached())
        return
    optimizer = torch.optim.Adam(weights, 1e-2)
    trace = model(part.images()).detached()
    losses: list[float] = []
    for _ in range(20):
        torch.manual_seed(0)
        loss = regularizer.adversary_terms(trace).loss
        assert loss.shape == (6,)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
        losses.append(loss.mean().item())
    assert losses[-1] < losses[0]
    assert all(weight.grad is None for weight in model.parameters())


def sampler_draws_latents_of_a_model_that_suits_it(part: PartUnderTest) -> None:
    """The same generator gives the same latents. It must suit a model with vectors, a posterior or codes."""
    for extra in ({}, {"bottleneck.kind": "gaussian", "bottleneck.dim": 3}, {"bottleneck.kind": "fsq"}):
        model, _ = PartUnderTest("distortions", "mse", {}).model(extra)
        if part.part.suits(model):
            break
    else:
        raise AssertionError(f"{part.kind} suits none of the bottlenecks vector, gaussian and fsq")
    source = part.part(model, collect(model, part.pixels(40).numpy()))
    first, again = (source.sample(7, torch.Generator().manual_seed(3)) for _ in range(2))
    assert first.shape == (7, *model.latent_shape)
    assert first.isfinite().all()
    assert torch.equal(first, again)


def _adversaries(regularizer: Regularizer) -> list[nn.Parameter]:
    return [weight for one in regularizer.adversaries.values() for weight in one.network.parameters()]


def _learned(objective: Objective) -> list[nn.Parameter]:
    """The objective's parameters that train with the model; without its adversaries, which train against it."""
    against = {id(weight) for weight in _adversaries(objective.regularizer)}
    return [weight for weight in objective.parameters() if id(weight) not in against]
