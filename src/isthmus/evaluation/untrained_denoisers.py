"""Methods that remove noise without any training: what a trained denoiser must beat.

Each has one parameter, which is chosen on images with known noise; all know the noise's standard deviation.
scikit-image's own parts are `pip install "isthmus[denoise]"`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from isthmus.core.errors import InputError
from isthmus.core.pixels import levels

Picture = NDArray[np.float64]
"""(H, W, C), in [0, 1]."""
Method = Callable[[Picture, float, float], Picture]
"""A noisy picture, the noise's standard deviation in [0, 1] and the parameter -> the picture without noise."""

_PATCH, _DISTANCE = 5, 6  # of non-local means, pixels: as in scikit-image's own example


@dataclass(frozen=True)
class Untrained:
    """A method and the values of its parameter that are tried; `parameter` says what it is."""

    name: str
    parameter: str
    values: tuple[float, ...]
    method: Method

    def __call__(self, images: np.ndarray, std: float, value: float) -> np.ndarray:
        """Noisy images (N, C, H, W) uint8 or uint16 -> the same shape and type, rounded as a model's output is.

        std: of their noise, in [0, 1]. value: of the parameter.
        """
        highest = levels(images.dtype)
        unit = images.transpose(0, 2, 3, 1) / highest
        # reshaped, because non-local means leaves out an axis of one channel
        made = np.stack([self.method(image, std, value).reshape(image.shape) for image in unit])
        return (made.transpose(0, 3, 1, 2) * highest).clip(0, highest).round().astype(images.dtype)


def untrained_methods() -> Mapping[str, Untrained]:
    """Median, total variation, non-local means and wavelets, by a short name.

    Raises InputError where scikit-image, or PyWavelets, which its wavelets need, is not installed.
    """
    try:
        import pywt  # noqa: F401  # pyright: ignore[reportMissingImports, reportUnusedImport]
        from skimage import restoration
    except ImportError as error:
        raise InputError(
            f"the methods without training need scikit-image and PyWavelets ({error}); install them with "
            '`pip install "isthmus[denoise]"`'
        ) from None

    def total_variation(noisy: Picture, std: float, weight: float) -> Picture:
        return restoration.denoise_tv_chambolle(noisy, weight=weight * std, channel_axis=-1)

    def non_local_means(noisy: Picture, std: float, strength: float) -> Picture:
        # its patches must fit into the picture
        patch = min(_PATCH, *noisy.shape[:2])
        return restoration.denoise_nl_means(
            noisy, patch, _DISTANCE, strength * std, fast_mode=True, sigma=std, channel_axis=-1
        )

    def wavelets(noisy: Picture, std: float, share: float) -> Picture:
        return restoration.denoise_wavelet(
            noisy,
            sigma=share * std,
            method="BayesShrink",
            mode="soft",
            rescale_sigma=True,
            convert2ycbcr=noisy.shape[2] == 3,
            channel_axis=-1,
        )

    found = (
        Untrained("median filter", "side, pixels", (3, 5, 7, 9), _median),
        Untrained("total variation", "weight over the noise", (0.5, 0.8, 1.2, 1.8, 2.7), total_variation),
        Untrained("non-local means", "h over the noise", (0.2, 0.3, 0.4, 0.6, 0.8), non_local_means),
        Untrained("wavelets", "assumed noise over the noise", (0.7, 1.0, 1.4, 2.0), wavelets),
    )
    return MappingProxyType(dict(zip(("median", "tv", "nl_means", "wavelet"), found, strict=True)))


def _median(noisy: Picture, std: float, side: float) -> Picture:
    return median_filter(noisy, size=(int(side), int(side), 1), mode="mirror")
