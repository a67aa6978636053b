"""Parts are what their interface says: they have what is abstract, and do what they declare, no more and no less."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.models.test_contract import PARTS, VALUES

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.sorts import SORTS
from isthmus.core.values import Posterior
from isthmus.models import interfaces
from isthmus.models.architectures.conv import Conv
from isthmus.models.padding import cropped, padded
from isthmus.testing.part_under_test import IMAGE, ODD_IMAGE, PartUnderTest


def of(sort: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return pytest.mark.parametrize("kind", registry.kinds(sort))


def build(sort: str, kind: str) -> Any:
    return PartUnderTest(sort, kind, VALUES).build()


def h() -> torch.Tensor:
    """Features for bottlenecks."""
    return PartUnderTest("bottlenecks", "vector", VALUES).h()


on_images = pytest.mark.parametrize("image", [IMAGE, ODD_IMAGE], ids=str)


@pytest.mark.parametrize(("sort", "kind"), PARTS)
def test_a_part_extends_its_interface_and_nothing_else(sort: str, kind: str) -> None:
    """Abstract or final: nobody inherits a method from another part."""
    module, _, name = SORTS[sort].interface.partition(":")
    assert registry.find(sort, kind).__bases__ == (getattr(importlib.import_module(module), name),)


def test_a_part_that_lacks_what_is_abstract_cannot_be_built() -> None:
    class Half(interfaces.Bottleneck):
        def expand(self, z: torch.Tensor) -> torch.Tensor:
            return z

    with pytest.raises(TypeError, match="forward"):
        Half()  # type: ignore[abstract]


@of("bottlenecks")
def test_a_bottleneck_does_what_it_declares(kind: str) -> None:
    part = build("bottlenecks", kind).eval()
    latent = part(h())
    assert (latent.posterior is not None) == part.has_posterior
    if part.has_posterior:
        assert isinstance(part.posterior(h()), Posterior)
    else:
        with pytest.raises(NotImplementedError, match="no posterior"):
            part.posterior(h())
    if part.has_own_prior:
        assert part.sample_prior(5, torch.Generator().manual_seed(0)).shape == (5, *part.latent_shape)
    else:
        with pytest.raises(NotImplementedError, match="no prior of its own"):
            part.sample_prior(5)
    offset = torch.ones(6, *part.latent_shape)
    if part.supports_linear_start:
        torch.testing.assert_close(part(h(), offset=offset).z, latent.z + 1)
        part.start_beside_linear()
        torch.testing.assert_close(part(h(), offset=offset).z, offset)
    else:
        with pytest.raises(NotImplementedError, match="cannot start"):
            part.start_beside_linear()


@of("corruptions")
@on_images
def test_a_corruption_does_what_it_declares(kind: str, image: tuple[int, int, int]) -> None:
    case = PartUnderTest("corruptions", kind, VALUES, image)
    part, x = case.build(), case.images()
    if not part.hides:
        with pytest.raises(NotImplementedError, match="hides no patches"):
            part.hide(x)
        return
    x_in, mask = part.hide(x, torch.Generator().manual_seed(0))
    assert mask.shape == (6, 1, *image[1:])
    assert mask.dtype == torch.bool
    patch = part.hidden_patch
    hidden = padded(mask.float(), patch)[:, :, ::patch, ::patch]
    assert hidden.sum((1, 2, 3)).tolist() == [round(part.hidden_share * hidden[0].numel())] * 6
    whole = hidden.bool().repeat_interleave(patch, 2).repeat_interleave(patch, 3)
    assert torch.equal(mask, cropped(whole, image[1:])), "a patch is hidden as a whole, up to the border"
    assert torch.equal(x_in.masked_fill(mask, 9), x.masked_fill(mask, 9)), "what is not hidden was changed"


@of("architectures")
@on_images
def test_an_architecture_does_what_it_declares(kind: str, image: tuple[int, int, int]) -> None:
    case = PartUnderTest("architectures", kind, VALUES, image)
    part, x = case.build().eval(), case.images()
    h = part.encoder(x)
    if part.supports_mask:
        hider = PartUnderTest("corruptions", "hidden_patches", VALUES, image).build()
        x_in, mask = hider.hide(x)
        seen = part.encoder(x_in, mask, hider.hidden_share)
        assert seen.shape == h.shape
        assert torch.equal(seen, part.encoder(x_in.masked_fill(mask, 0.7), mask, hider.hidden_share)), "it saw them"
        with pytest.raises(InputError, match="patch"):
            part.check_mask(2 * hider.hidden_patch)
    if part.supports_linear_start:
        part.start_beside_linear()
        base = (x,) if part.refines else ()
        assert not part.decoder(h, *base).any()


@of("regularizers")
def test_a_regularizer_says_whether_it_calls_the_model(kind: str) -> None:
    case = PartUnderTest("regularizers", kind, VALUES)
    model, objective = case.model()
    trace = model(case.images())
    calls: list[str] = []
    for name in ("architecture.encoder", "architecture.decoder", "bottleneck"):
        model.get_submodule(name).register_forward_pre_hook(lambda module, given: calls.append(type(module).__name__))
    objective(model, trace)
    assert bool(calls) == objective.calls_model


def test_an_architecture_that_cannot_start_at_pca_is_refused_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conv, "supports_linear_start", False)
    with pytest.raises(InputError, match=r"'conv' cannot answer zero.*model\.linear=none"):
        PartUnderTest("architectures", "conv", VALUES).model({"model.linear": "pca"})
