"""What a part must do on its own."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import get_args

import pytest
import torch
from torch import Tensor

from isthmus.core import registry
from isthmus.core.values import Latent, Posterior, Terms, Trace
from isthmus.evaluation.describe_measures import describe
from isthmus.evaluation.doctor.diagnosis import State
from isthmus.testing.part_under_test import PartUnderTest, finite_gradients

Clause = Callable[[PartUnderTest], None]


def of(part: PartUnderTest) -> list[Clause]:
    """The clauses for a part's sort."""
    return [it_is_documented, its_options_fit_a_recipe, *of_images(part)]


def of_images(part: PartUnderTest) -> list[Clause]:
    """Those of them that depend on the images' shape."""
    return [*_BY_SORT.get(part.sort, ())]


def it_is_documented(part: PartUnderTest) -> None:
    """Its docstring begins with a sentence (`isthmus list` shows the first line) and names every option."""
    said = inspect.cleandoc(part.part.__doc__ or "").partition("\n\n")[0]
    assert len(said.split()) > 1 and said.endswith("."), "the docstring does not begin with a sentence"
    for name in registry.options(part.part):
        assert name in (part.part.__doc__ or ""), f"option {name} is not in the docstring"


def its_options_fit_a_recipe(part: PartUnderTest) -> None:
    """Every default is read back from recipe.toml as it was written."""
    assert (fault := registry.fault_of_options(part.sort, part.part)) is None, fault


def architecture_goes_to_features_and_back(part: PartUnderTest) -> None:
    built = part.build()
    h = built.encoder(part.images())
    assert h.shape == (6, *built.feature_shape)
    x_hat = built.decoder(h)
    assert x_hat.shape == (6, *part.image)
    assert x_hat.isfinite().all()
    x_hat.square().mean().backward()
    assert finite_gradients(built)


def bottleneck_returns_a_latent_and_expands_it(part: PartUnderTest) -> None:
    built = part.build()
    latent = built(part.h())
    assert isinstance(latent, Latent)
    assert latent.z.shape == (6, *built.latent_shape)
    assert built.expand(latent.z).shape == (6, *part.features)
    assert set(latent.penalties) == set(built.penalties)
    for value in latent.penalties.values():
        assert value.shape == (6,)
        assert value.isfinite().all()
    penalties = sum((value.sum() for value in latent.penalties.values()), torch.zeros(()))
    (penalties + built.expand(latent.z).square().sum()).backward()
    assert finite_gradients(built)


def bottleneck_is_deterministic_in_evaluation(part: PartUnderTest) -> None:
    built = part.build().eval()
    assert torch.equal(built(part.h()).z, built(part.h()).z)


def bottleneck_treats_images_one_by_one_in_evaluation(part: PartUnderTest) -> None:
    """An image's latent does not depend on its neighbours in the batch."""
    built = part.build().eval()
    torch.testing.assert_close(built(part.h()).z[:2], built(part.h()[:2]).z)


def codes_name_what_the_decoder_gets(part: PartUnderTest) -> None:
    """Code -> vector -> code is exact, and the codes alone determine the latent."""
    built = part.build().eval()
    latent = built(part.h())
    assert (latent.codes is not None) == (built.codes > 0)
    if latent.codes is None:
        assert built.codebook() is None
        with pytest.raises(NotImplementedError, match="no codes"):
            built.codes_of(latent.z)
        return
    assert not latent.codes.is_floating_point()
    assert latent.codes.shape == (6, *built.code_shape)
    assert latent.codes.min() >= 0 and latent.codes.max() < built.codes
    torch.testing.assert_close(built.vectors_of(latent.codes), latent.z)
    book = built.codebook()
    if book is not None:  # the codebook holds all vectors
        assert book.shape == (built.codes, built.latent_shape[0])
        torch.testing.assert_close(book[latent.codes].movedim(-1, 1), latent.z)
    assert torch.equal(built.codes_of(built.vectors_of(latent.codes)), latent.codes)


def bottleneck_draws_from_the_generator_it_is_handed(part: PartUnderTest) -> None:
    """A captured CUDA graph can replay these draws; the global generator would be shared with other runs."""
    built = part.build().train()
    twin = copy.deepcopy(built)  # a step may change the codebook
    first = built(part.h(), generator=torch.Generator().manual_seed(3)).z
    torch.manual_seed(99)
    assert torch.equal(first, twin(part.h(), generator=torch.Generator().manual_seed(3)).z)


