"""The baseline: the post's latent-10 network, written carefully with plain torch.nn layers.

x (B, 3, 32, 32) --encoder--> z (B, 10) --decoder--> x_hat (B, 3, 32, 32)

It differs from the post's network in one thing that costs no time: for stride 2, Keras pads below and to the right,
`padding=1` pads on both sides. It does not use isthmus's layers, so it has none of their optimisations.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

IMAGE_SHAPE = (3, 32, 32)
LATENT = 10
LAYERS = ((32, 1), (64, 2), (64, 2), (64, 1))  # filters and stride, from the image on


def encoder() -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = IMAGE_SHAPE[0]
    for filters, stride in LAYERS:
        layers += [nn.Conv2d(channels, filters, 3, stride, padding=1), *_after(filters)]
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 8 * 8, LATENT))


def decoder() -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(LATENT, 64 * 8 * 8), nn.Unflatten(1, (64, 8, 8))]
    channels = 64
    for filters, stride in reversed(LAYERS):
        upwards = nn.ConvTranspose2d(channels, filters, 3, stride, padding=1, output_padding=stride - 1)
        layers += [upwards, *_after(filters)]
        channels = filters
    return nn.Sequential(*layers, nn.ConvTranspose2d(channels, IMAGE_SHAPE[0], 3, padding=1), nn.Tanh())


def step_flop() -> int:
    """Floating-point operations of one image's training step in convolutions and dense layers, two a multiply-add.

    Counts the forward pass, and the backward pass for weights and inputs. The gradient of the image is not needed and
    not counted. Norms, activations and the optimizer are not counted either.
    """
    network = nn.Sequential(encoder(), decoder())
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *IMAGE_SHAPE)).sum().backward()
    return counter.get_total_flops()


def _after(filters: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01), nn.LeakyReLU(0.3)]
