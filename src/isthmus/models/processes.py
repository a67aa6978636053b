"""The processes that train one model together; outside of such a training there is one."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from isthmus.core.share import Share

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """`count` processes, of which this one is number `rank`. hosts: the group for what the hosts tell each other.

    Every process calls the methods in the same order. Tensors of a model go over the default group, which is NCCL's
    on CUDA; the rest over `hosts`, so that nothing waits for the device.
    """

    rank: int = 0
    count: int = 1
    hosts: dist.ProcessGroup | None = None

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def share(self, images: int) -> Share | None:
        """This process's share of a batch; None where it is whole: alone, or of fewer images than processes.

        So few images are computed by every process, whole, with the same result.
        """
        return None if self.count == 1 or images < self.count else Share(self.rank, self.count, images)

    def wait(self) -> None:
        """Until every process is here."""
        if self.count > 1:
            dist.barrier(self.hosts)

    def added(self, numbers: Tensor) -> Tensor:
        """The sum over the processes of numbers on the CPU."""
        if self.count == 1:
            return numbers
        total = numbers.clone()
        dist.all_reduce(total, group=self.hosts)
        return total

    def told(self, value: T) -> T:
        """What the first process gives; the others' values do not matter."""
        if self.count == 1:
            return value
        box: list[Any] = [value if self.first else None]
        dist.broadcast_object_list(box, src=0, group=self.hosts)
        return box[0]

    def everyone(self, value: T) -> list[T]:
        """The values of all processes, in their order."""
        if self.count == 1:
            return [value]
        found: list[Any] = [None] * self.count
        dist.all_gather_object(found, value, group=self.hosts)
        return found

    def own(self, parts: Sequence[T]) -> Sequence[T]:
        """This process's contiguous range of `parts`; the others have the others."""
        share = Share(self.rank, self.count, len(parts))
        return parts[share.first : share.last]


ALONE = Processes()
_here: Processes = ALONE
_spread: ContextVar[bool] = ContextVar("_spread", default=False)


def here() -> Processes:
    """The processes of this training."""
    return _here


def working() -> Processes:
    """The processes that share the work at hand; one outside of `spread`."""
    return _here if _spread.get() else ALONE


@contextmanager
def spread() -> Generator[None]:
    """Inside the block, which all processes enter to do the same, inference and the sums of PCA are shared by them."""
    token = _spread.set(True)
    try:
        yield
    finally:
        _spread.reset(token)


@contextmanager
def joined(rank: int, count: int, **how: Any) -> Generator[Processes]:
    """Inside the block, `here()` are the `count` processes of a group; how: as `dist.init_process_group` takes it."""
    global _here
    dist.init_process_group(rank=rank, world_size=count, **how)
    try:
        hosts = dist.new_group(backend="gloo", timeout=how["timeout"])
        _here = Processes(rank, count, hosts)  # pyright: ignore[reportArgumentType]
        yield _here
    finally:
        _here = ALONE
        dist.destroy_process_group()


def checksum(tensors: Sequence[Tensor]) -> float:
    """A number that differs where weights differ, for the comparison of processes."""
    total = torch.zeros((), dtype=torch.float64)
    for number, tensor in enumerate(tensors, start=1):
        total += number * tensor.detach().cpu().double().sum()
    return float(total)
