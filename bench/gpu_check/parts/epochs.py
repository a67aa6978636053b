"""Seconds an epoch of the post's first network, batch by batch, beside what its memory traffic takes at least."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from bench import network
from bench.contest import run_module
from bench.gpu_check.found import Found, NoGoal, Said, Value
from bench.gpu_check.goals import EPOCH_32, EPOCH_BEST, FLOOR_SHARE
from bench.gpu_check.setting import Setting
from bench.traffic import copy_bandwidth, image_bytes

IMAGES = 50_000
BATCHES = (32, 512, 1024, 128)  # the goal's first, then the likely best, should the time not suffice


def measure(setting: Setting) -> Iterator[Found]:
    batches, seconds, images = ((32,), 0.5, 300) if setting.rehearse else (BATCHES, 4.0, IMAGES)
    # two bytes a value: bf16, the default precision on this device
    moved = IMAGES * image_bytes(nn.Sequential(network.encoder(), network.decoder()), bytes_per_value=2)
    bandwidth = copy_bandwidth(setting.device, 2**24 if setting.rehearse else 2**30)
    floor = moved / bandwidth
    yield Said(f"memory floor of an epoch: {floor:.3f} s, {moved / 1e9:.0f} GB at {bandwidth / 1e9:,.0f} GB/s")
    best = None
    for batch in batches:
        options = ("--batch", batch, "--seconds", seconds, "--images", images, "--device", setting.device)
        try:
            result = run_module("contestants.isthmus_train", [str(option) for option in options])
        except SystemExit as error:  # a batch that does not fit leaves the others
            yield Said(f"an epoch at batch {batch}: {str(error).strip().splitlines()[-1]}")
            continue
        epoch = IMAGES / result["images_per_second"]
        yield Said(f"an epoch at batch {batch}: {epoch:.3f} s ({result['precision']})")
        if batch == 32:
            yield Value(EPOCH_32, epoch)
        if best is None or epoch < best:
            best = epoch
            yield Value(EPOCH_BEST, best)
            yield Value(FLOOR_SHARE, floor / best)
    if setting.device == "cpu":
        yield NoGoal(EPOCH_32, "measured on a CPU")
