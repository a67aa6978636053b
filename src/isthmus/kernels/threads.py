"""Work for several threads that do not wait for each other: our kernels beside PyTorch's, and images in pieces."""

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
_PIXELS = 64 * 32 * 32  # pixels in a piece, about
_AT_ONCE, _PIXELS_AT_ONCE = 256, 256 * 64 * 64  # images in a piece if no threads share them, and their pixels, at most


class _Own(threading.local):
    count: int | None = None


_own = _Own()


def count() -> int:
    """Threads for the kernels that this Python thread calls: as many as PyTorch has, or had before `torch_on_one`."""
    return _own.count or torch.get_num_threads()


@contextlib.contextmanager
def torch_on_one() -> Generator[None]:
    """Inside the block, PyTorch's operations use one thread, and ours use as many as PyTorch had.

    OpenMP's threads wait for each other after every operation: beside another busy process, small operations then
    take milliseconds. Also, with one thread the bits do not depend on the number of threads.
    """
    before, outer = torch.get_num_threads(), _own.count
    _own.count = outer or before
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _own.count = outer


def images_in_a_piece(device: torch.device | None, pixels: int) -> int:
    """How many images with `pixels` (H * W) `pieces` gives to `work` at once; a function of these two alone."""
    if device is None or device.type == "cpu":
        return max(1, _PIXELS // pixels)
    return min(_AT_ONCE, max(1, _PIXELS_AT_ONCE // pixels))


def pieces(
    work: Callable[..., T], *images: Tensor, device: torch.device | None = None, pixels: int | None = None
) -> list[T]:
    """work(part, ...) for parts of images (N, C, H, W); results in order. As many threads as PyTorch has share them.

    pixels: of one image, H * W; needed if the inputs are latents of images.

    Parts depend only on the images' number and size, and `work` must depend only on its images, so bits do not depend
    on the number of threads. If `device`, where `work` computes, is not the CPU, this thread calls it alone.
    """
    here = device is None or device.type == "cpu"
    each = images_in_a_piece(device, pixels or math.prod(images[0].shape[2:]))
    parts = list(zip(*(one.split(each) for one in images), strict=True))
    if not here:
        return [work(*part) for part in parts]
    everyone = torch.get_num_threads()
    with torch_on_one():  # also in the threads that start inside the block
        if everyone == 1 or len(parts) == 1:
            return [work(*part) for part in parts]
        with ThreadPoolExecutor(min(everyone, len(parts))) as pool:
            return list(pool.map(work, *zip(*parts, strict=True)))
