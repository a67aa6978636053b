"""PCA of image sets that do not fit into memory: how long it takes, its memory, and how near to exact it is.

    python -m bench.pca_large FOLDER

FOLDER gets a raw file of drawn images: about 5 GB, deleted at the end. An image is the sum of two windows cut at random
places out of random fields whose amplitude falls with the frequency, as in photographs, with a contrast of its own.
The fit reads the file as it reads a store, block by block, with `pread`.

**How near to exact.** The error is the squared error of the images that PCA is fitted to, unrounded. It is compared
with the exact one where that can be computed: on 5,000 of the images, where the exact directions come from their inner
products (and the approximation starts from 1,250 of them), and on 20,000 smaller images, whose covariance fits.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from bench import record
from bench.goals import Measured
from isthmus.core.pixels import Pixels, Rows
from isthmus.evaluation.baselines import principal_directions as routes
from isthmus.evaluation.baselines.pca import fit
from isthmus.evaluation.evenly import evenly

_FIELDS, _FIELD = 24, 1024  # random fields, and their side
_BLOCK = 256  # images drawn at a time


class RawFile:
    """Images (N, 3, S, S) uint8 in a file of nothing else, read by `pread`."""

    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __init__(self, path: Path, side: int) -> None:
        self.file = os.open(path, os.O_RDONLY)
        self.bytes = 3 * side * side
        self.shape = (os.fstat(self.file).st_size // self.bytes, 3, side, side)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        index = np.arange(len(self))[rows]
        images = np.empty((len(index), *self.shape[1:]), np.uint8)
        for image, row in zip(images, index.tolist(), strict=True):
            held = os.pread(self.file, self.bytes, row * self.bytes)
            image[:] = np.frombuffer(held, np.uint8).reshape(image.shape)
        return images


def draw(path: Path, count: int, side: int, *, power: float, seed: int) -> RawFile:
    """Write `count` images. power: of the frequency, by which amplitudes fall."""
    rng = np.random.default_rng(seed)
    fields = np.stack([_field(rng, power) for _ in range(_FIELDS)])
    with path.open("wb") as file:
        for start in range(0, count, _BLOCK):
            images = np.stack([_image(rng, fields, side) for _ in range(min(_BLOCK, count - start))])
            file.write(images.tobytes())
    return RawFile(path, side)


def _field(rng: np.random.Generator, power: float) -> np.ndarray:
    """(3, F, F) float32: brightness in all channels, and a quarter as much colour."""
    frequency = np.hypot(np.fft.fftfreq(_FIELD)[:, None], np.fft.rfftfreq(_FIELD)[None])
    frequency[0, 0] = np.inf
    waves = np.fft.rfft2(rng.standard_normal((3, _FIELD, _FIELD), np.float32)) * frequency**-power
    field = np.fft.irfft2(waves, s=(_FIELD, _FIELD))
    mixing = np.array([[1, 0.25, 0.1], [1, 0, -0.2], [1, -0.25, 0.1]])
    field = np.einsum("ij,jhw->ihw", mixing, field / field.std())
    return field.astype(np.float32)


def _image(rng: np.random.Generator, fields: np.ndarray, side: int) -> np.ndarray:
    total = np.zeros((3, side, side), np.float32)
    for number, top, left in rng.integers((_FIELDS, _FIELD - side, _FIELD - side), size=(2, 3)).tolist():
        total += fields[number, :, top : top + side, left : left + side]
    contrast = 30 * math.exp(0.4 * rng.standard_normal())
    return (128 + contrast * total).clip(0, 255).astype(np.uint8)


def residual(images: Pixels, mean: np.ndarray, directions: np.ndarray) -> float:
    """The squared error of images under directions (K, D), as a sum in levels."""
    total = 0.0
    for rows in routes.row_blocks(images):
        block = images[rows].reshape(-1, len(mean)).astype(np.float32) - mean.astype(np.float32)
        left = block - (block @ directions.T) @ directions
        total += float(np.square(left).sum(dtype=np.float64))
    return total


def beyond_exact(images: Pixels, components: int, *, sampled: int) -> float:
    """By what share the error is larger than that of the exact directions."""
    mean = routes.mean_of(images)
    exact = routes.by_covariance if math.prod(images.shape[1:]) <= len(images) else routes.by_gram
    with mock.patch.object(routes, "_SAMPLED", sampled):
        nearly = routes.by_krylov(images, mean, components)[1].astype(np.float32)
    exactly = exact(images, components)[1].astype(np.float32)
    return residual(images, mean, nearly) / residual(images, mean, exactly) - 1


def peak_gigabytes() -> float:
    """Of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="for the images")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--components", type=int, default=512)
    parser.add_argument("--quick", action="store_true", help="try it out: numbers without worth, kept in runs/")
    given = parser.parse_args()
    count, components = (7000, 32) if given.quick else (given.images, given.components)
    machine = record.hardware("cpu")
    path = given.folder / "images.raw"
    try:
        images = draw(path, count, given.side, power=1.1, seed=0)
        drawn, start = peak_gigabytes(), time.perf_counter()
        fit(images, components)
        seconds, peak = time.perf_counter() - start, peak_gigabytes()
        many = beyond_exact(Rows(images, evenly(count, 1000 if given.quick else 5000)), components, sampled=1250)
        small = draw(path, 4000 if given.quick else 20_000, 40, power=1.1, seed=1)
        few = beyond_exact(small, components, sampled=4096)
    finally:
        path.unlink(missing_ok=True)
    values = 3 * given.side**2
    record.write(
        "large-pca",
        "PCA of images that do not fit into memory",
        f"How long do {components} components of {count:,} drawn images of 3x{given.side}x{given.side} ({values:,} "
        "values) take from a file, with how much memory, and how much larger is their error than the exact one?",
        [
            Measured("fit", (seconds,), 600, at_least=False, unit="s"),
            Measured("peak memory of the process", (peak,), 4, at_least=False, unit="GiB"),
            Measured("error beyond the exact one, 5,000 of the images", (100 * many,), 0.1, at_least=False, unit="%"),
            Measured("the same, 20,000 images of 3x40x40", (100 * few,), 0.1, at_least=False, unit="%"),
        ],
        machine=machine,
        details={"images": count, "side": given.side, "components": components, "peak_when_drawn_gib": drawn},
        out=record.folder(given.quick),
    )


if __name__ == "__main__":
    main()