def corruption_keeps_shape_and_target_and_obeys_its_generator(part: PartUnderTest) -> None:
    built, x = part.build(), part.images()
    before = x.clone()
    first = built(x, torch.Generator().manual_seed(3))
    again = built(x, torch.Generator().manual_seed(3))
    assert first.shape == x.shape
    assert torch.equal(first, again)
    assert torch.equal(x, before), "the clean target was changed"
    assert isinstance(built.at_inference, bool)


def objective_gives_one_loss_an_image(part: PartUnderTest) -> None:
    x = part.images()
    x_hat = (0.5 * x).requires_grad_()
    trace = Trace(x, x, part.h(), Latent(torch.zeros(6, 3)), x_hat)
    terms = part.build()(None, trace)
    assert isinstance(terms, Terms)
    for value in (terms.loss, *terms.terms.values()):
        assert value.shape == (6,)
    terms.loss.mean().backward()
    assert x_hat.grad is not None
    assert x_hat.grad.isfinite().all()


def objective_refuses_a_penalty_without_a_weight(part: PartUnderTest) -> None:
    """A penalty is never silently zero."""
    trace = Trace(
        part.images(), part.images(), part.h(), Latent(torch.zeros(6, 3), {"surprise": torch.ones(6)}), part.images()
    )
    with pytest.raises(KeyError, match="surprise"):
        part.build()(None, trace)


def distortion_gives_one_value_an_image_and_is_least_at_the_copy(part: PartUnderTest) -> None:
    built, x = part.build(), part.images()
    flat = torch.zeros_like(x)
    for original in (x, flat):  # a constant image has zero variance, a possible divisor
        x_hat = (0.5 * original).requires_grad_()
        value = built(x_hat, original)
        assert value.shape == (6,)
        value.mean().backward()
        assert x_hat.grad is not None
        assert x_hat.grad.isfinite().all()
    assert (built(x, x) < built(x.roll(1, 0), x)).all()


def prior_scores_and_draws(part: PartUnderTest) -> None:
    built = part.build()

    def posterior_of(x: Tensor) -> Posterior:
        return Posterior(x.flatten(1)[:, :3], torch.zeros(len(x), 3))

    drawn = built.sample(5, posterior_of, torch.Generator().manual_seed(3))
    assert drawn.shape == (5, 3)
    assert torch.equal(drawn, built.sample(5, posterior_of, torch.Generator().manual_seed(3)))
    z = drawn.detach().requires_grad_()
    density = built(z, posterior_of)
    assert density.shape == (5,)
    density.sum().backward()
    assert z.grad is not None
    assert z.grad.isfinite().all()


def measure_scores_each_image_and_prefers_the_copy(part: PartUnderTest) -> None:
    measure, true = part.build(), part.pixels()
    noise = torch.randint(-40, 40, true.shape, generator=torch.Generator().manual_seed(1))
    noisy = (true.int() + noise).clamp(0, 255).to(torch.uint8)
    good, bad = measure(true, true), measure(noisy, true)
    assert good.shape == (6,)
    assert good.dtype == torch.float64
    assert good.isfinite().all()
    assert ((good > bad) if measure.higher_is_better else (good < bad)).all()
    assert ((measure.least <= bad) & (bad <= measure.most)).all()
    described = describe(type(measure))  # strict: every attribute exists and has its type
    assert described.name and described.about.endswith(".")


def check_says_how_far_a_run_must_have_come(part: PartUnderTest) -> None:
    states = part.build().states
    assert states
    assert set(states) <= set(get_args(State))


def dataset_is_built_without_reading_an_image(part: PartUnderTest) -> None:
    """Its options can be listed and checked without the images."""
    assert callable(part.build().load)


_BY_SORT: Mapping[str, Sequence[Clause]] = {
    "datasets": [dataset_is_built_without_reading_an_image],
    "architectures": [architecture_goes_to_features_and_back],
    "bottlenecks": [
        bottleneck_returns_a_latent_and_expands_it,
        bottleneck_is_deterministic_in_evaluation,
        bottleneck_treats_images_one_by_one_in_evaluation,
        codes_name_what_the_decoder_gets,
        bottleneck_draws_from_the_generator_it_is_handed,
    ],
    "corruptions": [corruption_keeps_shape_and_target_and_obeys_its_generator],
    "objectives": [objective_gives_one_loss_an_image, objective_refuses_a_penalty_without_a_weight],
    "distortions": [distortion_gives_one_value_an_image_and_is_least_at_the_copy],
    "priors": [prior_scores_and_draws],
    "measures": [measure_scores_each_image_and_prefers_the_copy],
    "checks": [check_says_how_far_a_run_must_have_come],
}
