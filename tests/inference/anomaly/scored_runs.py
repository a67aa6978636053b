"""Small runs on scikit-learn's digits, in folders of normal digits and others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from tests.command import isthmus

NORMAL = (0, 2, 3)
CHANGES = (
    *("data.kind=folder", "data.size=8", "architecture.filters=[8]", "architecture.strides=[2]"),
    *(
        "split.validation=0.1",
        "split.test=0.1",
        "bottleneck.dim=6",
        "train.batch=32",
        "train.epochs=6",
        "train.device=cpu",
        "model.linear=none",
        "-q",
    ),
)


def digits() -> dict[str, np.ndarray]:
    """Pictures by folder: 260 to train on, 120 to calibrate on, 120 normal ones to score, 80 of other digits."""
    held = load_digits()
    pixels = np.rint(held.images * 255 / 16).astype(np.uint8)
    normal = np.isin(held.target, NORMAL)
    order = np.random.default_rng(0).permutation(int(normal.sum()))
    rows = {"train": order[:260], "calib": order[260:380], "test/good": order[380:500]}
    return {
        **{name: pixels[normal][chosen] for name, chosen in rows.items()},
        "test/four": pixels[held.target == 4][:40],
        "test/one": pixels[held.target == 1][:40],
    }


def save(images: np.ndarray, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number:03}.png", compress_level=1)
    return folder


def home_with_run(home: Path, *changes: str) -> Path:
    """`home` with the folders of `digits` and a trained `run`."""
    for name, images in digits().items():
        save(images, home / name)
    changed = {change.partition("=")[0] for change in changes}
    usual = [change for change in CHANGES if change.partition("=")[0] not in changed]
    answer = isthmus("train", "post/latent-10", f"data.path={home / 'train'}", *usual, *changes, "-o", home / "run")
    assert answer.code == 0, answer
    return home
