"""Lower bound for the time of a training step from its memory traffic: bytes are counted, bandwidth is measured."""

from __future__ import annotations

import math
import time

import torch
from torch import Tensor, nn

from bench import network

MOVES = 4  # forward, an activation is written and read once; backward, its gradient is written and read once
VIEWS = (nn.Flatten, nn.Unflatten)  # these layers move no data


def image_bytes(model: nn.Module, *, bytes_per_value: int) -> int:
    """Bytes that a training step moves per image: every layer's output and its gradient, each written and read once.

    Layers are counted separately, also norms and activations; fusing them can beat this bound. Weights and optimizer
    state are left out, since a large batch shares them.
    """
    values: list[int] = []

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        values.append(math.prod(output.shape[1:]))

    leaves = [layer for layer in model.modules() if not list(layer.children()) and not isinstance(layer, VIEWS)]
    hooks = [leaf.register_forward_hook(count) for leaf in leaves]
    with torch.no_grad():
        model.eval()(torch.zeros(1, *network.IMAGE_SHAPE))
    for hook in hooks:
        hook.remove()
    return MOVES * bytes_per_value * sum(values)


def copy_bandwidth(device: str, size_bytes: int) -> float:
    """Bytes per second, read plus written, of the fastest of several copies of `size_bytes`."""
    source = torch.ones(size_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    fastest = math.inf
    for _ in range(10):
        _wait(device)
        begun = time.perf_counter()
        target.copy_(source)
        _wait(device)
        fastest = min(fastest, time.perf_counter() - begun)
    return 2 * size_bytes / fastest


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
