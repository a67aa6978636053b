"""Masked and denoising autoencoders: who sees what, what is scored, and that the noise goes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.families.small import CONV, SIDE, Trained, recipe_of, trained
from torch import Tensor, nn

from isthmus.core.errors import InputError
from isthmus.core.values import Latent, Trace
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.padding import padded
from isthmus.models.pixels import to_pixels, to_unit
from isthmus.training.initial_model import untrained

MASKED: dict[str, Any] = {
    "architecture.kind": "vit",
    "architecture.width": 32,
    "architecture.depth": 2,
    "corruption.kind": "hidden_patches",
    "bottleneck.kind": "map",
    "objective.kind": "masked",
}
CORRUPTIONS: dict[str, dict[str, Any]] = {
    "gaussian": {"std": 0.6},
    "masking": {"share": 0.5},
    "salt_and_pepper": {"share": 0.3},
    "blur": {"std": 3.0},
    "dropped_patches": {"share": 0.3},
}


class Counting(nn.Module):
    """Stands before a module and notes how many tokens come by."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.seen = inner, []

    def forward(self, tokens: Tensor) -> Tensor:
        self.seen.append(tuple(tokens.shape[:2]))
        return self.inner(tokens)


@pytest.mark.parametrize(("shape", "tokens"), [((3, 16, 16), 16), ((1, 10, 15), 12)], ids=str)
def test_the_encoder_sees_visible_patches_alone(shape: tuple[int, int, int], tokens: int) -> None:
    """16 pixels in patches of 4 are 16 tokens; a quarter of them pass the encoder's blocks in training."""
    torch.manual_seed(0)
    model = Autoencoder(recipe_of(MASKED), shape).train()
    counting = model.architecture.encoder.blocks = Counting(model.architecture.encoder.blocks)
    x = torch.rand(5, *shape) * 2 - 1
    trace = model(x)
    assert counting.seen == [(5, tokens // 4)]
    assert trace.mask is not None
    assert padded(trace.mask.float(), 4)[:, :, ::4, ::4].mean((1, 2, 3)).tolist() == [0.75] * 5
    assert trace.x_hat.shape == x.shape
    model.eval()(x)
    assert counting.seen[1:] == [(5, tokens)]


def test_to_hide_all_patches_or_none_is_refused() -> None:
    """An image smaller than a patch has one: hidden it leaves nothing to encode."""
    for shape, share in (((1, 3, 4), 0.75), ((3, 16, 16), 0.02)):
        with pytest.raises(InputError, match=r"corruption: share .* patches of \d+x\d+ images hides"):
            Autoencoder(recipe_of({**MASKED, "corruption.share": share}), shape)


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 10, 15)], ids=str)
def test_hidden_pixels_do_not_reach_the_latent(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    model = Autoencoder(recipe_of(MASKED), shape).train()
    x = torch.rand(5, *shape) * 2 - 1
    x_in, mask = model.corruption.hide(x, torch.Generator().manual_seed(0))
    other = torch.where(mask, torch.rand_like(x), x_in)
    torch.testing.assert_close(model.latent(other, None, mask)[1].z, model.latent(x_in, None, mask)[1].z)


def test_only_hidden_patches_are_scored() -> None:
    recipe = recipe_of(MASKED)
    torch.manual_seed(0)
    objective = build_objective(recipe, Autoencoder(recipe, (3, 16, 16)))
    x = torch.zeros(1, 3, 16, 16)
    mask = torch.zeros(1, 1, 16, 16, dtype=torch.bool)
    mask[:, :, :8] = True
    wrong_where_seen = torch.where(mask, x, x + 1)
    wrong_where_hidden = torch.where(mask, x + 1, x)
    losses = [
        objective(None, Trace(x, x, x, Latent(x), x_hat, mask)).loss.item()
        for x_hat in (wrong_where_seen, wrong_where_hidden)
    ]
    assert losses == [0.0, pytest.approx(1.0)]  # the mean squared error of what was hidden


def test_a_masked_autoencoder_fills_in_better_than_grey() -> None:
    made = trained({**MASKED, "train.epochs": 15})
    pixels = torch.from_numpy(made.splits.test.images)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        filled = made.model.fill_in(pixels, generator)
    grey, mask = made.model.corruption.hide(to_unit(pixels), torch.Generator().manual_seed(0))
    hidden = mask.expand_as(pixels)
    assert torch.equal(filled[~hidden], pixels[~hidden])
    errors = [(one.float() - pixels.float())[hidden].square().mean() for one in (filled, to_pixels(grey, torch.uint8))]
    assert errors[0] < 0.5 * errors[1]


def test_a_masked_autoencoder_without_a_mask_is_not_trained_but_read() -> None:
    """It would be objective `weighted` by another name. Earlier versions trained it, so what they left is evaluated."""
    recipe = recipe_of({"objective.kind": "masked", "corruption.kind": "gaussian"})
    sentence = r"objective\.kind: 'masked' .*corruption 'gaussian' hides none; set corruption\.kind=hidden_patches or"
    with pytest.raises(InputError, match=sentence):
        untrained(recipe, (3, SIDE, SIDE))
    assert build_objective(recipe, Autoencoder(recipe, (3, SIDE, SIDE))).needs_mask


@pytest.fixture(scope="module", params=CORRUPTIONS)
def denoising(request: pytest.FixtureRequest) -> Trained:
    options = {f"corruption.{name}": value for name, value in CORRUPTIONS[request.param].items()}
    return trained({"corruption.kind": request.param, **options, **CONV, "bottleneck.dim": 48, "train.epochs": 12})


def test_the_output_beats_the_noisy_input(denoising: Trained) -> None:
    clean = torch.from_numpy(denoising.splits.test.images)
    noisy = to_pixels(denoising.model.corruption(to_unit(clean), torch.Generator().manual_seed(0)), torch.uint8)
    made = denoising.model.reconstruct(noisy.numpy()).transpose(0, 3, 1, 2)
    errors = [(torch.as_tensor(one).float() - clean.float()).square().mean() for one in (made, noisy)]
    assert errors[0] < errors[1]


def test_noise_is_off_when_the_model_is_used(denoising: Trained) -> None:
    pixels = denoising.splits.test.images[:5]
    assert (denoising.model.reconstruct(pixels) == denoising.model.reconstruct(pixels)).all()
    assert denoising.model.corruption.at_inference is False
