"""The residual network: identity at the start, and it refines the linear path's image."""

from __future__ import annotations

import torch

from isthmus.models.architectures.residual import Residual

SHAPE = (3, 16, 16)


def images() -> torch.Tensor:
    return torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_every_block_starts_as_the_identity() -> None:
    torch.manual_seed(0)
    network = Residual(SHAPE, width=8, depth=3, channels=4)
    h = torch.randn(2, 8, 4, 4)
    for block in (*network.encoder[2:5], *network.decoder.blocks):
        torch.testing.assert_close(block(h), h)


def test_beside_a_linear_path_it_starts_at_zero_and_sees_the_paths_image() -> None:
    torch.manual_seed(0)
    network = Residual(SHAPE, width=8, depth=1, channels=4)
    network.start_beside_linear()
    h = network.encoder(images())
    assert network.decoder(h, images()).abs().max() == 0
    torch.nn.init.normal_(network.decoder.last.weight)
    assert not torch.equal(network.decoder(h, images()), network.decoder(h, -images()))


def test_arithmetic_lies_at_low_resolution() -> None:
    network = Residual((3, 32, 32), patch=4, channels=16)
    assert network.feature_shape == (16, 8, 8)
    assert Residual((3, 32, 32), patch=8).feature_shape == (16, 4, 4)


def test_beside_a_linear_path_it_takes_that_paths_image_at_any_size() -> None:
    """The image is padded as the encoder pads: each pixel of it is still seen at its own position."""
    torch.manual_seed(0)
    network = Residual((1, 9, 14), patch=4, width=8, depth=1, channels=4)
    network.start_beside_linear()
    torch.nn.init.normal_(network.decoder.last.weight)
    h = network.encoder(torch.zeros(1, 1, 9, 14))
    assert h.shape == (1, 4, 3, 4)
    base = torch.zeros(1, 1, 9, 14)
    base[..., -1, -1] = 1  # the last pixel, which is repeated in the border
    changed = (network.decoder(h, base) != network.decoder(h, torch.zeros_like(base)))[0, 0]
    assert changed.shape == (9, 14)
    assert changed[-1, -1] and not changed[0, 0]
