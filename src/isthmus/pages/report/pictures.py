"""Pictures inside the page, without loss: no contrast stretch, no resampling."""

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
_WEBP_SIDE = 16383  # the format has no larger pictures


def picture_uri(picture: NDArray[np.uint8]) -> str:
    """picture (1 or 3, H, W) -> a data URI with exactly these pixels."""
    return _uri(_image(picture))


def png_uri(picture: NDArray[np.uint8]) -> str:
    """The same as PNG: not everything that shows notebooks, or converts them, knows WebP."""
    return _data_uri("png", _as_png(_image(picture)))


def strip_uri(picture: NDArray[np.uint8]) -> str:
    """picture (1 or 3, H, W) -> a data URI for a glance: large pictures are reduced, small ones are exact."""
    image = _image(picture)
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


def _image(picture: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)))


def _uri(image: Image.Image) -> str:
    """PNG or lossless WebP, whichever is smaller: WebP for most pictures, PNG where there are few colours."""
    png, webp = _as_png(image), io.BytesIO()
    if max(image.size) <= _WEBP_SIDE:
        image.convert("RGB").save(webp, format="WEBP", lossless=True, quality=50, method=2)  # in a millisecond
    return _data_uri("webp", webp.getvalue()) if 0 < len(webp.getvalue()) < len(png) else _data_uri("png", png)


def _as_png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(content).decode("ascii")
