"""What all contestants share (options, images and the stopwatch), so that they differ only in the training."""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

LEARNING_RATE = 1e-3
LOSS_STEPS = 50  # the mean loss of these first steps shows that all train the same model
WARM_UP_STEPS, WARM_UP_SECONDS = 10, 3.0
SEED = 0


def options(*precisions: str) -> argparse.Namespace:
    """The command line of all contestants; `precisions`: the ones this contestant supports, its default first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0, help="measured time, after the warm-up")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--precision", choices=precisions, default=precisions[0])
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    return parser.parse_args()


def random_images(count: int) -> np.ndarray:
    """(N, 3, 32, 32) uint8, 4x4 squares of random colour: as many bytes per image as CIFAR-10, and learnable."""
    cells = np.random.default_rng(SEED).integers(0, 256, (count, 3, 4, 4), dtype=np.uint8)
    return cells.repeat(8, axis=2).repeat(8, axis=3)


def scaled(images: np.ndarray) -> np.ndarray:
    """uint8 -> float32 in [-1, 1]. In place: this needs a quarter of the memory of the post's `x / 127.5 - 1`."""
    pixels = images.astype(np.float32)
    pixels /= 127.5
    pixels -= 1
    return pixels


class Losses:
    """The mean loss of the steps so far; tensors stay on their device until the mean is read."""

    def __init__(self) -> None:
        self.total: Any = 0.0
        self.steps = 0

    def add(self, mean: Any, steps: int = 1) -> None:
        """Add a mean (a number or a tensor with one element) over `steps` steps."""
        self.total = self.total + mean * steps
        self.steps += steps

    def mean(self) -> float | None:
        """The mean; None before the first loss, which can be late on a GPU."""
        return float(self.total) / self.steps if self.steps else None


class Stopwatch:
    """Counts steps; measures images per second after a warm-up.

    synchronize: waits until the device has finished all queued work.
    """

    def __init__(self, seconds: float, synchronize: Callable[[], None] = lambda: None) -> None:
        self.seconds, self.synchronize = seconds, synchronize
        self.steps = 0
        self.first_step = self.loss = self.images_per_second = None
        self.began = self.opened = 0.0
        self.images = 0

    def step(self, images: int, mean_loss: Callable[[], float | None]) -> bool:
        """Call this after each optimizer step; true when the measurement is over.

        mean_loss: mean over the steps so far; called only once, because reading it waits for the device.
        """
        self.steps += 1
        if self.steps == LOSS_STEPS:
            self.loss = mean_loss()
        now = time.perf_counter()
        if self.first_step is None:
            self.synchronize()
            self.first_step, self.began = _process_age(), time.perf_counter()
        elif not self.opened:
            if self.steps > WARM_UP_STEPS and now - self.began > WARM_UP_SECONDS:
                self.synchronize()
                self.opened = time.perf_counter()
        else:
            self.images += images
            if now - self.opened >= self.seconds:
                self.synchronize()
                self.images_per_second = self.images / (time.perf_counter() - self.opened)
        return self.images_per_second is not None


def report(contestant: str, given: argparse.Namespace, watch: Stopwatch, precision: str, **versions: str) -> None:
    """Print the line of JSON that the driver reads."""
    result = {
        "contestant": contestant,
        "batch": given.batch,
        "precision": precision,
        "device": given.device,
        "threads": given.threads,
        "images": given.images,
        "images_per_second": watch.images_per_second,
        "seconds_to_first_step": watch.first_step,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "steps": watch.steps,
        f"mean_loss_{LOSS_STEPS}_steps": watch.loss,
        "versions": versions,
    }
    print(json.dumps(result), flush=True)


def _process_age() -> float:
    """Seconds since this process started, interpreter and imports included (Linux)."""
    with open("/proc/self/stat", encoding="ascii") as file:
        after_name = file.read().rpartition(")")[2].split()
    started = int(after_name[19]) / os.sysconf("SC_CLK_TCK")  # field 22 of proc(5), in ticks since boot
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started
