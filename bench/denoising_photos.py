"""Photographs for `bench.denoising`: those to train on, and those that no training sees."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_images

_KINDS = {".jpg", ".jpeg", ".png"}
_SHIPPED = ("astronaut", "chelsea", "coffee", "motorcycle_left", "rocket")  # colour photographs in scikit-image


def test_photographs() -> dict[str, NDArray[np.uint8]]:
    """Seven colour photographs that scikit-image and scikit-learn install, (H, W, 3): none of them is trained on."""
    folder = Path(skimage.data.__file__).parent
    found = {name: _opened(next(folder.glob(f"{name}.*"))) for name in _SHIPPED}
    shipped = load_sample_images()
    return found | {
        Path(name).stem: np.asarray(image) for name, image in zip(shipped.filenames, shipped.images, strict=True)
    }


def gather(photographs: Path, out: Path) -> None:
    """The photographs of a folder to `out`/train, and the test photographs to `out`/test."""
    for split in ("train", "test"):
        (out / split).mkdir(parents=True, exist_ok=True)
    for path in sorted(photographs.iterdir()):
        if path.suffix.lower() in _KINDS:
            shutil.copyfile(path, out / "train" / path.name)
    for name, image in test_photographs().items():
        Image.fromarray(image).save(out / "test" / f"{name}.png")


def _opened(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
