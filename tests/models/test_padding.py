"""Sides that an architecture does not divide: what is added to images, and taken off again."""

from __future__ import annotations

import pytest
import torch

from isthmus.models.architectures.conv import Conv
from isthmus.models.architectures.residual import Residual
from isthmus.models.architectures.vit import Vit
from isthmus.models.interfaces import Architecture
from isthmus.models.padding import Fold, Unfold, cropped, grid, padded

SIZES = [(28, 28), (33, 47), (5, 16), (2, 4)]


@pytest.mark.parametrize("sides", SIZES, ids=str)
@pytest.mark.parametrize("unit", [1, 4, 16])
def test_the_border_is_repeated_and_comes_off_again(sides: tuple[int, int], unit: int) -> None:
    x = torch.rand(2, 5, *sides)
    more = padded(x, unit)
    rows, columns = grid(sides, unit)
    assert more.shape == (2, 5, unit * rows, unit * columns)
    assert torch.equal(cropped(more, sides), x)
    above, left = ((one - side) // 2 for one, side in zip(more.shape[2:], sides, strict=True))
    down, across = (torch.arange(one) for one in more.shape[2:])
    nearest = (down - above).clamp(0, sides[0] - 1), (across - left).clamp(0, sides[1] - 1)
    assert torch.equal(more, x[:, :, nearest[0][:, None], nearest[1]])
    assert torch.equal(Unfold(unit, sides)(Fold(unit)(x)), x)


def test_nothing_is_done_where_nothing_is_missing() -> None:
    x = torch.rand(2, 3, 8, 12)
    assert padded(x, 4) is x and cropped(x, (8, 12)) is x


def deep(sides: tuple[int, int]) -> list[Architecture]:
    """Architectures whose positions are squares of 16 pixels."""
    shape = (2, *sides)
    return [
        Conv(shape, filters=[4, 4, 4, 4], strides=[2, 2, 2, 2]),
        Residual(shape, patch=16, width=8, depth=1),
        Vit(shape, patch=16, width=8, depth=1, heads=2),
    ]


@pytest.mark.parametrize("sides", SIZES, ids=str)
def test_images_of_any_size_go_through_four_halvings(sides: tuple[int, int]) -> None:
    """Also those smaller than a single position of the features."""
    torch.manual_seed(0)
    for architecture in deep(sides):
        x = torch.rand(3, 2, *sides) * 2 - 1
        h = architecture.encoder(x)
        assert h.shape == (3, *architecture.feature_shape)
        assert architecture.feature_shape[1:] == grid(sides, 16)
        assert architecture.decoder(h).shape == x.shape


def test_images_that_would_be_lost_in_their_padding_are_refused() -> None:
    for build in (
        lambda: Conv((3, 8, 6), filters=[4, 4], strides=[3, 12], kernel=12),
        lambda: Residual((3, 8, 6), patch=36),
        lambda: Vit((3, 8, 6), patch=36),
    ):
        with pytest.raises(ValueError, match="squares of 36x36 pixels are far larger than the images, 8x6; choose"):
            build()


def test_an_image_is_encoded_as_the_padded_one_is() -> None:
    torch.manual_seed(0)
    for small, large in zip(deep((20, 33)), deep((32, 48)), strict=True):
        large.load_state_dict(small.state_dict())
        x = torch.rand(3, 2, 20, 33) * 2 - 1
        small.eval(), large.eval()
        assert torch.equal(small.encoder(x), large.encoder(padded(x, 16)))
        h = small.encoder(x)
        assert torch.equal(small.decoder(h), large.decoder(h)[:, :, 6:26, 7:40])
