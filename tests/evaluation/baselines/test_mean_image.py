"""The mean image answers every image alike, in the images' depth."""

import numpy as np
import pytest

from isthmus.core import pixels
from isthmus.core.pixels import Rows
from isthmus.evaluation.baselines import mean_image


def test_is_the_rounded_mean_for_every_image() -> None:
    images = np.random.default_rng(0).integers(0, 256, (301, 3, 4, 5), dtype=np.uint8)
    output = mean_image.fit(images).reconstruct(images[:7])
    assert output.shape == (7, 3, 4, 5) and output.dtype == np.uint8
    assert np.abs(output.astype(float) - images.astype(float).mean(axis=0)).max() <= 0.5
    assert (output == output[0]).all()


def test_many_white_images_do_not_overflow() -> None:
    white = np.full((70_000, 3, 1, 1), 255, dtype=np.uint8)
    assert mean_image.fit(white).pixels.tolist() == [[[255]], [[255]], [[255]]]


def test_refuses_other_shapes() -> None:
    images = np.zeros((2, 3, 4, 4), dtype=np.uint8)
    with pytest.raises(ValueError, match="mean image"):
        mean_image.fit(images[:0])
    with pytest.raises(ValueError, match=r"\(3, 4, 4\)"):
        mean_image.fit(images).reconstruct(np.zeros((2, 3, 8, 8), dtype=np.uint8))


def test_of_16_bits_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "BLOCK_BYTES", 500)
    images = np.random.default_rng(0).integers(0, 65536, (301, 5, 4, 3), dtype=np.uint16)
    found = mean_image.fit(Rows(images, np.arange(301)[::-1])).pixels
    assert found.dtype == np.uint16
    assert np.array_equal(found, np.rint(images.mean(axis=0)).astype(np.uint16))
