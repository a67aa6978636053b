"""Folders of small pictures, without faults or with a fault that occurs in practice."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from bench.contest import ROOT
from isthmus.core import registry

CIFAR = ROOT.parent / "shared" / "data" / "cifar10-exact"
SIDE = 16
_TRAIN, _TEST = 1200, 120

Pictures = tuple[np.ndarray, np.ndarray | None]  # (N, C, H, W) uint8: training images and test images


def folder(kind: str, seed: int, home: Path) -> Path:
    """The pictures of a kind as PNG files, written once: in `train` and `test`, or in one folder without a test set.

    Raises KeyError for an unknown kind, FileNotFoundError if real images are requested but missing.
    """
    place = home / f"{kind}-{seed}"
    if not place.exists():
        train, test = KINDS[kind](seed)
        for name, images in (("train", train), ("test", test)) if test is not None else (("", train),):
            (place / name).mkdir(parents=True)
            for number, image in enumerate(images):
                pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
                Image.fromarray(pixels).save(place / name / f"{number:05}.png")
    return place


def _scenes(seed: int, train: int = _TRAIN) -> Pictures:
    drawn = registry.build("datasets", "scenes", {"train": train, "test": _TEST, "size": SIDE, "seed": seed}).load()
    return drawn.train.images, drawn.test.images


def _cifar(seed: int, train: int = _TRAIN) -> Pictures:
    """Real photographs, halved to 16 pixels."""
    if not CIFAR.is_dir():
        raise FileNotFoundError(CIFAR)
    real = registry.build("datasets", "parquet", {"path": str(CIFAR)}).load()
    chosen = np.random.default_rng(seed).permutation(len(real.train))[:train]
    return _halved(real.train.images[chosen]), _halved(real.test.images[:_TEST])


def _halved(images: np.ndarray) -> np.ndarray:
    count, channels, height, width = images.shape
    return images.reshape(count, channels, height // 2, 2, width // 2, 2).mean((3, 5)).round().astype(np.uint8)


def _digits(seed: int, train: int = _TRAIN) -> Pictures:
    """scikit-learn's handwritten digits, 8 pixels."""
    from sklearn.datasets import load_digits

    images = (load_digits().images * 255 / 16).round().astype(np.uint8)[:, None]
    return images[np.random.default_rng(seed).permutation(len(images))[:train]], None


def _inverted(images: Pictures) -> Pictures:
    train, test = images
    assert test is not None
    return train, 255 - test


def _twelve_bits(seed: int) -> Pictures:
    """12-bit values in 16-bit files, as from a CT scanner: read as 8 bits, only 0 to 15 remain."""
    train, test = _scenes(seed)
    assert test is not None
    return train >> 4, test >> 4


def _dark_test(seed: int) -> Pictures:
    """The test images were divided by 255 twice."""
    train, test = _scenes(seed)
    assert test is not None
    return train, (test > 127).astype(np.uint8)


def _bright_test(seed: int) -> Pictures:
    train, test = _scenes(seed)
    assert test is not None
    return train, (128 + test // 2).astype(np.uint8)


def _nearly_constant(seed: int) -> Pictures:
    """One grey with a little noise: a camera with its cap on."""
    random = np.random.default_rng(seed)
    images = random.integers(118, 139, (_TRAIN + _TEST, 1, SIDE, SIDE), dtype=np.uint8)
    return images[_TEST:], images[:_TEST]


def _leaked(seed: int) -> Pictures:
    """A tenth of the test images are training images, saved once as JPEG."""
    train, test = _scenes(seed)
    assert test is not None
    copies = [_as_jpeg(image) for image in train[: _TEST // 10]]
    return train, np.concatenate([np.stack(copies), test[_TEST // 10 :]])


def _as_jpeg(image: np.ndarray) -> np.ndarray:
    held = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).save(held, "JPEG", quality=95, subsampling=0)
    return np.asarray(Image.open(held).convert("RGB")).transpose(2, 0, 1)


KINDS: dict[str, Callable[[int], Pictures]] = {
    "scenes": _scenes,
    "few-scenes": lambda seed: _scenes(seed, 60),
    "twenty": lambda seed: (_scenes(seed, 20)[0], None),
    "photographs": _cifar,
    "many-photographs": lambda seed: _cifar(seed, 6000),
    "few-photographs": lambda seed: _cifar(seed, 60),
    "digits": _digits,
    "few-digits": lambda seed: _digits(seed, 80),
    "inverted-scenes": lambda seed: _inverted(_scenes(seed)),
    "inverted-photographs": lambda seed: _inverted(_cifar(seed)),
    "inverted-digits": lambda seed: _inverted((_digits(seed)[0][:1000], _digits(seed)[0][1000:])),
    "twelve-bits": _twelve_bits,
    "dark-test": _dark_test,
    "bright-test": _bright_test,
    "nearly-constant": _nearly_constant,
    "leaked": _leaked,
}
