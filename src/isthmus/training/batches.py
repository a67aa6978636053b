"""Batches, cut from uint8 images that are already on the device."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from isthmus.core.streams import stream
from isthmus.models.pixels import to_unit


class Batches:
    """Shuffled batches of `images` (N, C, H, W) uint8, in [-1, 1].

    The order in epoch e is a function of (seed, e) only, so a resumed run sees the same batches.
    With `mirror`, a random half of the images in each epoch has left and right exchanged.
    An epoch is `passes` passes over the images, each in its own order.
    """

    def __init__(self, images: Tensor, batch: int, *, seed: int, mirror: bool = False, passes: int = 1) -> None:
        self.images = images
        self.batch = batch
        self.seed = seed
        self.mirror = mirror
        self.passes = passes

    def __len__(self) -> int:
        return self.passes * self._per_pass

    @property
    def _per_pass(self) -> int:
        return -(-len(self.images) // self.batch)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Tensor]:
        """The images of each batch of an epoch, from batch `start` on; a pass's last batch may be smaller.

        Indices (B,) int64 on the images' device; index i of a mirrored image is given as -1 - i.
        """
        done, start = divmod(start, self._per_pass)
        for one in range(done, self.passes):
            yield from self._pass(number * self.passes + one, start=start if one == done else 0)

    def _pass(self, number: int, *, start: int) -> Iterator[Tensor]:
        draw = torch.Generator().manual_seed(stream("order", self.seed, number))
        order = torch.randperm(len(self.images), generator=draw)
        if self.mirror:
            draw.manual_seed(stream("mirror", self.seed, number))
            order = torch.where(torch.rand(len(order), generator=draw) < 0.5, order, -1 - order)
        order = order.to(self.images.device)
        for begin in range(start * self.batch, len(order), self.batch):
            yield order[begin : begin + self.batch]

    def cut(self, chosen: Tensor) -> Tensor:
        """The images that `epoch` chose, (B, C, H, W) float32; nothing here waits for the device."""
        if not self.mirror:
            return to_unit(self.images.index_select(0, chosen))  # a tenth of the time of self.images[chosen]
        mirrored = chosen < 0
        pixels = self.images.index_select(0, torch.where(mirrored, -1 - chosen, chosen))
        return to_unit(torch.where(mirrored[:, None, None, None], pixels.flip(3), pixels))
