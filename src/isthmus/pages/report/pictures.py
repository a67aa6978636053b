"""Pictures as PNG inside the page: no contrast stretch, no resampling."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.core.pixels import depth_of, levels
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.run_files.arrays import PixelArray

ERROR_LIMIT = 64
"""Grey levels (of 255) at which the error scale ends; larger errors get its last colour."""

# Luminance always rises, so the scale works in a grey print and for colour-blind readers.
_ANCHORS = np.array([[8, 10, 24], [22, 50, 104], [14, 112, 130], [92, 178, 98], [240, 222, 84], [255, 253, 228]])
_MINIMUM_SIDE = 64
_STRIP_SIDE = 128


def png_uri(picture: NDArray[np.uint8]) -> str:
    """picture (1 or 3, H, W) -> a data URI with exactly these pixels."""
    grey = len(picture) == 1
    return _uri(Image.fromarray(np.ascontiguousarray(picture[0] if grey else picture.transpose(1, 2, 0))))


def strip_uri(picture: NDArray[np.uint8]) -> str:
    """picture (1 or 3, H, W) -> a data URI for a glance: large pictures are reduced, small ones are exact."""
    grey = len(picture) == 1
    image = Image.fromarray(np.ascontiguousarray(picture[0] if grey else picture.transpose(1, 2, 0)))
    return _uri(image.reduce(max(1, max(image.size) // _STRIP_SIDE)))


def error_map_uri(original: PixelArray, output: PixelArray) -> str:
    """Two images (C, H, W) -> a data URI of their absolute error, averaged over channels, in the scale's colours."""
    error = np.abs(original.astype(np.int32) - output.astype(np.int32)).mean(axis=0)
    grey_levels = error * (255 / levels(original.dtype))
    image = Image.fromarray(np.minimum(np.rint(grey_levels), ERROR_LIMIT).astype(np.uint8))
    image.putpalette(error_colours().tobytes())
    return _uri(image)


def error_colours() -> NDArray[np.uint8]:
    """The colours of the error scale, (ERROR_LIMIT + 1, 3): one per grey level."""
    position = np.linspace(0, len(_ANCHORS) - 1, ERROR_LIMIT + 1)
    channels = [np.interp(position, np.arange(len(_ANCHORS)), _ANCHORS[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def error_scale_uri() -> str:
    """The error scale as a picture one pixel high, zero error on the left."""
    return _uri(Image.fromarray(error_colours()[None]))


def psnr(original: PixelArray, output: PixelArray) -> float:
    """The PSNR in dB of one image against another, as the evaluation scores it."""
    error = (original.astype(np.float64) - output.astype(np.float64)) / levels(original.dtype)
    return psnr_of_mean_mse(float(np.square(error).mean()), original.size, depth=depth_of(original.dtype))


def shown_size(image: PixelArray) -> tuple[int, int]:
    """(width, height) in CSS pixels: small images are enlarged by a whole number."""
    _, height, width = image.shape
    zoom = max(1, _MINIMUM_SIDE // max(height, width))
    return width * zoom, height * zoom


def _uri(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
