"""Photographs for `bench.denoising`: those to train on, cut into crops, and those that no training sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_images

SIDE, STEP = 64, 48  # of a crop, and from one to the next, pixels
SCALES = (1.0, 0.7, 0.5)  # a photograph reduced has finer detail, and less of what JPEG and cameras left
_LARGEST = 1000  # pixels; longer sides are first reduced to it
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


def cut(photographs: Path, out: Path) -> tuple[int, int]:
    """Crops of the photographs in a folder to `out`/train, and of the test photographs to `out`/test; their numbers.

    The crops of the test photographs are at full size and do not overlap.
    """
    counts = []
    training = (
        crop
        for path in sorted(photographs.iterdir())
        if path.suffix.lower() in _KINDS
        for scale in SCALES
        for crop in _crops(_scaled(_opened(path), scale), STEP)
    )
    test = (crop for image in test_photographs().values() for crop in _crops(image, 2 * SIDE))
    for split, crops in (("train", training), ("test", test)):
        (out / split).mkdir(parents=True, exist_ok=True)
        count = 0
        for count, crop in enumerate(crops, 1):
            Image.fromarray(crop).save(out / split / f"{count:05d}.png")
        counts.append(count)
    return counts[0], counts[1]


def _opened(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        image = image.convert("RGB")
        image.thumbnail((_LARGEST, _LARGEST), Image.Resampling.LANCZOS)
        return np.asarray(image)


def _scaled(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    height, width = (round(scale * side) for side in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def _crops(image: NDArray[np.uint8], step: int) -> Iterator[NDArray[np.uint8]]:
    height, width = image.shape[:2]
    for top in range(0, height - SIDE + 1, step):
        for left in range(0, width - SIDE + 1, step):
            yield image[top : top + SIDE, left : left + SIDE]
