"""Batches cut on the device from uint8 images that already lie there."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from isthmus.model import to_unit


class Batches:
    """Shuffled batches of `images` (N, C, H, W) uint8, in [-1, 1].

    The order of epoch e is a function of (seed, e) alone, so a resumed run sees what it would have seen.
    """

    def __init__(self, images: Tensor, batch: int, *, seed: int) -> None:
        self.images = images
        self.batch = batch
        self.seed = seed

    def __len__(self) -> int:
        return -(-len(self.images) // self.batch)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Tensor]:
        """The batches of one epoch from batch `start` on, (B, C, H, W) float32; the last may be smaller."""
        order = torch.randperm(len(self.images), generator=torch.Generator().manual_seed(mix(self.seed, number)))
        order = order.to(self.images.device)
        for begin in range(start * self.batch, len(order), self.batch):
            yield to_unit(self.images[order[begin : begin + self.batch]])


def mix(seed: int, counter: int) -> int:
    """One 63-bit seed from two numbers (splitmix64's finaliser, so that neighbours are unrelated)."""
    word = (seed * 0x9E3779B97F4A7C15 + counter + 1) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    word = (word ^ word >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return (word ^ word >> 31) & 0x7FFFFFFFFFFFFFFF
