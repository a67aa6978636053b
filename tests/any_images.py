"""Small image sets of the kinds that people have beside square colour photographs."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image


def _blobs(count: int, height: int, width: int, channels: int) -> np.ndarray:
    """Smooth images (N, H, W, C) in [0, 1]: a bright spot at another place, of another colour, in each."""
    draw = np.random.default_rng(0)
    rows, columns = np.mgrid[0:height, 0:width]
    y, x = (draw.uniform(0.2, 0.8, (count, 1, 1)) * side for side in (height, width))
    spots = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (0.05 * height * width))
    return spots[..., None] * draw.uniform(0.2, 1, (count, 1, 1, channels))


def _idx(folder: Path) -> dict[str, object]:
    """MNIST's files, gzipped and not, made of scikit-learn's digits enlarged to 28x28."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.repeat(np.repeat(digits.images * 15, 4, 1), 4, 2)[:, 2:30, 2:30].astype(np.uint8)
    for name, start, stop, opened in (("train", 0, 80, gzip.open), ("t10k", 80, 100, open)):
        end = ".gz" if opened is gzip.open else ""
        with opened(folder / f"{name}-images-idx3-ubyte{end}", "wb") as file:
            file.write(struct.pack(">IIII", 0x803, stop - start, 28, 28) + images[start:stop].tobytes())
        with opened(folder / f"{name}-labels-idx1-ubyte{end}", "wb") as file:
            file.write(struct.pack(">II", 0x801, stop - start) + digits.target[start:stop].astype(np.uint8).tobytes())
    return {"kind": "idx", "path": folder}


def _deep(folder: Path) -> dict[str, object]:
    """Grey TIFF of 16 bits that hold 12-bit values, as a scanner writes them."""
    for number, image in enumerate(_blobs(80, 24, 24, 1)[..., 0]):
        Image.fromarray((image * 2000 + 1000).astype(np.uint16)).save(folder / f"{number}.tif")
    return {"kind": "folder", "path": folder, "size": 24, "range": [900, 3100]}


def _icons(folder: Path) -> dict[str, object]:
    """PNG icons whose fourth channel is their transparency."""
    for number, image in enumerate(_blobs(80, 16, 16, 4)):
        Image.fromarray((image * 255).astype(np.uint8)).save(folder / f"{number}.png")
    return {"kind": "folder", "path": folder, "size": 16, "channels": 4}


def _bands(folder: Path) -> dict[str, object]:
    """An array of twelve bands, as of a satellite."""
    np.save(folder / "bands.npy", (_blobs(80, 16, 20, 12) * 255).astype(np.uint8))
    return {"kind": "arrays", "path": folder / "bands.npy", "layout": "NHWC", "shown_channels": [7, 3, 2]}


def _oblong(folder: Path) -> dict[str, object]:
    """JPEG photographs of 60x40, whose sides no stride divides once they are scaled."""
    for number, image in enumerate(_blobs(80, 40, 60, 3)):
        Image.fromarray((image * 255).astype(np.uint8)).save(folder / f"{number}.jpg")
    return {"kind": "folder", "path": folder, "size": [25, 38]}


SETS: dict[str, Callable[[Path], dict[str, object]]] = {
    "idx": _idx,
    "deep": _deep,
    "icons": _icons,
    "bands": _bands,
    "oblong": _oblong,
}
SHAPES = {"idx": (1, 28, 28), "deep": (1, 24, 24), "icons": (4, 16, 16), "bands": (12, 16, 20), "oblong": (3, 25, 38)}
"""(C, H, W) of each set's images, as a model sees them."""


def made(name: str, folder: Path) -> list[str]:
    """Write a set's files into a new folder; its data options as the command line takes them."""
    folder.mkdir(parents=True)
    return [f"data.{key}={value}" for key, value in SETS[name](folder).items()]
