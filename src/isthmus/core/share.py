"""The images of a batch that this process holds, where several processes train one model.

Every process takes the images of a batch from `first` to `last`. What a part draws is drawn for the whole batch, the
same in every process, and each takes its own images' numbers: so nothing depends on the number of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # so that data sets are listed and read without loading torch
    from torch import Tensor


@dataclass(frozen=True)
class Share:
    """The share of process `rank` of `count` in a batch of `images`; no share is empty."""

    rank: int
    count: int
    images: int

    @property
    def first(self) -> int:
        return self.images * self.rank // self.count

    @property
    def last(self) -> int:
        """Exclusive."""
        return self.images * (self.rank + 1) // self.count

    @property
    def size(self) -> int:
        return self.last - self.first

    @property
    def largest(self) -> int:
        """The size of the largest share."""
        return -(-self.images // self.count)

    def own(self, whole: Tensor, dim: int = 0) -> Tensor:
        """The numbers of this process's images; along `dim`, each image of the batch has as many rows."""
        rows = whole.shape[dim] // self.images
        return whole.narrow(dim, self.first * rows, self.size * rows)


_held: ContextVar[Share | None] = ContextVar("_held", default=None)


@contextmanager
def holding(share: Share | None) -> Generator[None]:
    """Inside the block, batches are this process's share of larger ones; with None they are whole."""
    token = _held.set(share)
    try:
        yield
    finally:
        _held.reset(token)


def held() -> Share | None:
    """The share of this process in the batch at hand; None where the batch is whole."""
    return _held.get()


def own(whole: Tensor, dim: int = 0) -> Tensor:
    """Of numbers for the whole batch, those of this process's images."""
    share = _held.get()
    return whole if share is None else share.own(whole, dim)


def drawn(make: Callable[[Sequence[int]], Tensor], shape: Sequence[int], dim: int = 0) -> Tensor:
    """make(shape), where the numbers of an image depend on its place in the whole batch, not on its process.

    make: draws a tensor of the shape that it gets, at random. shape: of the numbers for this process's images, which
    lie along `dim`.
    """
    share = _held.get()
    if share is None:
        return make(shape)
    whole = list(shape)
    whole[dim] = shape[dim] // share.size * share.images
    return share.own(make(whole), dim)
