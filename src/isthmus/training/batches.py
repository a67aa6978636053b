"""Batches in the order of an epoch, from images on the device or, ahead of the step, from disk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from isthmus.core.pixels import Pixels
from isthmus.core.streams import stream
from isthmus.models.pixels import to_unit
from isthmus.models.processes import ALONE, Processes
from isthmus.training.read_ahead import read_ahead


class BatchSource(ABC):
    """Shuffled batches of `count` images, in [-1, 1].

    The order in epoch e is a function of (seed, e) only, so a resumed run sees the same batches, wherever the images
    are. With `mirror`, a random half of the images in each epoch has left and right exchanged.
    An epoch is `passes` passes over the images, each in its own order. Of every batch, each of the `processes` gets its
    share.
    """

    def __init__(
        self,
        count: int,
        batch: int,
        *,
        seed: int,
        mirror: bool = False,
        passes: int = 1,
        processes: Processes = ALONE,
    ) -> None:
        self.count = count
        self.batch = batch
        self.seed = seed
        self.mirror = mirror
        self.passes = passes
        self.processes = processes

    def __len__(self) -> int:
        return self.passes * self._per_pass

    @abstractmethod
    def epoch(self, number: int, *, start: int = 0) -> Iterator[Tensor]:
        """What `cut` takes for this process's share of each batch of an epoch, (b, ...), from batch `start` on.

        A pass's last batch may be smaller.
        """

    def images_in(self, number: int) -> int:
        """The images of all processes in batch `number` of an epoch."""
        return min(self.batch, self.count - number % self._per_pass * self.batch)

    @abstractmethod
    def cut(self, chosen: Tensor) -> Tensor:
        """The images of a share, (b, C, H, W) float32; nothing here waits for the device."""

    def orders(self, number: int, start: int) -> Iterator[Tensor]:
        """For each pass of an epoch, its images in order, (N,) int64, or what is left of them from batch `start` on.

        Index i of a mirrored image is given as -1 - i.
        """
        done, start = divmod(start, self._per_pass)
        for one in range(done, self.passes):
            yield self._order(number * self.passes + one)[(start if one == done else 0) * self.batch :]

    def shares(self, order: Tensor) -> Iterator[Tensor]:
        """This process's share of each batch of a pass's `order` (N,)."""
        for whole in order.split(self.batch):
            share = self.processes.share(len(whole))
            yield whole if share is None else share.own(whole)

    @property
    def _per_pass(self) -> int:
        return -(-self.count // self.batch)

    def _order(self, number: int) -> Tensor:
        draw = torch.Generator().manual_seed(stream("order", self.seed, number))
        order = torch.randperm(self.count, generator=draw)
        if self.mirror:
            draw.manual_seed(stream("mirror", self.seed, number))
            order = torch.where(torch.rand(len(order), generator=draw) < 0.5, order, -1 - order)
        return order


class Batches(BatchSource):
    """Cut from images (N, C, H, W) that are on the device: `epoch` gives indices (b,) on it."""

    def __init__(
        self,
        images: Tensor,
        batch: int,
        *,
        seed: int,
        mirror: bool = False,
        passes: int = 1,
        processes: Processes = ALONE,
    ) -> None:
        super().__init__(len(images), batch, seed=seed, mirror=mirror, passes=passes, processes=processes)
        self.images = images

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Tensor]:
        for order in self.orders(number, start):
            yield from self.shares(order.to(self.images.device))

    def cut(self, chosen: Tensor) -> Tensor:
        if not self.mirror:
            return to_unit(self.images.index_select(0, chosen))  # a tenth of the time of self.images[chosen]
        mirrored = chosen < 0
        pixels = self.images.index_select(0, torch.where(mirrored, -1 - chosen, chosen))
        return to_unit(_mirrored(pixels, mirrored))


class BatchesFromDisk(BatchSource):
    """Read by a thread, some batches ahead of the step: `epoch` gives pixels (b, C, H, W) on the device."""

    def __init__(
        self,
        images: Pixels,
        device: torch.device,
        batch: int,
        *,
        seed: int,
        mirror: bool = False,
        passes: int = 1,
        processes: Processes = ALONE,
    ) -> None:
        super().__init__(len(images), batch, seed=seed, mirror=mirror, passes=passes, processes=processes)
        self.images, self.device = images, device

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Tensor]:
        batches = (chosen for order in self.orders(number, start) for chosen in self.shares(order))
        for pixels in read_ahead(map(self._read, batches)):
            yield pixels.to(self.device, non_blocking=True)

    def cut(self, chosen: Tensor) -> Tensor:
        return to_unit(chosen)

    def _read(self, chosen: Tensor) -> Tensor:
        mirrored = chosen < 0
        pixels = torch.from_numpy(self.images[torch.where(mirrored, -1 - chosen, chosen).numpy()])
        if self.mirror:
            pixels = _mirrored(pixels, mirrored)
        return pixels.pin_memory() if self.device.type == "cuda" else pixels


def _mirrored(pixels: Tensor, which: Tensor) -> Tensor:
    """pixels (B, C, H, W) with left and right exchanged where `which` (B,) is true.

    torch cannot flip unsigned 16 bits, nor choose among them on CUDA, but the same bits as signed ones.
    """
    if pixels.dtype == torch.uint16:
        return _mirrored(pixels.view(torch.int16), which).view(torch.uint16)
    return torch.where(which[:, None, None, None], pixels.flip(3), pixels)
