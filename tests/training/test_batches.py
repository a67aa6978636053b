"""Batches: every image once an epoch, in an order that seed and epoch alone decide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from isthmus.data.pixel_file import PixelFile
from isthmus.training.batches import Batches, BatchesFromDisk


def numbered(count: int) -> Tensor:
    """Images (count, 3, 2, 2) uint8, each of one grey level, so that a batch tells which images it holds."""
    return torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 2, 2).contiguous()


def order(batches: Batches, epoch: int, *, start: int = 0) -> list[int]:
    """The numbers of an epoch's images, in the order they come."""
    levels = [(x[:, 0, 0, 0] + 1) * 127.5 for x in map(batches.cut, batches.epoch(epoch, start=start))]
    return [round(level) for level in torch.cat(levels).tolist()] if levels else []


@pytest.mark.parametrize(("count", "batch"), [(12, 4), (10, 4), (3, 8), (1, 1)])
def test_an_epoch_holds_every_image_once(count: int, batch: int) -> None:
    """The last batch holds what is left, and `len` counts it."""
    batches = Batches(numbered(count), batch, seed=0)
    sizes = [len(x) for x in batches.epoch(0)]
    assert sizes[:-1] == [batch] * (len(sizes) - 1)
    assert sum(sizes) == count
    assert len(sizes) == len(batches)
    assert sorted(order(batches, 0)) == list(range(count))


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    batches = Batches(numbered(50), 8, seed=3)
    first = order(batches, 5)
    torch.manual_seed(99)
    assert order(batches, 5) == first, "neither the order of calls nor the global generator matters"
    assert order(batches, 6) != first
    assert order(Batches(numbered(50), 8, seed=4), 5) != first
    assert order(Batches(numbered(50), 16, seed=3), 5) == first, "the size of a batch cuts the order, it does not draw"


def test_a_resumed_epoch_is_the_rest_of_the_whole_one() -> None:
    batches = Batches(numbered(21), 4, seed=0)
    whole = order(batches, 2)
    for done in range(len(batches) + 1):
        assert order(batches, 2, start=done) == whole[4 * done :]


def test_pixels_come_as_the_network_takes_them() -> None:
    """float32 on [-1, 1], x / 127.5 - 1 for all 256 levels."""
    batches = Batches(numbered(256), 256, seed=0)
    x = batches.cut(next(batches.epoch(0)))
    assert x.dtype == torch.float32
    levels = torch.tensor(order(Batches(numbered(256), 256, seed=0), 0))
    torch.testing.assert_close(x[:, 1, 1, 1], levels / 127.5 - 1, rtol=0, atol=1e-6)
    assert (x.min().item(), x.max().item()) == (-1, 1)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("dtype", ["<u1", "<u2"])
def test_batches_from_disk_are_those_from_memory(tmp_path: Path, mirror: bool, dtype: str) -> None:
    """To the bit, in the middle of an epoch too, whether images are mirrored or not."""
    images = np.random.default_rng(0).integers(0, 256, (21, 2, 3, 4)).astype(dtype)
    path = tmp_path / "pixels"
    path.write_bytes(images.tobytes())
    file = PixelFile(path, 21, (2, 3, 4), images.dtype)
    held = Batches(torch.from_numpy(images), 4, seed=7, mirror=mirror, passes=2)
    read = BatchesFromDisk(file, torch.device("cpu"), 4, seed=7, mirror=mirror, passes=2)
    assert len(held) == len(read)
    for start in (0, 3, 7, len(held)):
        pairs = list(zip(held.epoch(1, start=start), read.epoch(1, start=start), strict=True))
        assert len(pairs) == len(held) - start
        for one, other in pairs:
            assert torch.equal(held.cut(one), read.cut(other))


def test_mirrored_images_of_16_bits_are_chosen_as_signed_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch has no `where` of unsigned 16 bits on CUDA; here it refuses them too."""
    where = torch.where

    def as_on_cuda(condition: Tensor, one: Tensor, other: Tensor | int) -> Tensor:
        if one.dtype == torch.uint16:
            raise NotImplementedError("where_cuda not implemented for 'UInt16'")
        return where(condition, one, other)

    monkeypatch.setattr(torch, "where", as_on_cuda)
    levels = (torch.arange(6 * 3 * 2 * 2) * 900).view(6, 3, 2, 2)  # beyond what 15 bits hold
    batches = Batches(levels.to(torch.uint16), 6, seed=0, mirror=True)
    (chosen,) = batches.epoch(0)
    assert (chosen < 0).any() and (chosen >= 0).any()
    for index, image in zip(chosen.tolist(), batches.cut(chosen), strict=True):
        expected = levels[index] if index >= 0 else levels[-1 - index].flip(2)
        assert torch.equal(((image + 1) * 32767.5).round().long(), expected)
