"""Work for several threads of which none waits for another: ours beside PyTorch's, and images in pieces."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
_PIXELS = 64 * 32 * 32  # of the images in a piece, about
_AT_ONCE = 256  # images, where no threads share them


class _Own(threading.local):
    count: int | None = None


_own = _Own()


def count() -> int:
    """Of the kernels that this Python thread calls: as many as PyTorch has, but for `torch_on_one`."""
    return _own.count or torch.get_num_threads()


@contextlib.contextmanager
def torch_on_one() -> Generator[None]:
    """Let PyTorch's operations use one thread meanwhile, and ours as many as it had.

    OpenMP's threads wait for each other after every operation: beside another program's busy process small ones take
    milliseconds. And bits do not depend on the number of threads.
    """
    before, outer = torch.get_num_threads(), _own.count
    _own.count = outer or before
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _own.count = outer


def pieces(
    work: Callable[..., T], *images: Tensor, device: torch.device | None = None, pixels: int | None = None
) -> list[T]:
    """work(part, ...) for parts of images (N, C, H, W), in their order, each by one of as many threads as PyTorch has.

    pixels: of one image, H * W; to be given where the inputs are latents of images.

    Parts depend on the images' number and size alone; `work` is a function of its images alone: so bits do not depend
    on the number of threads. Where `device`, on which it works, is not the CPU, it is called by this thread.
    """
    here = device is None or device.type == "cpu"
    each = max(1, _PIXELS // (pixels or math.prod(images[0].shape[2:]))) if here else _AT_ONCE
    parts = list(zip(*(one.split(each) for one in images), strict=True))
    if not here:
        return [work(*part) for part in parts]
    everyone = torch.get_num_threads()
    with torch_on_one():  # as have the threads that begin meanwhile
        if everyone == 1 or len(parts) == 1:
            return [work(*part) for part in parts]
        with ThreadPoolExecutor(min(everyone, len(parts))) as pool:
            return list(pool.map(work, *zip(*parts, strict=True)))
